"""Charts over the rounds of a game: value, opinions, gradients, modes."""

import math

from ..datasets.gaussians import mixture
from ..playing import Match, densities
from ..strokes.curves import Chart, Series, across

SMALLEST = 1e-6
"""Of a gradient that is drawn; what is less is drawn there."""


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
    return [across(moment.round, match.recipe.rounds) for moment in match.frames]


def estimates(match: Match) -> tuple[float, float, float]:
    """The Jensen-Shannon divergence at the end: from the densities, from V at the best D, and from V as it is."""
    last = match.moments[-1].numbers
    by_value = densities.jensen_shannon_of_value
    return last["jensen_shannon"], by_value(last["best_value"]), by_value(last["value"])
