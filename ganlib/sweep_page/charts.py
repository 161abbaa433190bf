"""Charts of a sweep: seeds of one setting on an axis, and the metric over what was swept."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..evaluation_page.charts import span, ticks
from ..evaluation_page.reading import Number, finite
from ..html.charts import HEIGHT, WIDTH, chart, line, text
from ..html.markup import Markup, element, shortened
from .trials import value_said

AXIS_WIDTH, AXIS_HEIGHT, EDGE = 200, 40, 12
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 40
LOGARITHMIC = 8.0
"""From this ratio of the largest value to the smallest on, the axis shows factors."""
MOST_NAMED = 8
"""Values whose names have room below a chart."""

Spot = tuple[Any, Number]
"""What was tried, and what came of it."""


@dataclass(frozen=True)
class Scale:
    """Where a value stands on the horizontal axis, and what is written there."""

    across: Callable[[Any], float]
    named: Sequence[tuple[float, str]]


def seeds(scores: Sequence[float], mean: Number, every: Sequence[float], *, label: str) -> Markup:
    """A small circle for each seed and the mean with its interval below, on the axis that `every` number needs."""
    low, high = span(every)
    if not math.isfinite(high - low):
        return Markup()

    def across(value: float) -> float:
        return EDGE + (AXIS_WIDTH - 2 * EDGE) * (min(high, max(low, value)) - low) / (high - low)

    parts = [line("base", EDGE, AXIS_WIDTH - EDGE, AXIS_HEIGHT - 5, AXIS_HEIGHT - 5)]
    parts += [element("circle", class_="seed", cx=f"{across(score):.1f}", cy=9, r=3.5) for score in scores]
    if mean.low is not None and mean.high is not None:
        left, right = across(mean.low), across(mean.high)
        parts += [
            line("whisker", *ends) for ends in ((left, right, 24, 24), (left, left, 20, 28), (right, right, 20, 28))
        ]
    parts.append(element("circle", class_="spot", cx=f"{across(mean.value):.1f}", cy=24, r=4.5))
    return chart(parts, label, width=AXIS_WIDTH, height=AXIS_HEIGHT)


def over(spots: Sequence[Spot], *, label: str, name: Callable[[float], str]) -> Markup | None:
    """The metric over one swept setting: every training, and where there are few values the mean at each."""
    low, high = span([value for _, number in spots for value in _shown(number, spots)])
    if not math.isfinite(high - low):
        return None
    scale = scale_of([value for value, _ in spots])

    def height(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (min(high, max(low, value)) - low) / (high - low)

    parts = []
    for value in ticks(low, high):
        parts.append(line("level", LEFT, WIDTH - RIGHT, height(value), height(value)))
        parts.append(text(LEFT - 6, height(value) + 4, name(value), "tick end"))
    parts.append(line("base", LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, HEIGHT - BOTTOM))
    parts += [text(x, HEIGHT - BOTTOM + 16, words, "tick middle") for x, words in scale.named]
    parts += _means(spots, scale, height)
    for value, number in spots:
        x = scale.across(value)
        if number.low is not None and number.high is not None:
            parts.append(line("thin", x, x, height(number.low), height(number.high)))
        parts.append(element("circle", class_="seed", cx=f"{x:.1f}", cy=f"{height(number.value):.1f}", r=3.5))
    return chart(parts, label)


def scale_of(values: Sequence[Any]) -> Scale:
    """Numbers at their place, by factors where they span many; anything else side by side."""
    numbers = [number for value in values if (number := finite(value)) is not None]
    if len(numbers) < len(values) or len(set(numbers)) < 2:
        return _side_by_side(values)
    low, high = min(numbers), max(numbers)
    by_factors = low > 0 and high / low >= LOGARITHMIC
    measure: Callable[[float], float] = math.log if by_factors else float
    first, last = measure(low), measure(high)

    def across(value: float) -> float:
        return LEFT + 22 + (WIDTH - LEFT - RIGHT - 44) * (measure(value) - first) / (last - first)

    different = sorted(set(numbers))
    marked = different if len(different) <= MOST_NAMED else _marks(low, high, by_factors=by_factors)
    named: list[tuple[float, str]] = []
    for value in marked:
        words, x = value_said(value), across(value)
        if not named or x - named[-1][0] > 3.3 * (len(words) + len(named[-1][1])) + 4:
            named.append((x, words))
    return Scale(across, named)


def _side_by_side(values: Sequence[Any]) -> Scale:
    names = list(dict.fromkeys(value_said(value) for value in values))
    room = (WIDTH - LEFT - RIGHT) / len(names)
    places = {name: LEFT + room * (place + 0.5) for place, name in enumerate(names)}
    longest = max(3, int(room / 6))
    return Scale(lambda value: places[value_said(value)], [(x, shortened(name, longest)) for name, x in places.items()])


def _marks(low: float, high: float, *, by_factors: bool) -> list[float]:
    if not by_factors:
        return ticks(low, high)
    powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    return powers if len(powers) > 1 else [low, high]


def _means(spots: Sequence[Spot], scale: Scale, height: Callable[[float], float]) -> list[Markup]:
    """A dash at the mean of all that share a value, where several do, joined where values are numbers."""
    by_place: dict[float, list[float]] = {}
    for value, number in spots:
        by_place.setdefault(scale.across(value), []).append(number.value)
    if len(by_place) > MOST_NAMED or all(len(those) == 1 for those in by_place.values()):
        return []
    return [
        line("mean", x - 12, x + 12, height(statistics.fmean(those)), height(statistics.fmean(those)))
        for x, those in sorted(by_place.items())
    ]


def _shown(number: Number, spots: Sequence[Spot]) -> list[float]:
    """The number, and those of its bounds that lie near what was found: one wide interval must not flatten the rest."""
    found = [one.value for _, one in spots]
    room = max(found) - min(found)
    return [number.value, *(bound for bound in number.all if min(found) - room <= bound <= max(found) + room)]
