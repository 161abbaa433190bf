"""Where the pixels of a changed picture come from, under operations done one after another."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ._chance import PerImage
from ._warping import Grid


class Placement(NamedTuple):
    """For each image the affine map from a point of the changed picture to the point of the original it shows.

    In pixels from the centre, x to the right and y down: x' = xx·x + xy·y + x0, and likewise y'. Written out instead
    of multiplying 3x3 matrices, because a matrix product may be done in TF32, whose ten bits misplace pixels.
    """

    xx: PerImage
    xy: PerImage
    x0: PerImage
    yx: PerImage
    yy: PerImage
    y0: PerImage

    @classmethod
    def unmoved(cls, like: Tensor) -> "Placement":
        """Every pixel where it was, for each row of `like`."""
        one, zero = like.new_ones(like.shape[0]), like.new_zeros(like.shape[0])
        return cls(one, zero, zero, zero, one, zero)

    def scaled(self, x: PerImage, y: PerImage) -> "Placement":
        """Then magnified so many times; -1 is a mirror image."""
        return Placement(self.xx / x, self.xy / y, self.x0, self.yx / x, self.yy / y, self.y0)

    def turned(self, cosine: PerImage, sine: PerImage) -> "Placement":
        """Then rotated about the centre, counterclockwise as seen."""
        return Placement(
            self.xx * cosine + self.xy * sine,
            self.xy * cosine - self.xx * sine,
            self.x0,
            self.yx * cosine + self.yy * sine,
            self.yy * cosine - self.yx * sine,
            self.y0,
        )

    def shifted(self, x: PerImage, y: PerImage) -> "Placement":
        """Then moved so many pixels to the right and down."""
        return self._replace(
            x0=self.x0 - self.xx * x - self.xy * y,
            y0=self.y0 - self.yx * x - self.yy * y,
        )

    def grid(self, columns: Float[Tensor, " columns"], rows: Float[Tensor, " rows"], size: tuple[int, int]) -> Grid:
        """The map as `warp` takes it, for pixels at these columns and rows of a picture of (height, width)."""
        height, width = size
        x = _across(self.xx, columns) + _down(self.xy, rows) + self.x0[:, None, None]
        y = _across(self.yx, columns) + _down(self.yy, rows) + self.y0[:, None, None]
        return torch.stack((x * (2 / max(width - 1, 1)), y * (2 / max(height - 1, 1))), dim=-1)


def centred(size: int, like: Tensor, step: float = 1.0, margin: int = 0) -> Float[Tensor, " positions"]:
    """The positions of so many pixels from their centre, and of `margin` more on either side, `step` apart."""
    steps = torch.arange(-margin, size + margin, device=like.device, dtype=like.dtype)
    return (steps - (size - 1) / 2) * step


def _across(slope: PerImage, columns: Tensor) -> Float[Tensor, "batch 1 columns"]:
    return slope[:, None, None] * columns


def _down(slope: PerImage, rows: Tensor) -> Float[Tensor, "batch rows 1"]:
    return slope[:, None, None] * rows[:, None]
