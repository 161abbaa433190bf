"""Laws of bringing pictures to one shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganlib.datasets import Batch
from ganlib.errors import UserError
from ganlib.fitting import centred_part, check_alike, fit, luma, target_shape
from ganlib.settings import DataSettings

SIDE = st.integers(1, 60)


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def batch(channels, height, width, name="it"):
    pixels = noise(1, channels, height, width)
    return Batch(pixels=pixels, labels=np.array([-1]), names=[name], mode="L")


@given(SIDE, SIDE, SIDE, SIDE)
def test_the_part_kept_is_inside_centred_and_as_large_as_the_aspect_ratio_allows(height, width, to_height, to_width):
    top, left, part_height, part_width = centred_part((height, width), to_height, to_width)
    assert part_height == height or part_width == width
    assert 0 <= height - part_height - 2 * top <= 1
    assert 0 <= width - part_width - 2 * left <= 1
    # To the nearest whole pixel of what the ratio gives, and never less than one.
    assert abs(part_width - max(1, min(width, height * to_width / to_height))) <= 0.5
    assert abs(part_height - max(1, min(height, width * to_height / to_width))) <= 0.5


@given(SIDE, SIDE)
def test_a_picture_of_the_target_shape_is_left_alone(height, width):
    pixels = noise(2, 3, height, width)
    fitted, done = fit(pixels, (3, height, width))
    np.testing.assert_array_equal(fitted, pixels)
    assert done == ()


def test_a_wide_picture_loses_its_sides_and_nothing_else():
    pixels = noise(1, 1, 4, 9)
    fitted, done = fit(pixels, (1, 4, 4))
    np.testing.assert_array_equal(fitted, pixels[..., 2:6])
    assert done == ("cropped to 4x4",)


@pytest.mark.parametrize("size", [(8, 8), (33, 70), (16, 16), (5, 3)])
def test_an_even_surface_stays_even_at_any_size(size):
    fitted, _ = fit(np.full((1, 3, *size), 77, np.uint8), (3, 16, 16))
    assert (fitted == 77).all()


def test_shrinking_averages_instead_of_skipping():
    stripes = np.zeros((1, 1, 64, 64), np.uint8)
    stripes[..., ::2] = 255
    fitted, done = fit(stripes, (1, 16, 16))
    assert fitted[..., 2:-2].min() > 110
    assert fitted[..., 2:-2].max() < 145
    assert done == ("resized to 16x16",)


def test_channels_and_pictures_are_resized_each_by_itself():
    pixels = noise(2, 3, 9, 9)
    together, _ = fit(pixels, (3, 6, 6))
    for i in range(2):
        for c in range(3):
            alone, _ = fit(pixels[i : i + 1, c : c + 1], (1, 6, 6))
            np.testing.assert_array_equal(together[i, c], alone[0, 0])


def test_grey_is_the_luma_that_pillow_computes():
    pixels = noise(1, 3, 50, 50)
    grey = np.asarray(Image.fromarray(pixels[0].transpose(1, 2, 0)).convert("L"))
    np.testing.assert_array_equal(luma(pixels)[0, 0], grey)


@given(st.integers(0, 255))
def test_grey_to_colour_and_back_changes_nothing(value):
    grey = np.full((1, 1, 2, 2), value, np.uint8)
    colour, done = fit(grey, (3, 2, 2))
    assert colour.shape == (1, 3, 2, 2)
    assert done == ("to RGB",)
    np.testing.assert_array_equal(fit(colour, (1, 2, 2))[0], grey)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        (DataSettings(), (3, 5, 7)),
        (DataSettings(resolution=4), (3, 4, 4)),
        (DataSettings(resolution=(4, 6)), (3, 4, 6)),
        (DataSettings(channels=1), (1, 5, 7)),
    ],
)
def test_what_the_settings_leave_open_is_as_the_first_picture(settings, shape):
    assert target_shape(settings, batch(3, 5, 7)) == shape


def test_mixed_sizes_need_a_resolution():
    first, other = batch(1, 5, 7, "a.png"), batch(1, 5, 8, "b.png")
    with pytest.raises(UserError, match=r"^a\.png is 5x7 pixels and b\.png 5x8 .*set data\.resolution"):
        check_alike(DataSettings(), first, other)
    check_alike(DataSettings(resolution=4), first, other)


def test_mixed_channels_need_a_choice():
    first, other = batch(1, 5, 7, "a.png"), batch(3, 5, 7, "b.png")
    with pytest.raises(UserError, match=r"^a\.png is grey and b\.png in colour; set data\.channels"):
        check_alike(DataSettings(), first, other)
    check_alike(DataSettings(channels=1), first, other)
