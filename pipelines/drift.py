"""Whether a generator does worse on new data than it did on those that it was promoted on, by how much, and how surely.

Compared is how far it lies behind held-out real pictures of the same data: other data may be harder for everybody. What
is uncertain is which latents were drawn (the blocks, by Student's t) and which real pictures happen to be held out (the
floor's interval, of either data); both are in the interval of the difference.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganlib.errors import UserError

from .verdicts import HIGHER, Report, bounds

OF_DATA = frozenset({"name", "data_sha256", "reference_count", "heldout_count", "floor_count"})
"""Words of a protocol in which scores on two data differ by nature."""
LEVEL = 0.975
"""Of each side of the interval: 95 % between them."""


@dataclass(frozen=True)
class Drift:
    """Of one generator and one number."""

    metric: str
    then: float
    """How far it lay behind held-out pictures, on average over the blocks; more is worse."""
    now: float
    low: float
    """Bounds of `worse`."""
    high: float

    @property
    def worse(self) -> float:
        """By how much it lies farther behind."""
        return self.now - self.then

    @property
    def proven(self) -> bool:
        """Whether the interval leaves no other explanation."""
        return self.low > 0

    def sentence(self) -> str:
        """In short."""
        by = f"{self.worse:+.3g} [{self.low:+.3g}, {self.high:+.3g}]"
        return f"{self.metric} behind held-out pictures: {self.then:.3g} then, {self.now:.3g} now, {by}"


def between(then: Sequence[Report], now: Sequence[Report], metric: str) -> Drift:
    """From reports of the same latents, block by block, on either data; UserError where they cannot be compared."""
    if not alike(then, now):
        raise UserError(f"the {metric} was measured by another protocol then, and such numbers cannot be compared.")
    before, after = ([_behind(report, metric) for report in side] for side in (then, now))
    by = [later - earlier for earlier, later in zip(before, after, strict=True)]
    low, high = bounds(by, LEVEL)
    middle = math.fsum(by) / len(by)
    reach = math.hypot((high - low) / 2, _floor_reach(then, metric), _floor_reach(now, metric))
    was, now_is = (math.fsum(side) / len(side) for side in (before, after))
    return Drift(metric, was, now_is, middle - reach, middle + reach)


def alike(then: Sequence[Report], now: Sequence[Report]) -> bool:
    """Whether both were scored by the same latents and in the same way, if not on the same data."""
    words = [[_without_data(report["protocol"]) for report in side] for side in (then, now)]
    return words[0] == words[1]


def _without_data(protocol: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in protocol.items() if name not in OF_DATA}


def _behind(report: Report, metric: str) -> float:
    """How much worse than held-out pictures, of as many where the count matters."""
    result = report.get(metric, {})
    value, floor = result.get("value_at_floor_count", result.get("value")), result.get("floor")
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in (value, floor)):
        raise UserError(f"{metric} is not there beside held-out pictures, by which drift is measured; choose another.")
    return float(floor - value if metric in HIGHER else value - floor)


def _floor_reach(reports: Sequence[Report], metric: str) -> float:
    """Half of the floor's interval; the floor is the same in all blocks."""
    low, high = (reports[0][metric].get(f"floor_{bound}") for bound in ("low", "high"))
    return 0.0 if low is None or high is None else float(high - low) / 2
