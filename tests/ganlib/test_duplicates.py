"""Laws of near duplicates: what shows the same is found, what only resembles is not."""

import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib import duplicates
from ganlib.duplicates import MAX_BITS, candidates, correlations, hashes, near_pairs

DATA = Path(os.environ.get("GANLIB_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(count, channels=3, side=32, seed=0):
    """Blurred noise: like photographs, most of it is low frequencies."""
    small = noise(count, channels, 8, 8, seed=seed)
    images = [[Image.fromarray(p).resize((side, side), Image.Resampling.BICUBIC) for p in one] for one in small]
    return np.array([[np.asarray(plane) for plane in one] for one in images])


def changed(picture, how):
    image = Image.fromarray(picture.transpose(1, 2, 0))
    buffer = BytesIO()
    match how:
        case "saved as JPEG":
            image.save(buffer, "JPEG", quality=75)
            image = Image.open(buffer)
        case "made smaller and larger":
            image = image.resize((24, 24), Image.Resampling.LANCZOS).resize((32, 32), Image.Resampling.LANCZOS)
        case "brightened":
            image = image.point(lambda value: min(255, int(value * 0.9) + 20))
    return np.asarray(image).transpose(2, 0, 1)


@pytest.mark.parametrize("how", ["saved as JPEG", "made smaller and larger", "brightened"])
def test_a_picture_that_was_worked_on_is_found_again(how):
    pictures = smooth(60)
    both = np.concatenate([pictures, np.stack([changed(picture, how) for picture in pictures])])
    pairs, values, complete = near_pairs(hashes(both), both.__getitem__)
    found = {tuple(pair) for pair in pairs.tolist()}
    assert complete
    assert len(found & {(i, i + 60) for i in range(60)}) >= 55
    assert not found - {(i, i + 60) for i in range(60)}
    assert values.min() >= duplicates.MIN_CORRELATION


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=12), st.data())
def test_every_pair_within_the_limit_is_a_candidate_and_no_other(values, data):
    flips = st.sets(st.integers(0, 63), max_size=MAX_BITS + 1)
    values += [data.draw(st.sampled_from(values)) ^ sum(1 << bit for bit in data.draw(flips)) for _ in range(8)]
    expected = [
        [i, j]
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= MAX_BITS
    ]
    pairs, complete = candidates(np.array(values, np.uint64), ThreadPoolExecutor(2))
    assert sorted(pairs.tolist()) == sorted(expected)
    assert complete


def test_looking_gives_up_where_everything_looks_alike_and_says_so(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_CANDIDATES", 1000)
    pairs, complete = candidates(np.zeros(500, np.uint64), ThreadPoolExecutor(1))
    assert not complete
    assert len(pairs) >= 400


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (28, 28), (33, 70)])
def test_a_hash_depends_on_its_picture_alone(channels, size):
    pictures = noise(9, channels, *size)
    together = hashes(pictures)
    assert [hashes(picture[np.newaxis])[0] for picture in pictures] == together.tolist()


def test_a_mirrored_picture_is_another_one():
    pictures = smooth(40)
    both = np.concatenate([pictures, pictures[..., ::-1]])
    assert len(near_pairs(hashes(both), both.__getitem__)[0]) == 0


def test_correlation_is_pearsons():
    first, second = noise(5, 1, 9, 7), noise(5, 1, 9, 7, seed=1)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(correlations(first, second), expected, atol=1e-6)
    np.testing.assert_allclose(correlations(first, first), 1, atol=1e-6)


def test_surfaces_are_alike_where_their_grey_is():
    def surface(value):
        return np.full((1, 3, 8, 8), value, np.uint8)

    assert correlations(surface(10), surface(12)) == 1
    assert correlations(surface(10), surface(200)) == 0
    assert correlations(surface(10), noise(1, 3, 8, 8)) == 0


@pytest.fixture(scope="module")
def photographs():
    """(names, pixels) of CIFAR-10's 10,000 test pictures."""
    if not (DATA / "cifar10-jpg").is_dir():
        pytest.skip(f"no CIFAR-10 pictures in {DATA}")
    with ZipFile(DATA / "cifar10-jpg" / "test.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        pixels = np.stack([np.asarray(Image.open(archive.open(name)).convert("RGB")) for name in names])
    return names, pixels.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("how", ["saved as JPEG", "made smaller and larger", "brightened"])
def test_nearly_every_photograph_that_was_worked_on_is_found_again(photographs, how):
    pixels = photographs[1][::25]
    both = np.concatenate([pixels, np.stack([changed(picture, how) for picture in pixels])])
    found = {tuple(pair) for pair in near_pairs(hashes(both), both.__getitem__)[0].tolist()}
    assert len(found & {(i, i + len(pixels)) for i in range(len(pixels))}) >= 0.93 * len(pixels)


def test_the_pairs_found_among_photographs_are_few_and_of_one_class(photographs):
    names, pixels = photographs
    pairs, _, complete = near_pairs(hashes(pixels), pixels.__getitem__)
    assert complete
    assert 1 <= len(pairs) <= 20
    assert all(names[i].split("/")[-2] == names[j].split("/")[-2] for i, j in pairs.tolist())
