"""uint8 pixels to and from [-1, 1], and grids: the only pixel arithmetic in the project."""

import math

import numpy as np
import torch
from jaxtyping import UInt8

from .shapes import Images, Pixels

Picture = UInt8[np.ndarray, "sheet_height sheet_width 3"] | UInt8[np.ndarray, "sheet_height sheet_width"]


def to_unit_range(pixels: Pixels) -> Images:
    """0..255 to [-1, 1]: 0 is -1, 255 is 1."""
    return pixels.float().div_(127.5).sub_(1)


def to_pixels(images: Images) -> Pixels:
    """[-1, 1] to 0..255, to the nearest; values outside are clamped. The inverse of `to_unit_range`."""
    return images.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def grid(pixels: UInt8[np.ndarray, "batch channels height width"], *, columns: int, gap: int = 1) -> Picture:
    """The images side by side, row by row, with `gap` white pixels between; the last row is filled with white."""
    count, channels, height, width = pixels.shape
    rows = math.ceil(count / columns)
    sheet = np.full((channels, rows * (height + gap) + gap, columns * (width + gap) + gap), 255, dtype=np.uint8)
    for i, image in enumerate(pixels):
        top = gap + (i // columns) * (height + gap)
        left = gap + (i % columns) * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return sheet[0] if channels == 1 else sheet.transpose(1, 2, 0)
