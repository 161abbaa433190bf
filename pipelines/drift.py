"""Whether a generator does worse on new data than on old ones, by how much, and how surely.

Of either data the training pictures fall into as many parts as there are blocks of latents, all of one size, and each
block is scored against a part of its own. So the scores of one data differ by the luck of latents and by the luck of
which real pictures there are, and Welch's t of the two sets of scores takes both in: pictures that are merely others
are no drift.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganlib.errors import UserError
from ganlib.prepared import PreparedData, Split

from . import lineage
from .verdicts import HIGHER, Report

LEVEL = 0.95


@dataclass(frozen=True)
class Drift:
    """Of one generator and one number."""

    metric: str
    then: float
    """Mean on the old data."""
    now: float
    """Mean on the new ones."""
    worse: float
    """By how much it does worse now, whichever way is better."""
    low: float
    """Bounds of `worse`."""
    high: float

    @property
    def proven(self) -> bool:
        """Whether the interval leaves no other explanation."""
        return self.low > 0

    def sentence(self) -> str:
        """In short."""
        by = f"worse by {self.worse:.3g} [{self.low:.3g}, {self.high:.3g}]"
        return f"{self.metric} {self.then:.4g} then and {self.now:.4g} now, {by}"


def between(then: Sequence[float], now: Sequence[float], metric: str) -> Drift:
    """From the scores of each part of either data."""
    from scipy.special import stdtrit

    sign = -1 if metric in HIGHER else 1
    before, after = statistics.fmean(then), statistics.fmean(now)
    squares = [statistics.variance(side) / len(side) for side in (then, now)]
    worse, reach = sign * (after - before), 0.0
    if sum(squares):
        shares = [square**2 / (len(side) - 1) for square, side in zip(squares, (then, now), strict=True)]
        reach = float(stdtrit(sum(squares) ** 2 / sum(shares), (1 + LEVEL) / 2)) * math.sqrt(sum(squares))
    return Drift(metric, before, after, worse, worse - reach, worse + reach)


def parts(data: PreparedData, count: int, size: int) -> list[PreparedData]:
    """The data with so many training pictures each, none in two parts, spread over the whole."""
    pixels, labels = data.train.pixels, data.train.labels
    rows = [slice(part, part + count * size, count) for part in range(count)]
    return [
        replace(data, train=Split(pixels[one], labels[one]), digest=lineage.digest_of([data.digest, count, size, part]))
        for part, one in enumerate(rows)
    ]


def value(report: Report, metric: str) -> float:
    """The number; UserError where it is absent."""
    found = report.get(metric, {}).get("value")
    if not isinstance(found, int | float) or not math.isfinite(found):
        raise UserError(f"{metric} is absent, by which drift is measured; set promote.metric otherwise.")
    return float(found)
