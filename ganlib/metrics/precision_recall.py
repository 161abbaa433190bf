"""Improved precision and recall (Kynkaanniemi et al. 2019, eq. 2 and 3): both higher is better, at most 1."""

import math
from typing import Annotated, ClassVar

import torch
from jaxtyping import Bool, Float64
from pydantic import Field
from torch import Tensor

from ..balls import inside_balls
from ..components import component
from ..distances import EQUAL, exact_distances
from ..features import Features
from ..neighbours import CPU, nearest
from ..uncertainty import Estimate, Interval, groups_of, jackknife, rows_without, share
from . import Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, radii, reference


@component
class PrecisionRecall(Metric):
    """Balls around each picture reach to its `neighbours`-th nearest of the same set.

    Precision: the share of pictures inside a training picture's ball. Recall: the share of training pictures inside
    one of the pictures' balls. The balls shrink as pictures grow many, hence the values at the floor's count. Equal to
    torch-fidelity's but for its rounding, since distances that decide are computed in float64.
    """

    results: ClassVar[tuple[str, ...]] = ("precision", "recall")
    neighbours: Annotated[int, Field(gt=0)]

    def obstacles(self, counts: Counts) -> list[str]:
        """Every picture needs that many others."""
        smallest = min(counts.floor, counts.train)
        if self.neighbours < smallest:
            return []
        way_out = f"set it to {smallest - 1} or lower" if smallest >= 2 else "there must be two of each kind"
        return [f"evaluate.neighbours is {self.neighbours} but there are {counts}; {way_out}."]

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`precision` and `recall`: value, value_at_floor_count and floor, with intervals.

        Precision's is of a share (which pictures are generated does not touch the training pictures' balls); recall's
        is by leaving out groups, with the balls that are left grown to what they would have been.
        """
        real = reference(evidence.train)
        device = CPU if evidence.behind is None else evidence.behind.device
        reach = radii(evidence.train, self.neighbours, device)

        def overlap(seen: Seen) -> dict[str, Estimate]:
            balls = Balls(comparable(seen), self.neighbours, device)
            precise = torch.zeros(len(seen), dtype=torch.bool)
            covered = torch.zeros(len(real), groups_of(len(seen)), dtype=torch.bool)
            for (_, inside), (one, ball) in inside_balls(
                real, balls.features, radii_of_ones=reach, radii_of_others=balls.radii, device=device
            ):
                precise[inside] = True
                covered[one, ball % covered.shape[1]] = True
            recalled = float(covered.any(dim=1).double().mean())
            return {
                "precision": Estimate(float(precise.double().mean()), lambda: of_share(precise)),
                "recall": Estimate(
                    recalled,
                    lambda: jackknife(recalled, balls.recalls_without(real, covered), lowest=0.0, highest=1.0),
                ),
            }

        return beside_floor(overlap, evidence, count_matters=True)


def of_share(successes: Bool[Tensor, " n"]) -> Interval:
    """Of the share of pictures (at least two) that are successes, each whatever the others are."""
    n = len(successes)
    replicates = [float(successes[rows_without(group, n)].double().mean()) for group in range(groups_of(n))]
    return share(float(successes.sum()), n, replicates)


class Balls:
    """Around generated pictures, each to its k-th nearest other one."""

    def __init__(self, features: Features, k: int, device: torch.device) -> None:
        self.features, self.k, self.device = features, k, device
        self.groups = groups_of(len(features))
        # Of twice as many neighbours and more, no two groups can each hold too many for k to be left without them.
        self.near = nearest(features, features, min(2 * k + 4, len(features) - 1), device=device, among_themselves=True)
        self.radii: Float64[Tensor, " n"] = self.near.distances[:, k - 1]

    def recalls_without(self, real: Features, covered: Bool[Tensor, "m groups"]) -> list[float]:
        """Recall without each group in turn, when pictures of these groups cover each real one; none of too few."""
        if len(self.features) - math.ceil(len(self.features) / self.groups) <= self.k:
            return []
        # A picture stays covered if any other group covers it. Beside that, only grown balls can: for those that are
        # covered by one group, if it is left out, and for those that are not covered at all.
        still = covered.sum(dim=1, keepdim=True) > covered.long()
        open_rows = (covered.sum(dim=1) < 2).nonzero()[:, 0]
        grown = self.radii_without()
        largest = grown.max(dim=1).values
        for _, (one, ball) in inside_balls(real[open_rows], self.features, radii_of_others=largest, device=self.device):
            apart = exact_distances(real, self.features, open_rows[one], ball)
            pair, group = (apart[:, None] <= grown[ball] * EQUAL).nonzero(as_tuple=True)
            still[open_rows[one[pair]], group] = True
        return still.double().mean(dim=0).tolist()

    def radii_without(self) -> Float64[Tensor, "n groups"]:
        """Each ball's radius without each group; negative where the ball itself is left out."""
        n = len(self.features)
        grown = torch.empty(n, self.groups, dtype=torch.float64)
        for group in range(self.groups):
            stays = self.near.indices % self.groups != group
            place = (stays.cumsum(dim=1) < self.k).sum(dim=1)  # of the k-th that stays
            grown[:, group] = self.near.distances.gather(1, place.clamp(max=stays.shape[1] - 1)[:, None])[:, 0]
            own = torch.arange(n) % self.groups == group
            few = ((place == stays.shape[1]) & ~own).nonzero()[:, 0]
            if len(few):
                # With itself, at distance 0, as one of those found.
                others = self.features[rows_without(group, n)]
                found = nearest(self.features[few], others, self.k + 1, device=self.device)
                grown[few, group] = found.distances[:, -1]
            grown[own, group] = -1.0
        return grown
