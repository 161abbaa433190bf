"""The statistics of copying: which distances are close, what share of pictures are copies, and C_T."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from ..neighbours import Neighbours
from ..uncertainty import Estimate, Interval, groups_of, jackknife, rows_without, share
from . import Absent

FEWEST = 10
"""Generated and held-out pictures in a cell whose distances are compared: from so many on the normal distribution is
a fair description of Mann and Whitney's statistic."""

Distances = Float64[Tensor, " _"]
"""To the nearest training picture. (One function takes several sets of pictures: the axis has no name.)"""
Close = Bool[Tensor, " _"]
"""Who is as near to a training picture as a copy."""
Cells = Int64[Tensor, " _"]
"""The region of feature space that each picture lies in."""


@dataclass(frozen=True)
class Space:
    """In one way of measuring distances: the nearest training picture of each."""

    generated: Neighbours
    heldout: Neighbours

    def threshold(self, quantile: float) -> float:
        """The distance up to which a picture is close."""
        return threshold(self.heldout.distances[:, 0], quantile)

    def close(self, quantile: float) -> tuple[Close, Close]:
        """Who is close to a training picture, of the generated and of the held-out pictures."""
        limit = self.threshold(quantile)
        return self.generated.distances[:, 0] <= limit, self.heldout.distances[:, 0] <= limit

    def halves(self) -> "Space":
        """Every other held-out picture as a generated one, judged by the rest."""
        ours, theirs = (
            Neighbours(self.heldout.distances[first::2], self.heldout.indices[first::2]) for first in (1, 0)
        )
        return Space(ours, theirs)

    def standing(self) -> tuple[Distances, Distances]:
        """Of each generated picture: the share of held-out ones that are nearer, and its distance in their means."""
        ours, theirs = self.generated.distances[:, 0], self.heldout.distances[:, 0].sort().values
        mean = float(theirs.mean())
        return torch.searchsorted(theirs, ours.contiguous()).double() / len(theirs), ours / mean if mean > 0 else ours


def threshold(heldout: Distances, quantile: float) -> float:
    """The largest of the distances such that at most `quantile` of them are at or below it.

    The smallest of all where there is none such: of few pictures, or of many that are equally near.
    """
    ordered = heldout.sort().values
    # Less than one whole picture is missing where a product such as 0.07 * 100 is rounded.
    bound = ordered[math.floor(quantile * len(ordered) + 1e-9)]
    below = ordered[ordered < bound]
    return float(below[-1] if len(below) else ordered[0])


def copy_rate(generated: Close, heldout: Close) -> Estimate:
    """The share of copies among generated pictures, from who is close to a training picture.

    Copies are always close and all others as often as held-out pictures, so 1 - copies = (1 - generated) / (1 -
    heldout). The interval is MOVER's for a ratio (Donner & Zou 2012) of shares that are each known within Wilson's
    bounds. Other pictures of a poor generator are close less often than held-out ones, which hides some copies; so
    the interval reaches up to what it would be if none of them were: Wilson's upper bound of the close ones' share.
    Absent where every held-out picture is close.
    """
    if bool(heldout.all()):
        raise Absent("every held-out picture is as near to a training picture as a copy would be")

    def rate(some: Close) -> float:
        return max(0.0, 1 - float((~some).double().mean()) / float((~heldout).double().mean()))

    def interval() -> Interval:
        low, high = ratio_bounds(~generated, ~heldout)
        n = len(generated)
        highest = max(1 - low, share(int(generated.sum()), n).high)
        replicates = tuple(rate(generated[rows_without(group, n)]) for group in range(groups_of(n))) if n > 1 else ()
        return Interval(min(1.0, max(0.0, 1 - high)), min(1.0, highest), replicates)

    return Estimate(rate(generated), interval)


def ratio_bounds(upper: Close, lower: Close) -> tuple[float, float]:
    """Bounds of the ratio of two independent shares, of `upper` over `lower`, which has at least one."""
    one, other = float(upper.double().mean()), float(lower.double().mean())
    ones, others = share(int(upper.sum()), len(upper)), share(int(lower.sum()), len(lower))
    product = one * other
    # Both are (product -+ root) / (bound * (2 * other - bound)); the first is written without dividing by what
    # may be 0.
    spread = product**2 - ones.low * others.high * (2 * one - ones.low) * (2 * other - others.high)
    low = ones.low * (2 * one - ones.low) / (product + math.sqrt(max(0.0, spread))) if one > 0 else 0.0
    spread = product**2 - ones.high * others.low * (2 * one - ones.high) * (2 * other - others.low)
    high = (product + math.sqrt(max(0.0, spread))) / (others.low * (2 * other - others.low))
    return low, high


def mann_whitney(generated: Distances, heldout: Distances) -> float:
    """How many standard deviations the generated distances rank above the held-out ones; ties count one half."""
    ours, theirs = generated.numpy(), np.sort(heldout.numpy())
    n, m = len(ours), len(theirs)
    farther = (np.searchsorted(theirs, ours, "left") + np.searchsorted(theirs, ours, "right")).sum() / 2
    ties = np.unique(np.concatenate([ours, theirs]), return_counts=True)[1].astype(np.float64)
    variance = n * m / 12 * (n + m + 1 - float((ties**3 - ties).sum()) / ((n + m) * (n + m - 1)))
    return float((farther - n * m / 2) / math.sqrt(variance)) if variance > 0 else 0.0


@dataclass(frozen=True)
class Placed:
    """Distances to the nearest training picture, and the cell of feature space that each picture lies in."""

    distances: Distances
    cells: Cells

    def rows(self, rows: Int64[Tensor, " rows"] | slice) -> "Placed":
        """Of these pictures."""
        return Placed(self.distances[rows], self.cells[rows])

    def inside(self, cell: int) -> Distances:
        """Of the pictures in a cell."""
        return self.distances[self.cells == cell]


def used_cells(generated: Placed, heldout: Placed, cells: int) -> list[int]:
    """Those with FEWEST pictures of both kinds; Absent where there is none."""
    count = torch.minimum(generated.cells.bincount(minlength=cells), heldout.cells.bincount(minlength=cells))
    used: list[int] = torch.nonzero(count >= FEWEST).flatten().tolist()
    if not used:
        raise Absent(f"no region of feature space holds {FEWEST} generated and {FEWEST} held-out pictures")
    return used


def data_copying(generated: Placed, heldout: Placed, cells: int) -> Estimate:
    """C_T (Meehan et al. 2020): far below 0 where pictures are nearer to training ones than held-out ones are.

    The mean over the cells of Mann and Whitney's z, each with the weight of its share of held-out pictures. The
    interval is the jackknife's over groups of generated pictures, with the cells of all of them.
    """
    used = used_cells(generated, heldout, cells)

    def statistic(some: Placed, among: Sequence[int]) -> float:
        weighted = [(len(theirs := heldout.inside(cell)), some.inside(cell), theirs) for cell in among]
        total = sum(weight for weight, _, _ in weighted)
        return math.fsum(weight * mann_whitney(ours, theirs) for weight, ours, theirs in weighted) / total

    def interval() -> Interval:
        n = len(generated.distances)
        replicates = [statistic(generated.rows(rows_without(group, n)), used) for group in range(groups_of(n))]
        return jackknife(value, replicates)

    value = statistic(generated, used)
    return Estimate(value, interval, {"cells_used": float(len(used))})
