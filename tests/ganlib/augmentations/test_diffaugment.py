"""Each operation of DiffAugment by itself."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from every_augmentation import HALF, NO, YES, changed_by, pictures

from ganlib.augmentations.diffaugment import DiffAugment

NOTHING: dict[str, Any] = {"color": False, "translation": False, "cutout": False}


def change(images: torch.Tensor, numbers: list[float], **policy: bool) -> torch.Tensor:
    return changed_by(DiffAugment(**(NOTHING | policy)), images, numbers)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colours_become_brighter_and_keep_their_means_when_saturated_or_contrasted(channels: int) -> None:
    images = pictures(2, channels, 6, 6)
    colours, others = images.split([1, channels - 1] if channels < 3 else [3, channels - 3], dim=1)
    grey = colours.mean(dim=1, keepdim=True)
    mean = colours.mean(dim=(1, 2, 3), keepdim=True)
    for column, expected in (
        (0, colours + 0.25),
        (2, grey + 1.5 * (colours - grey)),
        (4, mean + 1.25 * (colours - mean)),
    ):
        numbers = [NO] * 6
        numbers[column : column + 2] = YES, 0.75
        changed = change(images, numbers, color=True)
        torch.testing.assert_close(changed[:, : colours.shape[1]], expected)
        assert torch.equal(changed[:, colours.shape[1] :], others)


def test_translation_moves_up_to_an_eighth_of_the_side_and_mid_grey_comes_in() -> None:
    images = pictures(2, 3, 16, 24)
    padded = F.pad(images, (3, 3, 2, 2))
    assert torch.equal(change(images, [YES, 0.0, 0.9999], translation=True), padded[:, :, :16, 6:])
    assert torch.equal(change(images, [YES, 0.9999, 0.0], translation=True), padded[:, :, 4:, :24])
    assert torch.equal(change(images, [YES, 0.5, 0.5], translation=True), images)


def test_every_translation_is_as_likely() -> None:
    images = torch.zeros(1, 1, 16, 16)
    images[..., 8, 8] = 1
    numbers = torch.tensor([[0.0, (step + 0.5) / 100, 0.5] for step in range(100)])
    moved = DiffAugment(**(NOTHING | {"translation": True}))(images.expand(100, -1, -1, -1), numbers, HALF)
    assert moved.sum(dim=(0, 1, 2)).tolist() == [0] * 6 + [20] * 5 + [0] * 5


def test_cutout_leaves_a_hole_of_half_the_sides() -> None:
    images = pictures(2, 3, 16, 16).abs() + 0.1
    cut = change(images, [YES, 0.5, 0.25], cutout=True)
    assert (cut[:, :, :8, 4:12] == 0).all()
    assert (cut == 0).sum() == images.numel() / 4
