"""Pictures for people: grids with their classes named, large enough to see. Needs Pillow."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from . import files
from .images import Picture, grid

VISIBLE = 48
"""Pixels that one image of a grid should measure at least."""

LONGEST_NAME = 16
"""Characters of a class name that a grid has room for."""

Pixels = UInt8[np.ndarray, "n channels height width"]


def enlarged_grid(pixels: Pixels, *, columns: int) -> Picture:
    """The grid with every pixel drawn as a square, so that small images can be seen; never interpolated."""
    factor = max(1, round(VISIBLE / max(pixels.shape[2:])))
    return grid(pixels.repeat(factor, axis=2).repeat(factor, axis=3), columns=columns, gap=2)


def labelled_grid(pixels: Pixels, *, columns: int, row_names: Sequence[str]) -> Picture:
    """An enlarged grid with a name left of each row; no names, no margin."""
    sheet = Image.fromarray(enlarged_grid(pixels, columns=columns))
    if not any(row_names):
        return np.asarray(sheet)
    font = ImageFont.load_default(size=16)
    shown = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in row_names]
    margin = round(max(font.getlength(name) for name in shown)) + 16
    whole = Image.new(sheet.mode, (sheet.width + margin, sheet.height), "white")
    whole.paste(sheet, (margin, 0))
    row_height = sheet.height / len(shown)
    for row, name in enumerate(shown):
        ImageDraw.Draw(whole).text((margin - 8, (row + 0.5) * row_height), name, fill="black", anchor="rm", font=font)
    return np.asarray(whole)


def write_png(path: Path, picture: Picture) -> None:
    """The whole file or none."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    files.write_bytes(path, buffer.getvalue())
