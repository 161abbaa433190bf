"""Curves on one chart, each with its name at its end."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..html.charts import short
from .shapes import Line, Stroke, Words

WIDTH, HEIGHT = 320.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 234.0, 30.0, 124.0
APART = 13.0
"""Between names at the ends of curves, so that none covers another."""

Curve = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Series:
    """A curve with its look and its name."""

    role: str
    name: str
    curve: Curve


@dataclass(frozen=True)
class Chart:
    """Curves over whatever is counted."""

    title: str
    series: Sequence[Series]
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    levels: Sequence[tuple[float, str]] = ()
    """Heights of dotted lines with their names."""
    logarithmic: bool = False


def drawn(chart: Chart, last: int, unit: str = "round {}") -> list[Stroke]:
    """The whole chart; `unit` says what is counted along it."""

    def up(number: float) -> float:
        low, high, at = chart.low, chart.high, min(max(number, chart.low), chart.high)
        if chart.logarithmic:
            low, high, at = (math.log10(one) for one in (low, high, at))
        return BOTTOM - (BOTTOM - TOP) * (at - low) / (high - low)

    strokes: list[Stroke] = [Words(LEFT, 16, chart.title, "heading"), Line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], "floor")]
    for number, name in chart.ticks:
        strokes += [Line([(LEFT, up(number)), (RIGHT, up(number))], "level")] if number > chart.low else []
        strokes.append(Words(LEFT - 6, up(number) + 4, name, "tick", "end"))
    for number, name in chart.levels:
        strokes.append(Line([(LEFT, up(number)), (RIGHT, up(number))], "half"))
        strokes.append(Words(LEFT - 6, up(number) + 4, name, "tick", "end"))
    for share in (0.0, 0.5, 1.0):
        number = round(last * share)
        words = unit.format(short(number)) if share == 1 else short(number)
        strokes.append(Words(across(number, last), BOTTOM + 15, words, "tick", "middle"))
    for one in chart.series:
        strokes.append(Line([(across(number, last), up(height)) for number, height in one.curve], one.role))
    return [*strokes, *_names(chart.series, up)]


def across(number: int, last: int) -> float:
    """Where a number is on the axis."""
    return LEFT + (RIGHT - LEFT) * number / last


def _names(series: Sequence[Series], up: Callable[[float], float]) -> list[Stroke]:
    """At the ends of the curves, moved apart where they would cover each other."""
    ends = sorted((up(one.curve[-1][1]), one.role, one.name) for one in series)
    below = min([BOTTOM + 4.0, *(height for height, _, _ in ends[-1:])])
    heights: list[float] = []
    for height, _, _ in reversed(ends):
        below = min(height, below)
        heights.append(below)
        below -= APART
    words = zip(ends, reversed(heights), strict=True)
    return [Words(RIGHT + 6, height + 4, name, role) for (_, role, name), height in words]
