"""The operations of ADA that change values where they are, each by itself."""

import numpy as np
import pytest
import torch
from ada_alone import NOTHING, STILL, change, uniform_of
from every_augmentation import HALF, YES, pictures

from ganlib.augmentations._wavelets import filter_bank
from ganlib.augmentations.ada import AdaOperations

# --- colours -------------------------------------------------------------------------------------------------------


def recolour(
    images: torch.Tensor,
    *,
    brightness: list[float] = STILL,
    contrast: list[float] = STILL,
    flip: list[float] = STILL,
    hue: list[float] = STILL,
    saturation: list[float] = STILL,
) -> torch.Tensor:
    return change(images, [*brightness, *contrast, *flip, *hue, *saturation], color=1.0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_brightness_adds_and_contrast_multiplies_and_transparency_stays(channels: int) -> None:
    images = pictures(2, channels, 6, 6)
    colours = {1: 1, 2: 1, 3: 3, 4: 3}[channels]
    brighter = recolour(images, brightness=[YES, uniform_of(1.5)])
    torch.testing.assert_close(brighter[:, :colours], images[:, :colours] + 1.5 * 0.2)
    stronger = recolour(images, contrast=[YES, uniform_of(2.0)])
    torch.testing.assert_close(stronger[:, :colours], images[:, :colours] * 2)
    for changed in (brighter, stronger, recolour(images, flip=[YES, 0.75])):
        assert torch.equal(changed[:, colours:], images[:, colours:])


def test_a_luma_flip_turns_light_into_dark_and_keeps_the_colour_and_done_twice_undoes_itself() -> None:
    images = pictures(2, 3, 6, 6)
    flipped = recolour(images, flip=[YES, 0.75])
    luma = images.mean(dim=1, keepdim=True)
    torch.testing.assert_close(flipped, images - 2 * luma)
    torch.testing.assert_close(recolour(flipped, flip=[YES, 0.75]), images)
    assert torch.equal(recolour(images, flip=[YES, 0.25]), images)
    torch.testing.assert_close(recolour(images[:, :1], flip=[YES, 0.75]), -images[:, :1])


def test_hue_turns_about_the_grey_axis() -> None:
    images = pictures(2, 3, 6, 6)
    third = recolour(images, hue=[YES, 0.5 + 1 / 3])
    torch.testing.assert_close(third, images.roll(1, dims=1))  # red becomes green
    some = recolour(images, hue=[YES, 0.6])
    torch.testing.assert_close(some.mean(dim=1), images.mean(dim=1))
    torch.testing.assert_close(some.square().sum(dim=1), images.square().sum(dim=1))


def test_saturation_scales_what_is_not_grey() -> None:
    images = pictures(2, 3, 6, 6)
    luma = images.mean(dim=1, keepdim=True)
    torch.testing.assert_close(recolour(images, saturation=[YES, uniform_of(1.0)]), luma + 2 * (images - luma))


@pytest.mark.parametrize("hue_or_saturation", ["hue", "saturation"])
def test_grey_pictures_have_neither_hue_nor_saturation(hue_or_saturation: str) -> None:
    images = pictures(2, 1, 6, 6)
    assert torch.equal(recolour(images, **{hue_or_saturation: [YES, 0.8]}), images)


def test_all_together_are_the_product_of_the_papers_matrices() -> None:
    images = pictures(1, 3, 5, 5)
    angle, v = 0.7 * 2 * np.pi - np.pi, np.ones(3) / 3**0.5
    cross = np.cross(np.eye(3), v).T
    brightness, contrast, luma_flip, hue, saturation = (np.eye(4) for _ in range(5))
    brightness[:3, 3] = 0.2 * 1.1
    contrast[:3, :3] *= 2 ** (0.5 * -0.6)
    luma_flip[:3, :3] -= 2 * np.outer(v, v)
    hue[:3, :3] = np.outer(v, v) + np.cos(angle) * (np.eye(3) - np.outer(v, v)) - np.sin(angle) * cross
    saturation[:3, :3] = np.outer(v, v) + 2**0.4 * (np.eye(3) - np.outer(v, v))
    product = saturation @ hue @ luma_flip @ contrast @ brightness
    expected = product[:3, :3] @ images[0].flatten(1).numpy() + product[:3, 3:]
    changed = recolour(
        images,
        brightness=[YES, uniform_of(1.1)],
        contrast=[YES, uniform_of(-0.6)],
        flip=[YES, 0.6],
        hue=[YES, 0.7],
        saturation=[YES, uniform_of(0.4)],
    )
    np.testing.assert_allclose(changed[0].flatten(1).numpy(), expected, atol=1e-12)


# --- frequencies, noise, holes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("band", [0, 1, 2, 3])
def test_a_louder_band_gains_and_the_others_lose_so_that_natural_power_stays(band: int) -> None:
    image = torch.zeros(1, 1, 99, 99, dtype=torch.float64)
    image[..., 49, 49] = 1  # what comes out is the filter
    draws = [part for other in range(4) for part in ([YES, uniform_of(1.0)] if other == band else STILL)]
    share = 10 / 13 if band == 0 else 1 / 13
    norm = (1 + share * 3) ** 0.5
    taps = sum((2.0 if other == band else 1.0) / norm * filter_bank()[other] for other in range(4))
    expected = np.outer(taps, taps)
    reach = len(taps) // 2
    filtered = change(image, draws, filter=1.0)[0, 0]
    middle = slice(49 - reach, 50 + reach)
    np.testing.assert_allclose(filtered[middle, middle].numpy(), expected, atol=1e-12)


def test_noise_is_normal_of_a_normal_deviation() -> None:
    images = torch.zeros(1, 3, 40, 40)
    generator = torch.Generator().manual_seed(1)
    values = torch.rand(images.numel(), generator=generator).tolist()
    noise = change(images, [YES, uniform_of(-2.0), *values], noise=1.0)
    assert noise.std().item() == pytest.approx(0.2, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert noise.abs().max().item() == pytest.approx(0.2 * 3.6, rel=0.25)


@pytest.mark.parametrize("shape", [(16, 16), (8, 20)], ids=str)
def test_a_hole_of_half_the_sides_is_cut_where_the_numbers_say(shape: tuple[int, int]) -> None:
    height, width = shape
    images = pictures(2, 3, *shape).abs() + 0.1
    cut = change(images, [YES, 0.5, 0.5], cutout=1.0)
    hole = (slice(None), slice(None), slice(height // 4, 3 * height // 4), slice(width // 4, 3 * width // 4))
    assert (cut[hole] == 0).all()
    assert (cut == 0).sum() == images.numel() / 4
    assert torch.equal(cut[cut != 0], images[cut != 0])
    on_a_pixel = change(images, [YES, 0.5 + 0.5 / width, 0.5 + 0.5 / height], cutout=1.0)
    assert (on_a_pixel == 0).sum() == images.numel() / 4
    corner = change(images, [YES, 0.0, 0.0], cutout=1.0)
    assert (corner[:, :, : height // 4, : width // 4] == 0).all()
    assert (corner == 0).sum() == images.numel() / 16


def test_a_group_of_weight_a_half_happens_half_as_often() -> None:
    images = pictures(4000, 1, 4, 4).float()
    numbers = torch.rand(4000, 3, generator=torch.Generator().manual_seed(1))
    augmentation = AdaOperations(**(NOTHING | {"cutout": 0.5}))
    changed = (augmentation(images, numbers, HALF) != images).flatten(1).any(dim=1)
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.03)
