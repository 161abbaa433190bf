"""The operations of ADA that move pixels, each by itself."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from ada_alone import NOTHING, STILL, change, smooth, uniform_of
from every_augmentation import HALF, NO, YES, pictures

from ganlib.augmentations.ada import AdaOperations

# --- pixels copied -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (9, 5)], ids=str)
def test_a_flip_is_the_mirror_image_and_happens_to_half_of_those_drawn(shape: tuple[int, int]) -> None:
    images = pictures(2, 3, *shape)
    assert torch.equal(change(images, [YES, 0.75], flips=True), torch.flip(images, dims=(3,)))
    assert torch.equal(change(images, [YES, 0.25], flips=True), images)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("side", [8, 9])
def test_squares_turn_by_quarters(side: int, quarters: int) -> None:
    images = pictures(2, 3, side, side)
    turned = change(images, [YES, (quarters + 0.5) / 4, NO, 0.0, 0.0], blit=1.0)
    assert torch.equal(turned, torch.rot90(images, k=quarters, dims=(2, 3)))


def test_other_rectangles_turn_by_halves() -> None:
    images = pictures(2, 3, 9, 4)
    assert torch.equal(change(images, [YES, 0.75, NO, 0.0, 0.0], blit=1.0), torch.rot90(images, k=2, dims=(2, 3)))
    assert torch.equal(change(images, [YES, 0.25, NO, 0.0, 0.0], blit=1.0), images)


def test_whole_pixels_move_up_to_an_eighth_of_the_side_and_a_mirror_fills_in() -> None:
    images = pictures(2, 3, 16, 24)
    padded = F.pad(images, (3, 3, 2, 2), mode="reflect")
    # 0 is the far left and the top, almost 1 the far right and the bottom.
    assert torch.equal(change(images, [NO, 0.0, YES, 0.0, 0.9999], blit=1.0), padded[:, :, :16, 6:])
    assert torch.equal(change(images, [NO, 0.0, YES, 0.9999, 0.0], blit=1.0), padded[:, :, 4:, :24])
    assert torch.equal(change(images, [NO, 0.0, YES, 0.5, 0.5], blit=1.0), images)


def test_a_flip_comes_before_a_turn_and_a_turn_before_a_translation() -> None:
    images = pictures(2, 3, 16, 16)
    expected = torch.rot90(torch.flip(images, dims=(3,)), dims=(2, 3))
    moved = change(images, [YES, 0.75, YES, 0.3, YES, 0.9999, 0.5], flips=True, blit=1.0)
    assert torch.equal(moved[..., 2:], expected[..., :-2])


# --- pixels read between -------------------------------------------------------------------------------------------


def transform(
    images: torch.Tensor,
    *,
    scale: list[float] = STILL,
    turn: list[float] = STILL,
    stretch: list[float] = STILL,
    second_turn: list[float] = STILL,
    shift: tuple[float, ...] = (NO, 0.5, 0.5),
) -> torch.Tensor:
    return change(images, [*scale, *turn, *stretch, *second_turn, *shift], geometric=1.0)


def test_scaling_by_one_and_turning_by_nothing_gives_the_picture_back() -> None:
    noise = pictures(2, 3, 16, 20)
    read = transform(noise, scale=[YES, 0.5], turn=[YES, 0.5], stretch=[YES, 0.5], shift=(YES, 0.5, 0.5))
    assert not torch.equal(read, noise)
    inside = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(read[inside], noise[inside], rtol=0, atol=1e-8)
    # At the border the filter, not quite symmetric, does not know its mirror image: noise shows it, pictures hardly.
    assert (read - noise).abs().max() < 0.3
    assert (transform(smooth(16, 20), scale=[YES, 0.5]) - smooth(16, 20)).abs().max() < 0.01


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_scaling_magnifies_about_the_centre(factor: float) -> None:
    ramp = (torch.arange(33, dtype=torch.float64) - 16).expand(1, 1, 33, 33)
    draw = [YES, uniform_of(float(np.log2(factor)) / 0.2)]
    inside = (..., slice(9, -9), slice(9, -9))
    for image in (ramp, ramp.mT):
        torch.testing.assert_close(transform(image, scale=draw)[inside], (image / factor)[inside], rtol=0, atol=1e-6)
    stretched = transform(ramp, stretch=draw)
    torch.testing.assert_close(stretched[inside], (ramp / factor)[inside], rtol=0, atol=1e-6)
    stretched = transform(ramp.mT, stretch=draw)
    torch.testing.assert_close(stretched[inside], (ramp.mT * factor)[inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize("which", ["turn", "second_turn"])
def test_a_rotation_by_a_quarter_is_a_quarter_turn_and_by_an_eighth_half_of_one(which: str) -> None:
    image = smooth(24, 24)
    quarter = transform(image, **{which: [YES, 0.75]})
    torch.testing.assert_close(quarter, torch.rot90(image, dims=(2, 3)), rtol=0, atol=0.02)
    x = (torch.arange(33, dtype=torch.float64) - 16).expand(1, 1, 33, 33)
    eighth = transform(x, **{which: [YES, 0.625]})
    inside = (..., slice(9, -9), slice(9, -9))
    # What was to the right is now up and to the right: y grows downwards.
    torch.testing.assert_close(eighth[inside], ((x - x.mT) / 2**0.5)[inside], rtol=0, atol=1e-6)


def test_rotations_of_pictures_that_are_not_square_keep_right_angles_and_lengths() -> None:
    x = (torch.arange(49, dtype=torch.float64) - 24).expand(1, 1, 25, 49)
    quarter = transform(x, turn=[YES, 0.75])
    y = (torch.arange(25, dtype=torch.float64) - 12)[:, None].expand(1, 1, 25, 49)
    inside = (..., slice(4, -4), slice(16, -16))
    torch.testing.assert_close(quarter[inside], -y[inside], rtol=0, atol=1e-6)


def test_the_stretch_lies_across_the_first_rotation_and_is_turned_by_the_second() -> None:
    x = (torch.arange(33, dtype=torch.float64) - 16).expand(1, 1, 33, 33)
    draws = {"turn": [YES, 0.75], "stretch": [YES, uniform_of(1.0)], "second_turn": [YES, 0.25]}
    # Turned by a quarter, x lies along y, which the stretch makes smaller; then it is turned back.
    inside = (..., slice(10, -10), slice(10, -10))
    torch.testing.assert_close(transform(x, **draws)[inside], (x * 2**0.2)[inside], rtol=0, atol=1e-6)


def test_pictures_move_by_fractions_of_a_pixel() -> None:
    ramp = (torch.arange(32, dtype=torch.float64)).expand(1, 1, 16, 32)
    moved = transform(ramp, shift=(YES, uniform_of(0.3), 0.5))
    torch.testing.assert_close(moved[..., 8:-8], ramp[..., 8:-8] - 0.3 * 0.125 * 32, rtol=0, atol=1e-6)
    moved = transform(ramp.mT, shift=(YES, 0.5, uniform_of(0.3)))
    torch.testing.assert_close(moved[..., 8:-8, :], ramp.mT[..., 8:-8, :] - 0.3 * 0.125 * 32, rtol=0, atol=1e-6)


def test_shrinking_does_not_darken_the_border() -> None:
    white = torch.ones(1, 1, 16, 16, dtype=torch.float64)
    moved = transform(white, scale=[YES, uniform_of(-3.0)], turn=[YES, 0.6], shift=(YES, uniform_of(2.0), 0.1))
    torch.testing.assert_close(moved, white)


def test_an_image_is_rotated_with_probability_p_although_there_are_two_rotations() -> None:
    augmentation = AdaOperations(**(NOTHING | {"geometric": 1.0}))
    count = augmentation.numbers((1, 8, 8))
    numbers = torch.full((4000, count), NO)
    generator = torch.Generator().manual_seed(1)
    numbers[:, 2:4], numbers[:, 6:8] = (torch.rand(4000, 2, generator=generator) for _ in range(2))
    images = pictures(1, 1, 8, 8).float().expand(4000, -1, -1, -1)
    rotated = (augmentation(images, numbers, HALF) != images).flatten(1).any(dim=1)
    assert rotated.float().mean().item() == pytest.approx(0.5, abs=0.03)
