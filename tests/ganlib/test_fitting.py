"""Laws of bringing pictures to one shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganlib import fitting
from ganlib.errors import UserError
from ganlib.fitting import Recipe, background, centred_part, channels_needed, check, join, luma, target_size
from ganlib.settings import DataSettings

SIDE = st.integers(1, 60)


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def fit(pixels, shape, how="center_crop", behind=(255, 255, 255)):
    return fitting.fit(pixels, Recipe(shape, how, behind))


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


@pytest.mark.parametrize("target", [(6, 6), (12, 7), (5, 20), (9, 11)])
@pytest.mark.parametrize("channels", [1, 3])
def test_many_pictures_at_once_are_resized_as_each_alone(channels, target):
    pixels = noise(fitting.MANY + 1, channels, 9, 11)
    together = fitting.resize(pixels, *target)
    for picture, alone in zip(together, pixels, strict=True):
        np.testing.assert_array_equal(picture, fitting.resize(alone[np.newaxis], *target)[0])


@pytest.mark.parametrize(("target", "between"), [((6, 16), (6, 8)), ((16, 6), (8, 6)), ((4, 4), (8, 4))])
@pytest.mark.parametrize("count", [1, fitting.MANY])
def test_the_direction_that_leaves_fewer_pixels_goes_first(target, between, count):
    pixels = noise(count, 1, 8, 8)
    first = fitting.resize(pixels, *between)
    np.testing.assert_array_equal(fitting.resize(pixels, *target), fitting.resize(first, *target))


def test_the_whole_picture_is_there_when_it_is_padded():
    pixels = noise(1, 3, 4, 8)
    fitted, done = fit(pixels, (3, 8, 8), "pad", (1, 2, 3))
    np.testing.assert_array_equal(fitted[:, :, 2:6], pixels)
    assert (fitted[0, :, :2] == np.array([1, 2, 3])[:, None, None]).all()
    assert done == ("padded to 8x8",)
    fitted, done = fit(pixels, (3, 4, 4), "pad")
    assert (fitted[:, :, 0] == 255).all()
    assert (fitted[:, :, 1:3] < 255).any()
    assert done == ("resized to 2x4", "padded to 4x4")


def test_borders_are_transparent_where_alpha_is_kept():
    fitted, done = fit(noise(1, 3, 4, 8), (4, 8, 8), "pad", None)
    assert (fitted[0, 3, 2:6] == 255).all()
    assert fitted[0, 3, [0, 1, 6, 7]].max() == 0
    assert done == ("padded to 8x8", "opaque alpha added")


def test_stretching_keeps_the_corners():
    pixels = np.zeros((1, 1, 8, 16), np.uint8)
    pixels[..., :4] = 255
    fitted, done = fit(pixels, (1, 8, 8), "stretch")
    assert fitted[0, 0, :, 0].min() > 240
    assert done == ("resized to 8x8",)


@pytest.mark.parametrize("bands", [2, 4])
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (10, 20, 30)])
def test_alpha_is_laid_over_the_background(bands, colour):
    pixels = noise(1, bands, 4, 4)
    pixels[:, -1, 0], pixels[:, -1, 1] = 0, 255
    shape = (3 if bands == 4 or len(set(colour)) > 1 else 1, 4, 4)
    fitted, done = fit(pixels, shape, behind=colour)
    alpha, behind = pixels[:, -1:] / 255, np.array(colour)[:, None, None]
    expected = pixels[:, :-1] * alpha + behind * (1 - alpha)
    np.testing.assert_allclose(fitted, expected[:, : shape[0]], atol=0.5 + 1e-9)
    assert done == ("alpha over #{:02x}{:02x}{:02x}".format(*colour),)


def test_what_is_transparent_does_not_bleed_into_what_is_not():
    """A red square on transparent green: however it is resized, nothing green shows."""
    pixels = np.zeros((1, 4, 32, 32), np.uint8)
    pixels[:, 1] = 255
    pixels[:, 0, 8:24, 8:24], pixels[:, 1, 8:24, 8:24], pixels[:, 3, 8:24, 8:24] = 255, 0, 255
    fitted, _ = fit(pixels, (4, 9, 9), behind=None)
    shows = fitted[0, 3] > 0
    assert fitted[0, 1][shows].max() == 0
    assert fitted[0, 0][shows].min() > 250


@pytest.mark.parametrize(
    ("channels", "behind", "needed"),
    [
        (1, (255,) * 3, 1),
        (2, (255,) * 3, 1),
        (2, (9, 8, 7), 3),
        (3, (255,) * 3, 3),
        (4, (0,) * 3, 3),
        (1, None, 1),
        (2, None, 2),
        (3, None, 3),
        (4, None, 4),
    ],
)
def test_no_more_channels_are_needed_than_show_something(channels, behind, needed):
    assert channels_needed(channels, (4, 4), Recipe((1, 4, 4), "none", behind)) == needed


def test_padding_needs_room_for_its_colour():
    assert channels_needed(1, (4, 8), Recipe((1, 8, 8), "pad", None)) == 2
    assert channels_needed(1, (4, 8), Recipe((1, 8, 8), "pad", (1, 2, 3))) == 3
    assert channels_needed(1, (4, 4), Recipe((1, 8, 8), "pad", None)) == 1


@given(st.integers(1, 4), st.integers(1, 4))
def test_joined_channels_hold_both_kinds(first, second):
    both = join(first, second)
    assert both == join(second, first) == join(both, first)
    assert (both >= 3) == (max(first, second) >= 3)
    assert (both % 2 == 0) == (first % 2 == 0 or second % 2 == 0)


@pytest.mark.parametrize(("resolution", "size"), [(None, (5, 7)), (4, (4, 4)), ((4, 6), (4, 6))])
def test_a_size_that_the_settings_leave_open_is_the_first_pictures(resolution, size):
    assert target_size(DataSettings(resolution=resolution), (5, 7)) == size


def test_alpha_and_channels_that_contradict_each_other_are_a_mistake():
    with pytest.raises(UserError, match=r"data\.alpha is keep but data\.channels is 3, .* to 4 or auto"):
        check(DataSettings(alpha="keep", channels=3))
    with pytest.raises(UserError, match=r"data\.channels is 2, .*'white'; set data\.alpha to keep, or .* to 1\."):
        check(DataSettings(channels=2))
    for channels, alpha in ((1, "white"), (3, "#102030"), (2, "keep"), ("auto", "keep"), ("auto", "black")):
        check(DataSettings(alpha=alpha, channels=channels))
    assert background(DataSettings(alpha="#1020ff")) == (16, 32, 255)
    assert background(DataSettings(alpha="keep")) is None
