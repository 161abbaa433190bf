"""The curves of a training, in the colours that the same things have on every page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..diagnostics import Row
from ..html.charts import nice_step
from ..html.markup import Markup, element
from ..strokes import curves, svg
from ..strokes.curves import Chart, Series

MOST_POINTS = 240
"""Of one curve; of longer ones every so manyth point is drawn."""


@dataclass(frozen=True)
class Panel:
    """Columns of the history on one chart."""

    title: str
    caption: str
    columns: Sequence[tuple[str, str, str]]
    """(column, role, name at the end of its curve)."""
    bounds: tuple[float, float] | None = None
    levels: Sequence[tuple[float, str]] = ()
    logarithmic: bool = False


PANELS = (
    Panel(
        "Losses", "What each player descends. Neither need fall: the other one is learning, too.",
        [("discriminator_loss", "judge", "D"), ("generator_loss", "generated", "G")],
    ),
    Panel(
        "What D says, on average", "A half where it cannot tell. A relativistic loss holds the level of D nowhere: "
        "there only the distance between the two means something.",
        [("real_probability", "data", "training"), ("fake_probability", "generated", "generated")],
        (0.0, 1.0), [(0.5, "½")],
    ),
    Panel(
        "Shares that D judges rightly", "Held-out pictures far below training ones are what D knows by heart.",
        [("real_accuracy", "data", "training"), ("heldout_accuracy", "heldout", "held out"),
         ("fake_accuracy", "generated", "generated")],
        (0.0, 1.0),
    ),
    Panel(
        "Pairs that D ranks rightly", "A real picture over a generated one; above 0.995 D has won.",
        [("pair_accuracy", "judge", "pairs")], (0.0, 1.0), [(0.5, "½")],
    ),
    Panel(
        "Spread of generated pictures", "As D sees them, beside the spread of real ones: about 1 is well, below 0.1 G "
        "is collapsing.",
        [("feature_spread", "generated", "spread")], None, [(0.1, "0.1"), (1.0, "1")],
    ),
    Panel(
        "Overfitting of D", "0 where D scores held-out pictures like training ones, 1 where like generated ones; above "
        "0.6 it knows its pictures by heart.",
        [("overfitting", "heldout", "overfitting")], None, [(0.6, "0.6")],
    ),
    Panel(
        "Gradients", "Norms of the last update of each player, on a logarithmic scale.",
        [("discriminator_gradient", "judge", "D"), ("generator_gradient", "generated", "G")], logarithmic=True,
    ),
    Panel("Penalty", "On the slope of D, where the game has one.", [("penalty", "judge", "penalty")]),
    Panel(
        "The value of the game", "V(D, G) of the game of 2014; for the best D it would fall to −log 4.",  # noqa: RUF001
        [("value", "judge", "V(D, G)")], None, [(-math.log(4), "−log 4")],  # noqa: RUF001
    ),
    Panel(
        "Strength of the augmentation", "The probability with which pictures are changed on their way to D.",
        [("augmentation_p", "judge", "p")], (0.0, 1.0),
    ),
    Panel(
        "FID on the way", "Of the averaged generator against held-out pictures; lower is better.",
        [("fid", "generated", "FID")],
    ),
)  # fmt: skip


def figures(history: Sequence[Row]) -> list[Markup]:
    """A chart for each panel that the history has something for."""
    return [drawn for panel in PANELS if (drawn := _figure(panel, history)) is not None]


def _figure(panel: Panel, history: Sequence[Row]) -> Markup | None:
    series = [Series(role, name, _curve(history, column)) for column, role, name in panel.columns]
    series = [one for one in series if len(one.curve) > 1]
    numbers = [number for one in series for _, number in one.curve]
    if not numbers or (min(numbers) == max(numbers) == 0):
        return None
    last = int(history[-1]["images_seen"])
    ends = ", ".join(f"{one.name} ends at {one.curve[-1][1]:.3g}" for one in series)
    words = curves.drawn(_chart(panel, series, numbers), last, "{} images")
    label = f"{panel.title}, over {last:,} images: {ends}"
    drawing = svg.picture(words, [], label, curves.WIDTH, curves.HEIGHT)
    return element("figure", drawing, element("figcaption", panel.caption))


def _chart(panel: Panel, series: Sequence[Series], numbers: Sequence[float]) -> Chart:
    if panel.logarithmic:
        powers = [math.floor(math.log10(max(min(numbers), 1e-9))), math.ceil(math.log10(max(*numbers, 1e-8)))]
        powers[1] = max(powers[1], powers[0] + 1)
        apart = max(1, (powers[1] - powers[0]) // 3)
        ticks = [(10.0**power, f"{10.0**power:g}") for power in range(powers[0], powers[1] + 1, apart)]
        return Chart(panel.title, series, 10.0 ** powers[0], 10.0 ** powers[1], ticks, logarithmic=True)
    low, high = panel.bounds or _span([*numbers, *(height for height, _ in panel.levels)])
    marked = [height for height, _ in panel.levels]
    step = nice_step((high - low) / 3)
    ticks = [
        (place * step, _said(place * step)) for place in range(math.ceil(low / step), math.floor(high / step) + 1)
        if all(abs(place * step - height) > 0.12 * (high - low) for height in marked)
    ]  # fmt: skip
    return Chart(panel.title, series, low, high, ticks, panel.levels)


def _span(numbers: Sequence[float]) -> tuple[float, float]:
    low, high = min(numbers), max(numbers)
    room = (high - low) * 0.06 or max(abs(high), 1.0) * 0.1
    return (0.0 if 0 <= low < high / 2 else low - room), high + room


def _said(number: float) -> str:
    return f"{number:.6g}".replace("-", "−")  # noqa: RUF001, the sign that is meant


def _curve(history: Sequence[Row], column: str) -> list[tuple[int, float]]:
    """(images seen, number) where there is a finite one, thinned."""
    found = [(int(row["images_seen"]), row[column]) for row in history if math.isfinite(row.get(column, math.nan))]
    if len(found) <= MOST_POINTS:
        return found
    return [found[round(place * (len(found) - 1) / (MOST_POINTS - 1))] for place in range(MOST_POINTS)]
