"""Charts of several generators: numbers on one axis, and curves over each other."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..evaluation_page.charts import span, ticks
from ..evaluation_page.reading import Number
from ..html.charts import HEIGHT, WIDTH, chart, line, nice_step, short, text
from ..html.markup import Markup, element
from .contestants import LETTERS

AXIS_WIDTH, LANE, EDGE, LETTER = 240, 15, 10, 16
LEFT, RIGHT, TOP, BOTTOM = 50, 22, 12, 38
MOST_POINTS = 300
"""Of one curve; of longer ones every so manyth point is drawn."""
APART = 12
"""Between letters at the ends of curves, so that none covers another."""

Curve = Sequence[tuple[int, float]]


class Lane(NamedTuple):
    """A generator's number on an axis, by its place."""

    place: int
    number: Number


def lanes(numbers: Sequence[Lane], floor: Number | None, *, label: str, name: Callable[[float], str]) -> Markup:
    """One lane for each generator, a circle with its interval; the floor as a dashed line through all of them."""
    every = [value for lane in numbers for value in lane.number.all] + ([floor.value] if floor else [])
    low, high = span(every)
    if not math.isfinite(high - low):
        return Markup()

    def across(value: float) -> float:
        return LETTER + EDGE + (AXIS_WIDTH - LETTER - 2 * EDGE) * (value - low) / (high - low)

    axis = LANE * len(numbers) + 6
    parts = [line("base", LETTER + EDGE, AXIS_WIDTH - EDGE, axis, axis)]
    for value in ticks(low, high):
        parts.append(line("base", across(value), across(value), axis, axis + 4))
        parts.append(text(across(value), axis + 16, name(value), "tick middle"))
    if floor is not None:
        parts.append(line("floor", across(floor.value), across(floor.value), 1, axis))
    for row, (place, number) in enumerate(numbers):
        height = LANE * row + LANE / 2 + 2
        parts.append(text(2, height + 4, LETTERS[place], f"letter c{place}"))
        if number.low is not None and number.high is not None:
            left, right = across(number.low), across(number.high)
            ends = ((left, left, -4, 4), (right, right, -4, 4), (left, right, 0, 0))
            parts += [line(f"whisker c{place}", a, b, height + c, height + d) for a, b, c, d in ends]
        cx = f"{across(number.value):.1f}"
        parts.append(element("circle", class_=f"spot c{place}", cx=cx, cy=f"{height:.1f}", r=4))
    return chart(parts, label, width=AXIS_WIDTH, height=axis + 20)


def curves(shown: Sequence[tuple[int, Curve]], *, label: str) -> Markup | None:
    """Numbers over images seen, each generator's in its colour and dashes, its letter at the end of its curve.

    shown: (place of the generator, its curve). None where nothing finite is there, or one number alone.
    """
    kept = [(place, _thinned([point for point in curve if math.isfinite(point[1])])) for place, curve in shown]
    kept = [(place, curve) for place, curve in kept if curve]
    if not kept:
        return None
    every = [value for _, curve in kept for _, value in curve]
    room = (max(every) - min(every)) * 0.05
    low, high = min(every) - room, max(every) + room
    if not (low < high and math.isfinite(high - low)):
        return None
    last = max(1, *(step for _, curve in kept for step, _ in curve))

    def place_of(step: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / last
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    parts = _frame(last, low, high, place_of)
    for place, curve in kept:
        spots = [place_of(*point) for point in curve]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        parts.append(element("path", class_=f"curve c{place}", d=path if len(spots) > 1 else f"{path}h.1"))
    parts += _letters([(place, *place_of(*curve[-1])) for place, curve in kept])
    return chart(parts, label)


def _frame(
    last: int, low: float, high: float, place_of: Callable[[float, float], tuple[float, float]]
) -> list[Markup]:  # fmt: skip
    """Both axes with round numbers."""
    parts = []
    for value in _round_numbers(low, high):
        height = place_of(0, value)[1]
        parts.append(line("level", LEFT, WIDTH - RIGHT, height, height))
        parts.append(text(LEFT - 6, height + 4, f"{value:g}".replace("-", "−"), "tick end"))  # noqa: RUF001
    for step in _round_numbers(0, last):
        parts.append(text(place_of(step, low)[0], HEIGHT - BOTTOM + 16, short(step), "tick middle"))
    parts.append(line("base", LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, HEIGHT - BOTTOM))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "real images shown to D", "axis middle"))
    return parts


def _round_numbers(low: float, high: float) -> list[float]:
    """About four of them between the bounds."""
    step = nice_step((high - low) / 4)
    return [round(place * step, 12) for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _letters(ends: Sequence[tuple[int, float, float]]) -> list[Markup]:
    """At the ends of the curves, moved apart where they would cover each other."""
    parts, above = [], -math.inf
    for place, x, y in sorted(ends, key=lambda end: end[2]):
        above = max(y, above + APART)
        parts.append(text(x + 4, above + 4, LETTERS[place], f"letter c{place}"))
    return parts


def _thinned(curve: Curve) -> Curve:
    """At most MOST_POINTS of it, the first and the last among them."""
    if len(curve) <= MOST_POINTS:
        return curve
    rows = sorted({round(place * (len(curve) - 1) / (MOST_POINTS - 1)) for place in range(MOST_POINTS)})
    return [curve[row] for row in rows]
