"""The game at one moment: on a line figure 1 of the paper, on a plane the points over what D says of every place."""

from collections.abc import Sequence

import numpy as np

from ..datasets.gaussians import mixture
from ..playing import LineView, Match, Moment, PlaneView, densities
from ..playing.match import REACH, edges
from ..strokes.shapes import Area, Dots, Line, Rings, Stroke, Tint, Words

WIDTH = 320.0
LINE_HEIGHT, PLANE_HEIGHT = 268.0, 350.0
LEFT, RIGHT, TOP, FLOOR = 26.0, 296.0, 40.0, 176.0
X_LINE, Z_LINE = 186.0, 226.0
"""Heights of the line that arrows end on and of that which they start from."""
SQUARE_LEFT, SQUARE_TOP, SQUARE = 20.0, 30.0, 280.0
HIGHEST = 0.8
"""A density that reaches the top; a taller one is cut off there."""


def height_of(match: Match) -> float:
    """Of its panel."""
    return LINE_HEIGHT if match.recipe.layout == "line" else PLANE_HEIGHT


def still(match: Match) -> list[Stroke]:
    """What does not change: title, axes, the data."""
    title = Words(WIDTH / 2, 18, match.recipe.name, "title", "middle")
    return [title, *(_line_still() if match.recipe.layout == "line" else _plane_still(match))]


def moving(match: Match, moment: Moment) -> list[Stroke]:
    """What is drawn of one moment."""
    if isinstance(moment.view, LineView):
        return _on_line(moment, moment.view)
    assert isinstance(moment.view, PlaneView)
    return _on_plane(match, moment, moment.view)


def behind(moment: Moment) -> list[Stroke]:
    """What lies under everything else at one moment."""
    if isinstance(moment.view, PlaneView):
        return [Tint(SQUARE_LEFT, SQUARE_TOP, SQUARE, moment.view.field)]
    return []


def _across(x: float) -> float:
    reach = REACH["line"]
    return LEFT + (RIGHT - LEFT) * (min(max(x, -reach), reach) + reach) / (2 * reach)


def _up(share: float) -> float:
    return FLOOR - (FLOOR - TOP) * min(max(share, 0.0), 1.0)


def _middles() -> list[float]:
    bounds = edges()
    return [_across(x) for x in ((bounds[:-1] + bounds[1:]) / 2).tolist()]


def _density(masses: np.ndarray) -> list[tuple[float, float]]:
    return [(x, _up(y / HIGHEST)) for x, y in zip(_middles(), masses.tolist(), strict=True)]


def _line_still() -> list[Stroke]:
    bounds = edges()
    data = densities.of_data(mixture("line"), bounds)[1:-1] / (bounds[1] - bounds[0])
    curve = _density(data)
    return [
        Area([(LEFT, FLOOR), *curve, (RIGHT, FLOOR)], "data-area"),
        Line([(LEFT, _up(0.5)), (RIGHT, _up(0.5))], "half"),
        Words(LEFT - 6, _up(0.5) + 4, "½", "tick", "end"),
        Words(LEFT - 6, _up(1) + 4, "1", "tick", "end"),
        Words(LEFT - 6, FLOOR + 2, "0", "tick", "end"),
        Words(_across(-1), FLOOR - 10, "data", "data", "middle"),
        Line([(LEFT, X_LINE), (RIGHT, X_LINE)], "floor"),
        Line([(LEFT, Z_LINE), (RIGHT, Z_LINE)], "floor"),
        Words(RIGHT + 8, X_LINE + 4, "x", "said"),
        Words(RIGHT + 8, Z_LINE + 4, "z", "said"),
    ]


def _on_line(moment: Moment, view: LineView) -> list[Stroke]:
    generated = _density(view.generated)
    judge = [(x, _up(y)) for x, y in zip(_middles(), view.discriminator.tolist(), strict=True)]
    best = [(x, _up(y)) for x, y in zip(_middles(), view.best.tolist(), strict=True)]
    peak = min(generated, key=lambda place: place[1])
    at = min(max(peak[0], LEFT + 34), RIGHT - 34)
    starts = np.linspace(LEFT + 30, RIGHT - 30, len(view.arrows)).tolist()
    arrows = [
        part for start, end in zip(starts, view.arrows.tolist(), strict=True)
        for part in _arrow(start, Z_LINE, _across(end), X_LINE + 2)
    ]  # fmt: skip
    return [
        *arrows,
        Line(best, "best"),
        Line(generated, "generated"),
        Line(judge, "judge"),
        Words(at, peak[1] - 6, "generated", "generated", "middle"),
        Words(RIGHT + 3, judge[-1][1] + 4, "D", "judge"),
        Words(LEFT, 255, said(moment), "said"),
    ]


def said(moment: Moment) -> str:
    """The numbers under a panel."""
    numbers = moment.numbers
    parts = [f"round {moment.round:,}"]
    if "jensen_shannon" in numbers:
        parts += [f"V {signed(numbers['value'])}", f"JS {numbers['jensen_shannon']:.3f}"]
    return " · ".join(parts)


def signed(number: float) -> str:
    """With three digits after the point and a minus sign as it is printed."""
    return f"{number:.3f}".replace("-", "−")  # noqa: RUF001, the sign that is meant


def _arrow(x1: float, y1: float, x2: float, y2: float) -> list[Stroke]:
    way = np.array([x2 - x1, y2 - y1])
    way = way / np.linalg.norm(way)
    side = np.array([-way[1], way[0]])
    left, right = ((-4 * way + turn * side).tolist() for turn in (1.8, -1.8))
    head = [(x2 + left[0], y2 + left[1]), (x2, y2), (x2 + right[0], y2 + right[1])]
    return [Line([(x1, y1), (x2, y2)], "arrow"), Line(head, "arrow")]


def _places(points: np.ndarray, reach: float) -> list[tuple[float, float]]:
    """Those of the square's inside."""
    shares = (points + reach) / (2 * reach)
    inside = shares[((shares > 0.005) & (shares < 0.995)).all(axis=1)]
    return [(SQUARE_LEFT + SQUARE * x, SQUARE_TOP + SQUARE * (1 - y)) for x, y in inside.tolist()]


def _plane_still(match: Match) -> list[Stroke]:
    means = mixture(match.recipe.layout).means
    right, bottom = SQUARE_LEFT + SQUARE, SQUARE_TOP + SQUARE
    frame = [(SQUARE_LEFT, SQUARE_TOP), (right, SQUARE_TOP), (right, bottom), (SQUARE_LEFT, bottom)]
    modes = _places(means, REACH[match.recipe.layout])
    return [Line([*frame, frame[0]], "level"), Rings(modes, "mode", 7)]


def _on_plane(match: Match, moment: Moment, view: PlaneView) -> list[Stroke]:
    reach = REACH[match.recipe.layout]
    everything = len(mixture(match.recipe.layout).means)
    held = int(moment.numbers["modes"])
    inside = _places(view.points, reach)
    strokes: list[Stroke] = [Dots(inside, "point")] if inside else []
    words = f"round {moment.round:,} · {held} of {everything} modes"
    if out := len(view.points) - len(inside):
        words += f" · {out} out of view"
    return [*strokes, Words(SQUARE_LEFT, 334, words, "said")]


def at_moment(match: Match, moment: Moment) -> Sequence[Stroke]:
    """The whole panel."""
    return [*behind(moment), *still(match), *moving(match, moment)]
