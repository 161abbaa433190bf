"""uint8 pixels to and from [-1, 1], what lies behind transparent ones, and grids: the only pixel arithmetic here."""

import math

import numpy as np
import torch
from jaxtyping import UInt8

from .shapes import Images, Kind, Packs, Pixels, Stored

Picture = UInt8[np.ndarray, "sheet_height sheet_width 3"] | UInt8[np.ndarray, "sheet_height sheet_width"]


SQUARE = 8
"""Side, in pixels, of the squares behind transparent pictures."""

SQUARES = (255, 224)
"""Their two shades: light, and told apart from white."""


def to_unit_range(pixels: Stored) -> Images:
    """0..255 to [-1, 1]: 0 is -1, 255 is 1. Points, which are no whole numbers, are what networks see already."""
    if pixels.is_floating_point():
        return pixels
    return pixels.float().div_(127.5).sub_(1)


def to_pixels(images: Images) -> Pixels:
    """[-1, 1] to 0..255, to the nearest; values outside are clamped. The inverse of `to_unit_range`."""
    return images.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_stored(images: Images, kind: Kind) -> Stored:
    """What a network made, as files hold it: pictures in 256 steps, points unrounded."""
    return to_pixels(images) if kind == "pictures" else images.float()


def packed(images: Images, together: int) -> Packs:
    """Each `together` neighbours as one image, their channels one after another (Lin et al. 2018, section 3)."""
    count, channels, height, width = images.shape
    return images if together == 1 else images.reshape(count // together, together * channels, height, width)


def unpacked(packs: Packs, together: int) -> Images:
    """The inverse of `packed`."""
    count, channels, height, width = packs.shape
    return packs if together == 1 else packs.reshape(count * together, channels // together, height, width)


def opaque(pixels: UInt8[np.ndarray, "batch channels height width"]) -> UInt8[np.ndarray, "batch shown height width"]:
    """Pictures of 2 or 4 channels over a light checkerboard, in 1 or 3; others as they are. Alpha is straight."""
    channels, height, width = pixels.shape[1:]
    if channels not in (2, 4):
        return pixels
    odd = np.add.outer(np.arange(height) // SQUARE, np.arange(width) // SQUARE) % 2
    behind = np.array(SQUARES, dtype=np.uint16)[odd]
    colour, alpha = pixels[:, :-1].astype(np.uint16), pixels[:, -1:].astype(np.uint16)
    # 255 * 255 + 127 still fits in 16 bits.
    shown: UInt8[np.ndarray, "batch shown height width"]
    shown = ((colour * alpha + behind * (255 - alpha) + 127) // 255).astype(np.uint8)
    return shown


def grid(pixels: UInt8[np.ndarray, "batch channels height width"], *, columns: int, gap: int = 1) -> Picture:
    """The images side by side, row by row, with `gap` white pixels between; the last row is filled with white.

    Transparent ones are shown as `opaque` has them.
    """
    pixels = opaque(pixels)
    count, channels, height, width = pixels.shape
    rows = math.ceil(count / columns)
    sheet = np.full((channels, rows * (height + gap) + gap, columns * (width + gap) + gap), 255, dtype=np.uint8)
    for i, image in enumerate(pixels):
        top = gap + (i // columns) * (height + gap)
        left = gap + (i % columns) * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return sheet[0] if channels == 1 else sheet.transpose(1, 2, 0)
