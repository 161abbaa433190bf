"""Squares cut out of pictures (DeVries and Taylor 2017)."""

import torch
from jaxtyping import Bool
from torch import Tensor

from ..shapes import Images
from ._chance import Decisions, PerImage

HOLE_NUMBERS = 3
"""Random numbers that cutting one takes for each image: whether, and where."""


def with_hole(images: Images, fires: Decisions, x: PerImage, y: PerImage) -> Images:
    """A rectangle of half the sides set to 0, which is mid-grey, its centre at (x, y) in shares of the sides.

    What of it lies outside the picture is lost.
    """
    height, width = images.shape[2:]
    hole = _around(y, height)[:, :, None] & _around(x, width)[:, None, :] & fires[:, None, None]
    return images * (~hole)[:, None].to(images.dtype)


def _around(centre: PerImage, size: int) -> Bool[Tensor, "batch {size}"]:
    """Which pixels of one axis are no further from the centre than a quarter of the side."""
    offset = torch.arange(size, device=centre.device, dtype=centre.dtype) + 0.5 - centre[:, None] * size
    return (offset >= -size / 4) & (offset < size / 4)
