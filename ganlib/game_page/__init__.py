"""The game of 2014 for people: a page to walk through, films, and still pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files, films
from ..playing import Match
from ..strokes.raster import Frame
from . import sheets
from .page import Matches, page

__all__ = ["page", "write"]

COLOURS = 24
"""Of a .gif."""


def write(matches: Matches, *, html: Path, folder: Path) -> list[Path]:
    """Writes the page and, for each layout into `folder`, a film twice, a strip and curves; says what it wrote.

    Equal matches make equal bytes.
    """
    files.write_text(html, page(matches))
    written = [html]
    for layout, played in matches.items():
        written += _pictures(played, folder / layout)
    return written


def _pictures(matches: Sequence[Match], stem: Path) -> list[Path]:
    gif, mp4, strip, charts = (stem.with_name(stem.name + end) for end in (".gif", ".mp4", ".png", "-curves.png"))
    films.write_gif(gif, _in_few_colours(list(sheets.film(matches, every=2, scale=0.75))))
    films.write_mp4(mp4, sheets.film(matches))
    for path, sheet in ((strip, sheets.strip(matches)), (charts, sheets.charts(matches))):
        _write_png(path, sheet)
    return [gif, mp4, strip, charts]


def _in_few_colours(frames: Sequence[Frame]) -> Iterator[Frame]:
    """The same ones in all frames, which makes a .gif a third as large."""
    palette = Image.fromarray(np.concatenate([frames[0], frames[-1]])).quantize(COLOURS, dither=Image.Dither.NONE)
    before, few = None, None
    for frame in frames:
        if few is None or frame is not before:  # a moment stands still for some frames
            reduced = Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
            before, few = frame, np.asarray(reduced.convert("RGB"))
        yield few


def _write_png(path: Path, sheet: np.ndarray) -> None:
    """In at most 256 colours, which is all that lines on paper need."""
    with files.whole_file(path) as aside:
        few = Image.fromarray(sheet).quantize(256, dither=Image.Dither.NONE)
        few.save(aside, format="PNG", optimize=True)
