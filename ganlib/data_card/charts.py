"""The card's charts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from ..html.charts import HEIGHT, WIDTH, chart, nice_step, rect, short, text
from ..html.markup import Markup, element

LEFT, RIGHT, TOP, BOTTOM = 38, 18, 18, 38
BINS = 24
LONG_TAIL = 8
"""From this ratio of largest to smallest on, bins grow with the size."""
PER_DOUBLING = 3
"""Such bins for each factor of two."""


@dataclass(frozen=True)
class Histogram:
    """How many values lie between consecutive edges; the last bin holds its upper edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    logarithmic: bool


def sizes_histogram(values: Int64[np.ndarray, " sizes"]) -> Histogram:
    """Of sizes in pixels, at least one: bins of equal width, or growing ones where there is a long tail."""
    low, high = int(values.min()), int(values.max())
    if high / low < LONG_TAIL:
        step = nice_step(max(1, high + 1 - low) / BINS, whole=True)
        edges = np.arange(math.floor(low / step), math.floor(high / step) + 2) * step
        return _histogram(values, edges, logarithmic=False)
    first, last = (math.floor(PER_DOUBLING * math.log2(side)) for side in (low, high))
    edges = np.unique(np.ceil(2 ** (np.arange(first, last + 2) / PER_DOUBLING) - 1e-9))
    return _histogram(values, edges, logarithmic=True)


def ratio_histogram(ratios: Float[np.ndarray, " ratios"]) -> Histogram:
    """Of width by height: square pictures in the middle bin, beyond 1:4 and 4:1 in the outermost ones."""
    edges = 2 ** ((np.arange(2 * 4 * 2 + 2) - 8.5) / 4)
    return _histogram(np.clip(ratios, edges[0], edges[-1]), edges, logarithmic=True)


def number_histogram(values: Float[np.ndarray, " numbers"], low: float, high: float) -> Histogram:
    """Of plain numbers between two bounds."""
    step = nice_step((high - low) / 48) if high > low else 1.0
    edges = np.arange(math.floor(low / step), math.floor(high / step) + 2) * step
    return _histogram(values, edges, logarithmic=False)


def _histogram(values: np.ndarray, edges: np.ndarray, *, logarithmic: bool) -> Histogram:
    counts, _ = np.histogram(values, edges)
    return Histogram(tuple(round(edge, 9) for edge in edges.tolist()), tuple(counts.tolist()), logarithmic)


def histogram(shown: Histogram, *, label: str, axis: str, ticks: Sequence[float], name: Callable[[float], str],
              mark: tuple[float, str] | None = None) -> Markup:  # fmt: skip
    """Bars over an axis. label: the text alternative; mark: a value to point out, and its name."""
    place = math.log2 if shown.logarithmic else float
    low, high = place(shown.edges[0]), place(shown.edges[-1])

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place(value) - low) / (high - low)

    top = max(*shown.counts, 1)
    bars = []
    for left, right, count in zip(shown.edges, shown.edges[1:], shown.counts, strict=False):
        tall = (HEIGHT - TOP - BOTTOM) * count / top
        tall = max(tall, 1.5) if count else 0  # a single picture is still seen
        wide = max(across(right) - across(left) - 1, 0.5)
        bars.append(rect(across(left) + 0.5, HEIGHT - BOTTOM - tall, wide, tall, "bar"))
    parts = [*_levels(top), *bars, _base_line()]
    for tick in ticks:
        if low <= place(tick) <= high:
            parts += [text(across(tick), HEIGHT - BOTTOM + 16, name(tick), "tick middle")]
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, axis, "axis middle"))
    if mark is not None and low <= place(mark[0]) <= high:
        at = across(mark[0])
        side = "end" if at > WIDTH / 2 else "start"
        parts.append(element("line", class_="mark", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=4, y2=HEIGHT - BOTTOM))
        parts.append(text(at + (-5 if side == "end" else 5), 12, mark[1], f"marked {side}"))
    return chart(parts, label)


def size_ticks(shown: Histogram) -> list[float]:
    """At most about six places to write numbers at."""
    low, high = shown.edges[0], shown.edges[-1]
    if shown.logarithmic:
        powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
        return [2.0**power for power in powers][:: max(1, math.ceil(len(powers) / 6))]
    step = nice_step((high - low) / 6)
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def ranks(counts: Sequence[int], *, label: str) -> Markup:
    """Many counts, the largest first, as one falling surface."""
    ordered = sorted(counts, reverse=True)
    top = max(ordered[0], 1)
    chosen = np.unique(np.linspace(0, len(ordered) - 1, 200).round().astype(int)).tolist()
    across = [LEFT + (WIDTH - LEFT - RIGHT) * number / max(1, len(ordered) - 1) for number in chosen]
    down = [HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ordered[number] / top for number in chosen]
    line = " ".join(f"L{x:.1f} {y:.1f}" for x, y in zip(across, down, strict=True))
    area = element("path", class_="bar", d=f"M{LEFT} {HEIGHT - BOTTOM} {line} L{WIDTH - RIGHT} {HEIGHT - BOTTOM}Z")
    axis = text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, f"{len(ordered):,} classes, the largest first", "axis middle")
    return chart([*_levels(top), area, _base_line(), axis], label)


def scatter(parts: Sequence[Float[np.ndarray, "_ 2"]], *, label: str) -> Markup:
    """Points of each part in a colour of its own, the same scale both ways, in a square."""
    every = np.concatenate(list(parts))
    low, high = every.min(axis=0), every.max(axis=0)
    middle, reach = (low + high) / 2, max(float((high - low).max()) / 2, 1e-9)
    left, top, side = 44, 8, 340
    drawn = [element("rect", class_="frame", x=left, y=top, width=side, height=side)]
    for points, name in zip(parts, ("train", "heldout"), strict=False):
        spots = np.array([left, top]) + side * (0.5 + 0.46 * (points - middle) / reach * [1, -1])
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in spots.tolist())
        drawn.append(element("path", class_=f"points {name}", d=path))
    step = nice_step(reach / 2)
    for axis, centre in enumerate(middle.tolist()):
        for number in range(math.ceil((centre - reach) / step), math.floor((centre + reach) / step) + 1):
            place = side * (0.5 + 0.46 * (number * step - centre) / reach)
            if axis == 0:
                drawn.append(text(left + place, top + side + 16, f"{number * step:g}", "tick middle"))
            else:
                drawn.append(text(left - 6, top + side - place + 4, f"{number * step:g}", "tick end"))
    return chart(drawn, label, width=400, height=372)


def _levels(top: int) -> list[Markup]:
    """Horizontal lines at round counts."""
    step = nice_step(top / 4, whole=True)
    parts = []
    for number in range(1, math.floor(top / step + 1e-9) + 1):
        height = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number * step / top
        parts.append(element("line", class_="level", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{height:.1f}", y2=f"{height:.1f}"))
        parts.append(text(LEFT - 6, height + 4, short(number * step), "tick end"))
    return parts


def _base_line() -> Markup:
    return element("line", class_="base", x1=LEFT, x2=WIDTH - RIGHT, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM)
