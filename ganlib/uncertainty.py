"""How sure a number is: intervals of 95 %, and that of the difference between two generators.

What is uncertain is which pictures a generator happened to give; the reference counts as given. Its pictures fall into
up to 20 groups, picture i into group i mod 20, and a number is computed anew without each group (the delete-a-group
jackknife; Kott 2001). Generators sampled from the same latents have the same groups, so what their luck has in common
cancels in the difference.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Int64
from torch import Tensor

LEVEL = 0.95
"""Of every interval."""
NORMAL = 1.959963984540054
"""The normal distribution's quantile at (1 + LEVEL) / 2."""
GROUPS = 20


@dataclass(frozen=True)
class Interval:
    """Where the number lies that endlessly many pictures would give, with a probability of LEVEL."""

    low: float
    high: float
    replicates: tuple[float, ...] = ()
    """The number without each group in turn."""


@dataclass(frozen=True)
class Estimate:
    """A number of a set of pictures; how sure it is gets computed where somebody asks."""

    value: float
    interval: Callable[[], Interval]
    more: dict[str, float] = field(default_factory=dict)
    """Other numbers that belong to it, by name."""


def groups_of(n: int) -> int:
    """Into how many groups n pictures fall."""
    return min(GROUPS, n)


def rows_without(group: int, n: int) -> Int64[Tensor, " rest"]:
    """The pictures that stay when a group is left out."""
    rows = torch.arange(n)
    return rows[rows % groups_of(n) != group]


def jackknife(
    value: float, replicates: Sequence[float], *, lowest: float = -math.inf, highest: float = math.inf
) -> Interval:
    """Around `value`, by Student's t of the replicates; cut off at what such a number can be at all.

    With fewer than two groups nothing is known: the interval is everything that is possible.
    """
    count = len(replicates)
    if count < 2:
        return Interval(lowest, highest, tuple(replicates))
    reach = _student(count - 1) * _standard_error(replicates)
    return Interval(max(lowest, value - reach), min(highest, value + reach), tuple(replicates))


def share(successes: float, n: int, replicates: Sequence[float] = ()) -> Interval:
    """Of a share among n independent pictures (Wilson 1927), which is honest where all or none succeed."""
    found, squared = successes / n, NORMAL**2
    middle = (found + squared / (2 * n)) / (1 + squared / n)
    reach = NORMAL / (1 + squared / n) * math.sqrt(found * (1 - found) / n + squared / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - reach)
    high = 1.0 if successes == n else min(1.0, middle + reach)
    return Interval(low, high, tuple(replicates))


def difference(one: float, other: float, ones: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """(one - other, low, high) from both generators' replicates, which must be of the same groups of latents."""
    assert len(ones) == len(others) >= 2, "two generators are compared by the same groups"
    replicates = [first - second for first, second in zip(ones, others, strict=True)]
    between = jackknife(one - other, replicates)
    return one - other, between.low, between.high


def apart(
    one: float, other: float, ones: tuple[float, float], others: tuple[float, float]
) -> tuple[float, float, float]:
    """(one - other, low, high) from the bounds (low, high) of each, as though the two were independent.

    MOVER (Donner & Zou 2012): wider than what pairing gives, and all there is where no replicate moves, as in a share
    of which none or all succeeded.
    """
    gap = one - other
    low = gap - math.hypot(one - ones[0], others[1] - other)
    high = gap + math.hypot(ones[1] - one, other - others[0])
    return gap, low, high


def _standard_error(replicates: Sequence[float]) -> float:
    count = len(replicates)
    mean = math.fsum(replicates) / count
    return math.sqrt((count - 1) / count * math.fsum((each - mean) ** 2 for each in replicates))


def _student(degrees: int) -> float:
    # Imported here: only an evaluation should pay for it.
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + LEVEL) / 2))
