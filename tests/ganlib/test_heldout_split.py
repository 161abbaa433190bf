"""Laws of deciding by a picture's content on which side of the split it lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib.working import are_heldout, pixel_digest, pixel_digests


def is_heldout(digest, *, seed, share):
    return are_heldout([digest], seed=seed, share=share)[0]


def noise(count, channels=1, height=4, width=3):
    return np.random.default_rng(0).integers(0, 256, (count, channels, height, width), np.uint8)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_adds_to_the_held_out_side(digest, seed, share, other):
    smaller, larger = sorted((share, other))
    assert is_heldout(digest, seed=seed, share=smaller) <= is_heldout(digest, seed=seed, share=larger)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_the_share_is_about_what_was_asked_for(share, seed):
    held = sum(is_heldout(pixel_digest(picture), seed=seed, share=share) for picture in noise(2000))
    assert abs(held - 2000 * share) < 4 * np.sqrt(2000 * share * (1 - share))


def test_another_seed_is_another_split():
    pictures = [pixel_digest(picture) for picture in noise(100)]
    splits = {tuple(is_heldout(digest, seed=seed, share=0.5) for digest in pictures) for seed in range(5)}
    assert len(splits) == 5


def test_the_same_picture_has_one_digest_in_grey_and_in_colourless_rgb_and_another_in_another_shape():
    (grey,) = noise(1, 1, 2, 6)
    assert pixel_digest(grey) == pixel_digest(grey.repeat(3, axis=0))
    assert pixel_digest(grey) != pixel_digest(grey.reshape(1, 6, 2))
    (colour,) = noise(1, 3, 2, 6)
    assert pixel_digest(colour) != pixel_digest(colour[:1])
    (clear,) = noise(1, 2, 2, 6)
    assert pixel_digest(clear) == pixel_digest(clear[[0, 0, 0, 1]])
    assert pixel_digest(clear) != pixel_digest(clear[:1])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_digests_of_many_pictures_are_those_of_each(channels):
    pictures = noise(9, channels)
    pictures[4, :3], pictures[5, :3, 0, 0] = pictures[4, :1], 7  # without colour, and only in a corner
    assert pixel_digests(pictures) == [pixel_digest(picture) for picture in pictures]
    assert pixel_digests(pictures[:, :, ::-1]) == [pixel_digest(picture[:, ::-1]) for picture in pictures]
