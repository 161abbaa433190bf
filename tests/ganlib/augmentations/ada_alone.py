"""One operation of ADA at a time, by the numbers that call it."""

from typing import Any

import torch
from every_augmentation import NO, changed_by

from ganlib.augmentations.ada import AdaOperations

NOTHING: dict[str, Any] = {"flips": False, "blit": 0.0, "geometric": 0.0, "color": 0.0, "cutout": 0.0}
STILL = [NO, 0.5]


def change(images: torch.Tensor, numbers: list[float], **groups: Any) -> torch.Tensor:
    return changed_by(AdaOperations(**(NOTHING | groups)), images, numbers)


def smooth(height: int, width: int) -> torch.Tensor:
    """A picture that bends slowly, and looks like nothing but itself when it is moved."""
    y, x = torch.linspace(0, 1, height, dtype=torch.float64)[:, None], torch.linspace(0, 1, width, dtype=torch.float64)
    return (torch.sin(3 * x + y) * 0.6 + 0.5 * y * x - 0.3 * y)[None, None]


def uniform_of(normal: float) -> float:
    """The uniform number that stands for a normal one."""
    return float(torch.special.ndtr(torch.tensor(normal, dtype=torch.float64)))
