"""Charts over the rounds of a game, drawn with the same strokes: value, opinions, gradients, modes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..datasets.gaussians import mixture
from ..html.charts import short
from ..playing import Match, densities
from .strokes import Line, Stroke, Words

WIDTH, HEIGHT = 320.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 234.0, 30.0, 124.0
APART = 13.0
"""Between labels at the ends of curves, so that none covers another."""
SMALLEST = 1e-6
"""Of a gradient that is drawn; what is less is drawn there."""

Curve = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Series:
    """A curve with its name at its end."""

    role: str
    name: str
    curve: Curve


@dataclass(frozen=True)
class Chart:
    """Curves over the rounds."""

    title: str
    series: Sequence[Series]
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    levels: Sequence[tuple[float, str]] = ()
    """Heights of dotted lines with their names."""
    logarithmic: bool = False


def charts_of(match: Match) -> list[Chart]:
    """Those that a game on a line, or on a plane, has."""
    if match.recipe.layout == "line":
        return [value(match), opinions(match), gradient(match)]
    kept = [modes(match), gradient(match)]
    return [*kept, opinions(match)] if match.curve("on_data") else kept


def value(match: Match) -> Chart:
    """V as it is and as the best D would make it, over the least that the best D can be brought to."""
    least = -math.log(4)
    series = [
        Series("best", "for best D", match.curve("best_value")),
        Series("judge", "V(D, G)", match.curve("value")),
    ]
    low = min([-1.6, *(number for one in series for _, number in one.curve)])
    ticks = [(0.0, "0"), (-0.5, "−0.5"), (-1.0, "−1")]  # noqa: RUF001
    return Chart("The value of the game", series, low, 0.0, ticks, [(least, "−log 4")])  # noqa: RUF001


def opinions(match: Match) -> Chart:
    """What D says of both sides, on average."""
    series = [
        Series("data", "data", match.curve("on_data")),
        Series("generated", "generated", match.curve("on_generated")),
    ]
    return Chart("Mean D on data and on generated", series, 0.0, 1.0, [(0.0, "0"), (1.0, "1")], [(0.5, "½")])


def gradient(match: Match) -> Chart:
    """The norm of G's gradient; in a game of 2014 also what the other objective would give in the same position."""
    own = "generated"
    if match.recipe.loss == "minimax":
        other = [Series("other", "non-saturating", match.curve("non_saturating"))]
    elif match.recipe.loss == "non_saturating":
        other = [Series("other", "saturating", match.curve("saturating"))]
    else:
        other = []
    ticks = [(1e-6, "1e−6"), (1e-3, "0.001"), (1.0, "1"), (1e3, "1000")]  # noqa: RUF001
    series = [*other, Series(own, "its own", match.curve("gradient"))]
    return Chart("G's gradient", series, SMALLEST, 3e3, ticks, logarithmic=True)


def modes(match: Match) -> Chart:
    """How many of the data's modes G holds."""
    every = len(mixture(match.recipe.layout).means)
    held = [Series("generated", "held", match.curve("modes"))]
    return Chart("Modes that G holds", held, 0, every * 1.08, [(0, "0")], [(every, str(every))])


def places(match: Match) -> list[float]:
    """Where each frame is on the axis of rounds."""
    return [_across(moment.round, match.recipe.rounds) for moment in match.frames]


def drawn(chart: Chart, rounds: int) -> list[Stroke]:
    """The whole chart."""

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
        number = round(rounds * share)
        words = f"round {short(number)}" if share == 1 else short(number)
        strokes.append(Words(_across(number, rounds), BOTTOM + 15, words, "tick", "middle"))
    for one in chart.series:
        strokes.append(Line([(_across(number, rounds), up(height)) for number, height in one.curve], one.role))
    return [*strokes, *_names(chart.series, up)]


def _across(number: int, rounds: int) -> float:
    return LEFT + (RIGHT - LEFT) * number / rounds


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


def estimates(match: Match) -> tuple[float, float, float]:
    """The Jensen-Shannon divergence at the end: from the densities, from V at the best D, and from V as it is."""
    last = match.moments[-1].numbers
    by_value = densities.jensen_shannon_of_value
    return last["jensen_shannon"], by_value(last["best_value"]), by_value(last["value"])
