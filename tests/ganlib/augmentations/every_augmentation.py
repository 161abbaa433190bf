"""The augmentations that the folder holds, and pictures and numbers for them."""

from typing import Any

import torch

from ganlib import components
from ganlib.augmentations import Augmentation

AUGMENTATIONS = components.names("augmentations")
CHANGING = [name for name in AUGMENTATIONS if name != "none"]
# With everything that a person may switch on.
EVERYTHING: dict[str, dict[str, Any]] = {"ada": {"filter": 1.0, "noise": 1.0, "color": 1.0}}
# An operation alone fires where its number is below p, which is a half.
YES, NO, HALF = 0.0, 0.9, torch.tensor(0.5)
SHAPES = [(1, 8, 8), (1, 28, 28), (2, 16, 24), (3, 16, 16), (3, 33, 17), (4, 64, 64)]


def load(name: str, **options: Any) -> Augmentation:
    return components.build(Augmentation, name, EVERYTHING.get(name, {}) | options, section="augmentation")


def pictures(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


def changed_by(augmentation: Augmentation, images: torch.Tensor, numbers: list[float]) -> torch.Tensor:
    """Each image changed by the same numbers, of which there must be as many as the augmentation asks for."""
    channels, height, width = images.shape[1:]
    assert augmentation.numbers((channels, height, width)) == len(numbers)
    row = torch.tensor([numbers], dtype=images.dtype)
    return augmentation(images, row.expand(len(images), -1), HALF)


def numbers_for(augmentation: Augmentation, images: torch.Tensor, seed: int = 2) -> torch.Tensor:
    channels, height, width = images.shape[1:]
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(len(images), augmentation.numbers((channels, height, width)), generator=generator)


def at(p: float) -> torch.Tensor:
    return torch.tensor(p)
