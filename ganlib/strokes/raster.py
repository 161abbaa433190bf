"""Strokes as pixels, on white paper: for films and for documents that cannot follow light and dark."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from .shapes import LOOKS, STRONGEST, Area, Dots, Line, Points, Rings, Stroke, Tint, Words, by_day

FINER = 3
"""Times as many pixels as are kept: what Pillow draws is not smoothed."""

SPELT = str.maketrans({"−": "-", "½": "1/2"})  # noqa: RUF001
"""Signs that Pillow's own font lacks."""

Frame = UInt8[np.ndarray, "height width 3"]
Panel = tuple[float, float, Sequence[Stroke]]
"""(x, y, strokes): where on the sheet a drawing lies."""


def sheet(
    panels: Sequence[Panel], width: float, height: float, *, scale: float = 1.0, finer: int = FINER
) -> Frame:  # fmt: skip
    """All panels on one white sheet, in whole pixels."""
    size = (round(width * scale), round(height * scale))
    large = Image.new("RGB", (size[0] * finer, size[1] * finer), "white")
    for x, y, strokes in panels:
        pen = _Pen(large, x, y, scale * finer)
        for stroke in strokes:
            pen.draw(stroke)
    return np.asarray(large.resize(size, Image.Resampling.BOX))


class _Pen:
    """Draws on a sheet, from a corner, at a scale."""

    def __init__(self, paper: Image.Image, left: float, top: float, scale: float) -> None:
        self.paper, self.left, self.top, self.scale = paper, left, top, scale
        self.pencil = ImageDraw.Draw(paper)

    def draw(self, stroke: Stroke) -> None:
        if isinstance(stroke, Tint):
            self._tint(stroke)
            return
        look, colour = LOOKS[stroke.role], by_day(LOOKS[stroke.role].colour)
        if isinstance(stroke, Line):
            width = max(1, round(look.width * self.scale))
            for piece in _dashed(stroke.points, look.dashes) if look.dashes else [stroke.points]:
                self.pencil.line(self._places(piece), fill=colour, width=width, joint="curve")
        elif isinstance(stroke, Area):
            self.pencil.polygon(self._places(stroke.points), fill=colour)
        elif isinstance(stroke, Dots):
            for box in self._boxes(stroke.points, look.width / 2):
                self.pencil.ellipse(box, fill=colour)
        elif isinstance(stroke, Rings):
            for box in self._boxes(stroke.points, stroke.radius):
                self.pencil.ellipse(box, outline=colour, width=round(look.width * self.scale))
        else:
            self._words(stroke, colour)

    def _words(self, words: Words, colour: str) -> None:
        look = LOOKS[words.role]
        font = ImageFont.load_default(size=look.size * self.scale)
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[words.anchor]
        thicker = look.size * self.scale / 45 if look.bold else 0
        self.pencil.text(
            self._places([(words.x, words.y)])[0], words.text.translate(SPELT), fill=colour, font=font, anchor=anchor,
            stroke_width=thicker, stroke_fill=colour,
        )  # fmt: skip

    def _tint(self, tint: Tint) -> None:
        side = round(tint.side * self.scale)
        opacity = Image.fromarray(tint.field).resize((side, side), Image.Resampling.BICUBIC)
        opacity = opacity.point(lambda share: round(share * STRONGEST))
        (left, top), *_ = self._places([(tint.x, tint.y)])
        self.paper.paste(by_day("judge"), (round(left), round(top)), opacity)

    def _boxes(self, points: Points, radius: float) -> list[tuple[float, float, float, float]]:
        reach = radius * self.scale
        return [(x - reach, y - reach, x + reach, y + reach) for x, y in self._places(points)]

    def _places(self, points: Points) -> list[tuple[float, float]]:
        return [((x + self.left) * self.scale, (y + self.top) * self.scale) for x, y in points]


def _dashed(points: Points, dashes: tuple[float, float]) -> list[Points]:
    """The pieces of the way that are drawn."""
    drawn, gap = dashes
    pieces: list[Points] = []
    along = 0.0
    for (x1, y1), (x2, y2) in pairwise(points):
        length = math.hypot(x2 - x1, y2 - y1)
        at = 0.0
        while at < length:
            place = along % (drawn + gap)
            here = min((drawn if place < drawn else drawn + gap) - place, length - at)
            here = max(here, 1e-6)
            if place < drawn:
                ends = [(x1 + (x2 - x1) * share / length, y1 + (y2 - y1) * share / length) for share in (at, at + here)]
                pieces.append(ends)
            at, along = at + here, along + here
    return pieces
