"""Each number judged by its floor."""

import math
from dataclasses import dataclass
from typing import Literal

from . import reading
from .meanings import COPIES, STATISTIC
from .reading import Number, Report, Row

Tone = Literal["bad", "warn", "good", "plain"]

CLEAR = 0.005
"""From this lower bound on, copies are certain and no matter of a picture or two."""
MANY = 0.02
"""An upper bound above this leaves room for copies that somebody would mind."""
FAR_FROM_NOTHING = 3.0
"""|C_T| from which on it is no accident (Meehan et al. 2020 take it as a normal deviate)."""


@dataclass(frozen=True)
class Judgement:
    """A short verdict, and how it is meant."""

    tone: Tone
    short: str


def judge(row: Row, *, generated: int, compared: int) -> Judgement:
    """The result beside its floor, or beside its ideal where there is none. The counts are of pictures."""
    if row.key in (COPIES, STATISTIC):
        return _judge_copies(row.generated) if row.key == COPIES else _judge_statistic(row.generated)
    better = row.words.better
    target = row.floor or (None if row.ideal is None else Number(row.ideal))
    if not better or target is None:
        return Judgement("plain", "")
    gap = row.compared.value - target.value if better == "lower" else target.value - row.compared.value
    slack = doubt(row, generated=generated, compared=compared)
    if slack is None and gap != 0:
        return Judgement("plain", "worse than real" if gap > 0 else "beyond real")
    if abs(gap) <= (slack or 0.0):
        return Judgement("plain", "no clear difference")
    if gap > 0:
        return Judgement("warn", "worse than real")
    return Judgement("warn", "nearer than new") if row.words.of_training else Judgement("plain", "beyond real")


def _judge_copies(rate: Number) -> Judgement:
    low, high = bounds(rate)
    if low > 0:
        return Judgement("bad", "copies") if low >= CLEAR else Judgement("warn", "a few copies")
    return Judgement("good", "no sign of copies") if high <= MANY else Judgement("plain", "too few to tell")


def _judge_statistic(deviations: Number) -> Judgement:
    low, high = bounds(deviations)
    way = "nearer than new" if deviations.value < 0 else "farther than new"
    if abs(deviations.value) > FAR_FROM_NOTHING:
        return Judgement("warn", way)
    if low <= 0 <= high:
        return Judgement("good", "no sign of copying")
    return Judgement("plain", f"a little {way}")


def bounds(number: Number) -> tuple[float, float]:
    """The number itself where a bound is not known."""
    low, high = (number.value if one is None else one for one in (number.low, number.high))
    return low, high


def doubt(row: Row, *, generated: int, compared: int) -> float | None:
    """By how much value and floor may differ by chance: both half widths, as deviations add.

    Where the interval is of all generated pictures but fewer are compared, it grows with the square root of the ratio.
    """
    reach = row.compared.reach
    if reach is None and row.generated.reach is not None:
        reach = row.generated.reach * math.sqrt(max(1.0, generated / max(1, compared)))
    if reach is None:
        return None
    of_floor = row.floor.reach if row.floor else None
    return math.hypot(reach, of_floor or 0.0)


def counts(report: Report) -> tuple[int, int]:
    """(generated pictures, how many of them are compared with the floor), 1 where the protocol does not say."""
    words = reading.words(report)
    generated, floor = (words.get(name) for name in ("samples", "floor_count"))
    generated = generated if isinstance(generated, int) else 1
    return generated, floor if isinstance(floor, int) else generated
