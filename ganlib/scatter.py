"""Points for people: generated ones beside the training ones, on the same axes. Needs Pillow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt8
from PIL import Image, ImageDraw, ImageFont

from .prepared import PointArray, Split

SHOWN = 2_000
"""Generated points that show a distribution well enough during training."""
REALS = 10_000
"""Training points drawn, evenly spread over all of them."""
SIDE = 380
"""Of a panel, in pixels."""
MARGIN = 46
"""Around a panel, for title and ticks."""
BINS = 76
"""Of a histogram: 5 pixels each."""
OPACITY = 0.45
"""Of one dot; dots on one another darken."""
GREY, GENERATED, LINE = (176, 176, 176), (0, 114, 178), (120, 120, 120)
CLASS_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
"""Told apart by colour-blind eyes too (Okabe & Ito 2008); more classes take them in turn."""

Colour = tuple[int, int, int]
Plane = Float[np.ndarray, "n 2"]
Canvas = UInt8[np.ndarray, "side side 3"]
Drawing = UInt8[np.ndarray, "sheet_height sheet_width 3"]


@dataclass(frozen=True)
class View:
    """The square part of the plane that a panel shows: what the training points take, and a little more."""

    centre: Float[np.ndarray, "2"]
    reach: float
    """From the centre to each side."""

    def pixels(self, points: Plane) -> Plane:
        """(column, row) of each point; outside 0 .. SIDE where it is not in view."""
        inside = (points - self.centre) / (2 * self.reach) + 0.5
        return np.stack([inside[:, 0], 1 - inside[:, 1]], axis=1) * SIDE

    def shows(self, points: Plane) -> Bool[np.ndarray, " n"]:
        """Whether each point is in view; one that is no number is not."""
        with np.errstate(invalid="ignore"):
            places = self.pixels(points)
            inside = np.logical_and(places >= 0, places < SIDE)
        return np.logical_and(inside[:, 0], inside[:, 1])


def overview(points: PointArray, labels: Int64[np.ndarray, " n"] | None, train: Split) -> Drawing:
    """Training points left, generated ones right, in the colours of their classes; of one dimension two histograms.

    Of more than two dimensions the first two are shown.
    """
    reals, real_labels = _shown(train)
    outside = int((~_view(reals).shows(_plane(points))).sum())
    said = f"{len(points):,} generated" + (f", {outside:,} of them out of view" if outside else "")
    if points.shape[1] == 1:
        panel = _histograms(reals[:, 0], points[:, 0, 0, 0], _view(reals))
        return _framed(panel, f"training (grey), {said} (blue)", _view(reals), flat=True)
    known = None if labels is None else real_labels
    view = _view(reals)
    left = _dots(reals, view, _colours(known, len(reals)))
    behind = _dots(reals, view, [GREY] * len(reals))
    right = _dots(_plane(points), view, _colours(labels, len(points)), behind)
    return np.concatenate([_framed(left, f"training, {len(reals):,} shown", view), _framed(right, said, view)], axis=1)


def cloud(points: PointArray, labels: Int64[np.ndarray, " n"] | None) -> Drawing:
    """Generated points alone, in the colours of their classes; of one dimension a histogram."""
    places = _plane(points)
    seen = places[np.isfinite(places).all(axis=1)]
    view = _view(seen if len(seen) else np.zeros((1, 2)))
    said = f"{len(points):,} generated" + (
        f", {len(places) - len(seen):,} of them no numbers" if len(seen) < len(places) else ""
    )
    if points.shape[1] == 1:
        return _framed(_histograms(seen[:, 0], seen[:, 0].astype(np.float32), view), said, view, flat=True)
    return _framed(_dots(places, view, _colours(labels, len(points))), said, view)


def ways(points: PointArray, steps: int, train: Split) -> Drawing:
    """Each `steps` points joined by a line, a ring around the first, over the training points.

    Of one dimension the way leads from top to bottom.
    """
    reals, _ = _shown(train)
    view = _view(reals)
    flat = points.shape[1] == 1
    panel = Image.fromarray(
        np.full((SIDE, SIDE, 3), 255, np.uint8) if flat else _dots(reals, view, [GREY] * len(reals))
    )
    pencil = ImageDraw.Draw(panel)
    places = np.nan_to_num(view.pixels(_plane(points))).clip(-SIDE, 2 * SIDE)
    if flat:
        places[:, 1] = np.tile(np.linspace(0.05, 0.95, steps) * SIDE, len(points) // steps)
    for number, first in enumerate(range(0, len(points), steps)):
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        line = [(float(column), float(row)) for column, row in places[first : first + steps]]
        pencil.line(line, fill=colour, width=2)
        for column, row in line:
            pencil.ellipse((column - 2, row - 2, column + 2, row + 2), fill=colour)
        column, row = line[0]
        pencil.ellipse((column - 5, row - 5, column + 5, row + 5), outline=colour)
    return _framed(np.asarray(panel), "from one latent to another", view, flat=flat)


def _shown(train: Split) -> tuple[Plane, Int64[np.ndarray, " n"]]:
    """Some training points, and their labels; the second coordinate is 0 where there is only one."""
    rows = np.linspace(0, len(train) - 1, min(REALS, len(train))).astype(np.int64)
    points = np.array(train.pixels[rows])
    return _plane(points), train.labels[rows]


def _plane(points: PointArray) -> Plane:
    flat = points[:, :2, 0, 0].astype(np.float64)
    return flat if flat.shape[1] == 2 else np.concatenate([flat, np.zeros_like(flat)], axis=1)


def _view(reals: Plane) -> View:
    low, high = reals.min(axis=0), reals.max(axis=0)
    reach = float((high - low).max()) / 2
    return View((low + high) / 2, 1.15 * reach if reach > 0 else 1.0)


def _colours(labels: Int64[np.ndarray, " n"] | None, count: int) -> Sequence[Colour]:
    if labels is None:
        return [GENERATED] * count
    return [CLASS_COLOURS[label % len(CLASS_COLOURS)] if label >= 0 else GREY for label in labels.tolist()]


def _dots(points: Plane, view: View, colours: Sequence[Colour], behind: Canvas | None = None) -> Canvas:
    """Every point in view as a cross of five pixels, mixed with what it lies on."""
    seen = view.shows(points)
    column, row = view.pixels(points[seen]).astype(np.int64).T
    counts, colour_sums = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE, 3))
    ink = np.array(colours, dtype=np.float64).reshape(-1, 3)[seen]
    for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        place = (row + down).clip(0, SIDE - 1), (column + right).clip(0, SIDE - 1)
        np.add.at(counts, place, 1)
        np.add.at(colour_sums, place, ink)
    cover = (1 - (1 - OPACITY) ** counts)[..., np.newaxis]
    mean = colour_sums / np.maximum(counts, 1)[..., np.newaxis]
    below = 255.0 if behind is None else behind
    return (cover * mean + (1 - cover) * below).round().astype(np.uint8)


def _histograms(reals: Float[np.ndarray, " n"], generated: Float32[np.ndarray, " m"], view: View) -> Canvas:
    """Densities: the training points' filled, the generated ones' as a line. The tallest real bar takes two thirds."""
    edges = np.linspace(view.centre[0] - view.reach, view.centre[0] + view.reach, BINS + 1)
    heights = [np.histogram(values, edges)[0] / len(values) for values in (reals, generated)]
    panel = Image.new("RGB", (SIDE, SIDE), "white")
    pencil = ImageDraw.Draw(panel)
    scale, width = 2 / 3 * SIDE / max(heights[0].max(), 1e-9), SIDE / BINS
    tops = [SIDE - height * scale for height in heights]
    for i, top in enumerate(tops[0]):
        pencil.rectangle((i * width, top, (i + 1) * width - 1, SIDE), fill=GREY)
    corners = [(x * width, min(max(top, 1), SIDE - 2)) for i, top in enumerate(tops[1]) for x in (i, i + 1)]
    pencil.line(corners, fill=GENERATED, width=2)
    return np.asarray(panel)


def _framed(panel: Canvas, title: str, view: View, *, flat: bool = False) -> Drawing:
    """The panel with its title above and round numbers along its axes; one axis where `flat`."""
    font = ImageFont.load_default(size=13)
    whole = Image.new("RGB", (SIDE + 2 * MARGIN, SIDE + 2 * MARGIN), "white")
    whole.paste(Image.fromarray(panel), (MARGIN, MARGIN))
    pencil = ImageDraw.Draw(whole)
    pencil.rectangle((MARGIN - 1, MARGIN - 1, MARGIN + SIDE, MARGIN + SIDE), outline=LINE)
    pencil.text((MARGIN + SIDE / 2, MARGIN / 2), title, fill="black", anchor="mm", font=font)
    for share, number in ticks(float(view.centre[0]), view.reach):
        right = MARGIN + share * SIDE
        pencil.line((right, MARGIN + SIDE, right, MARGIN + SIDE + 4), fill=LINE)
        pencil.text((right, MARGIN + SIDE + 6), number, fill="black", anchor="ma", font=font)
    for share, number in () if flat else ticks(float(view.centre[1]), view.reach):
        up = MARGIN + (1 - share) * SIDE
        pencil.line((MARGIN - 5, up, MARGIN - 1, up), fill=LINE)
        pencil.text((MARGIN - 6, up), number, fill="black", anchor="rm", font=font)
    return np.asarray(whole)


def ticks(centre: float, reach: float) -> list[tuple[float, str]]:
    """(place, number) of round numbers between centre - reach, which is at 0, and centre + reach, which is at 1."""
    step = 10.0 ** math.floor(math.log10(2 * reach))
    while 2 * reach / step < 3:
        step /= 2
    numbers = range(math.ceil((centre - reach) / step), math.floor((centre + reach) / step) + 1)
    return [((number * step - centre + reach) / (2 * reach), f"{number * step:.6g}") for number in numbers]
