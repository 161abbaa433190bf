"""Pictures in a terminal: two pixels a character, the upper one the letter's colour, the lower one its ground's."""

import os

import numpy as np
from PIL import Image

from .images import Picture

WIDEST, HIGHEST = 100, 64
"""Pixels of a picture among the lines of a training."""
RESET = "\x1b[0m"


def can_show(*, terminal: bool) -> bool:
    """Whether a terminal says that it has 24-bit colours, and whoever sits there has not asked for none."""
    colours = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    return terminal and colours and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def drawn(picture: Picture, columns: int) -> str:
    """Lines of half blocks, at most so many columns wide."""
    image = Image.fromarray(picture).convert("RGB")
    width, height = image.size
    factor = min(1.0, min(columns - 1, WIDEST) / width, HIGHEST / height)
    size = max(1, round(width * factor)), max(2, 2 * round(height * factor / 2))
    pixels = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return "\n".join(_line(upper, lower) for upper, lower in zip(pixels[::2], pixels[1::2], strict=True))


def _line(upper: np.ndarray, lower: np.ndarray) -> str:
    cells = (
        f"\x1b[38;2;{a[0]};{a[1]};{a[2]}m\x1b[48;2;{b[0]};{b[1]};{b[2]}m▀"
        for a, b in zip(upper.tolist(), lower.tolist(), strict=True)
    )
    return "".join(cells) + RESET
