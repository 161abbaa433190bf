"""Charts of the evaluation: a value and its floor on one axis."""

import math
from collections.abc import Callable, Sequence

from ..html.charts import nice_step, text
from ..html.markup import Markup, element
from .reading import Number, Row

WIDTH, HEIGHT = 240, 62
EDGE = 14
"""Room at both ends."""
GENERATED_AT, FLOOR_AT, AXIS_AT = 13, 31, 44
"""Heights of the lanes."""


def span(values: Sequence[float]) -> tuple[float, float]:
    """(low, high) of an axis that has room for all of them; not finite where they are too far apart."""
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or max(abs(high), 1e-9) * 0.1
    return low - room, high + room


def intervals(row: Row, *, label: str, name: Callable[[float], str]) -> Markup:
    """Generated above, held-out below. A filled circle: all generated pictures; a ring around: as many as are held
    out; a diamond: held out. name: writes a number on the axis."""
    numbers = [row.generated, *(one for one in (row.alike, row.floor) if one is not None)]
    every = [value for one in numbers for value in one.all]
    every += [row.ideal] if row.ideal is not None else []
    low, high = span(every)
    if not math.isfinite(high - low):
        return Markup()

    def across(value: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (value - low) / (high - low)

    parts = [element("line", class_="base", x1=EDGE, x2=WIDTH - EDGE, y1=AXIS_AT, y2=AXIS_AT)]
    for value in ticks(low, high):
        at = across(value)
        parts.append(element("line", class_="base", x1=_r(at), x2=_r(at), y1=AXIS_AT, y2=AXIS_AT + 4))
        parts.append(text(at, AXIS_AT + 16, name(value), "tick middle"))
    if row.ideal is not None:
        at = across(row.ideal)
        parts.append(element("line", class_="ideal", x1=_r(at), x2=_r(at), y1=4, y2=AXIS_AT))
    parts += _whiskers(row.generated, across, GENERATED_AT, "generated")
    parts.append(element("circle", class_="spot generated", cx=_r(across(row.generated.value)), cy=GENERATED_AT, r=4))
    if row.alike is not None:
        parts.append(element("circle", class_="ring generated", cx=_r(across(row.alike.value)), cy=GENERATED_AT, r=7))
    if row.floor is not None:
        parts += _whiskers(row.floor, across, FLOOR_AT, "heldout")
        x = across(row.floor.value)
        diamond = f"M{_r(x - 5)} {FLOOR_AT}L{_r(x)} {FLOOR_AT - 5}L{_r(x + 5)} {FLOOR_AT}L{_r(x)} {FLOOR_AT + 5}Z"
        parts.append(element("path", class_="spot heldout", d=diamond))
    return element(
        "svg", *parts, class_="chart interval", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label
    )


def ticks(low: float, high: float) -> list[float]:
    """Two or more round numbers between the bounds, few where that can be."""
    found: list[float] = []
    for parts in (3, 4, 6, 10):
        step = nice_step((high - low) / parts)
        found = [round(place * step, 12) for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(found) >= 2:
            break
    return found


def _whiskers(number: Number, across: Callable[[float], float], height: int, name: str) -> list[Markup]:
    if number.low is None or number.high is None:
        return []
    left, right = _r(across(number.low)), _r(across(number.high))
    ends = [(left, left, height - 4, height + 4), (right, right, height - 4, height + 4), (left, right, height, height)]
    return [element("line", class_=f"whisker {name}", x1=a, x2=b, y1=c, y2=d) for a, b, c, d in ends]


def _r(value: float) -> str:
    return f"{value:.1f}"
