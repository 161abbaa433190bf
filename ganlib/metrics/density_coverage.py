"""Density and coverage (Naeem et al. 2020, section 3): higher is better."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field

from ..balls import inside_balls
from ..components import component
from ..neighbours import CPU
from ..uncertainty import Estimate, groups_of, jackknife, rows_without
from . import Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, radii, reference


@component
class DensityCoverage(Metric):
    """Balls around training pictures alone, each to its `density_neighbours`-th nearest other: outliers among
    generated pictures, whose balls are large, cannot raise coverage as they raise recall.

    Density: in how many balls a picture lies, relative to `density_neighbours`: about 1 for pictures of the same kind,
    more where they crowd where training pictures do. Coverage: the share of balls with a picture inside; it grows with
    the number of pictures. A ball holds its border, as it does for precision and recall, which only copies notice: they
    are in their original's ball whatever its twins, and a perfect copy of the set has the density 1 + 1 / k.
    """

    results: ClassVar[tuple[str, ...]] = ("density", "coverage")
    density_neighbours: Annotated[int, Field(gt=0)]

    def obstacles(self, counts: Counts) -> list[str]:
        """Every training picture needs that many others."""
        if self.density_neighbours < counts.train:
            return []
        way_out = f"set it to {counts.train - 1} or lower" if counts.train >= 2 else "there must be two of them"
        return [
            f"evaluate.density_neighbours is {self.density_neighbours} but there are {counts.train} training "
            f"pictures; {way_out}."
        ]

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`density` and `coverage`: value, value_at_floor_count and floor, with intervals by leaving out groups."""
        real = reference(evidence.train)
        device = CPU if evidence.behind is None else evidence.behind.device
        reach = radii(evidence.train, self.density_neighbours, device)

        def crowding(seen: Seen) -> dict[str, Estimate]:
            n, groups = len(seen), groups_of(len(seen))
            balls = torch.zeros(n, dtype=torch.float64)
            covered = torch.zeros(len(real), groups, dtype=torch.bool)
            for (one, inside), _ in inside_balls(real, comparable(seen), radii_of_ones=reach, device=device):
                balls += torch.bincount(inside, minlength=n)
                covered[one, inside % groups] = True
            balls /= self.density_neighbours
            density, coverage = float(balls.mean()), float(covered.any(dim=1).double().mean())
            densities = [float(balls[rows_without(group, n)].mean()) for group in range(groups)]
            coverages = (covered.sum(dim=1, keepdim=True) > covered.long()).double().mean(dim=0).tolist()
            if n == 1:
                densities, coverages = [], []  # without its group there would be nothing
            return {
                "density": Estimate(density, lambda: jackknife(density, densities, lowest=0.0)),
                "coverage": Estimate(coverage, lambda: jackknife(coverage, coverages, lowest=0.0, highest=1.0)),
            }

        return beside_floor(crowding, evidence, count_matters=True)
