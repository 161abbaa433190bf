"""Kernel inception distance (Binkowski et al. 2018, section 4): lower is better, about 0 at best."""

import math
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float32, Float64, Int64
from pydantic import Field
from torch import Tensor

from ..components import component
from ..randomness import Purpose, stream
from ..uncertainty import NORMAL, Estimate, Interval, groups_of, jackknife
from . import Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, reference

MOST = 10_000
"""Pictures of each side that an interval is computed from."""
ROWS = 1024
"""Side of a block of kernel values: 8 MB. Changes no result."""


@component
class KernelDistance(Metric):
    """The unbiased squared MMD with the kernel (x.y / d + 1)^3, over `kid_subsets` random subsets of each side.

    Unbiased, so the number of pictures does not matter, and a value slightly below 0 is no mistake.

    Its interval is wide for two reasons: other pictures would give another MMD of them all, and other subsets of the
    same pictures another mean. The first is found by leaving out groups, among at most 10,000 pictures of each side
    drawn at random; where there are more, the spread is scaled down to them as that of a mean is.
    """

    results: ClassVar[tuple[str, ...]] = ("kid",)
    kid_subsets: Annotated[int, Field(gt=0)]
    kid_subset_size: Annotated[int, Field(gt=0)]
    """Pictures in one subset."""
    seed: int
    """Draws the subsets."""

    def obstacles(self, counts: Counts) -> list[str]:
        """A subset comes out of every set of pictures, and an unbiased estimate takes two of them."""
        smallest = min(counts.floor, counts.train)
        if 2 <= self.kid_subset_size <= smallest:
            return []
        way_out = f"set it between 2 and {smallest}" if smallest >= 2 else "there must be two of each kind"
        return [f"evaluate.kid_subset_size is {self.kid_subset_size} but there are {counts}; {way_out}."]

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`kid`: the subsets' mean as value, with their std; the same of the held-out pictures as floor."""
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

        real = reference(evidence.train)
        device = torch.device("cpu") if evidence.behind is None else evidence.behind.device

        def distance(seen: Seen) -> dict[str, Estimate]:
            features = comparable(seen)
            result = kid_features_to_metric(
                features,
                real,
                kid_subsets=self.kid_subsets,
                kid_subset_size=self.kid_subset_size,
                rng_seed=self.seed,
                verbose=False,
            )
            value, spread = result[KEY_METRIC_KID_MEAN], result[KEY_METRIC_KID_STD]

            def interval() -> Interval:
                replicates = self._replicates(value, features, real, device)
                if self.kid_subsets < 2 or not all(math.isfinite(each) for each in replicates):
                    return Interval(-math.inf, math.inf, replicates)
                luck_of_pictures = jackknife(value, replicates)
                luck_of_subsets = NORMAL * spread / math.sqrt(self.kid_subsets - 1)
                reach = math.hypot(luck_of_pictures.high - value, luck_of_subsets)
                return Interval(value - reach, value + reach, replicates)

            return {"kid": Estimate(value, interval, {"std": spread})}

        return beside_floor(distance, evidence, count_matters=False)

    def _replicates(
        self,
        value: float,
        features: Float32[Tensor, "n features"],
        real: Float32[Tensor, "m features"],
        device: torch.device,
    ) -> tuple[float, ...]:
        """The value without each group: as far from it as the MMD of all pictures is without the group."""
        rows = self._some(len(features), side=0)
        others = real[self._some(len(real), side=1)].to(device)
        groups = rows % groups_of(len(features))
        left = mmd_without_each_group(features[rows].to(device), groups.to(device), others)
        shrink = math.sqrt(len(rows) / len(features))
        middle = math.fsum(left) / max(1, len(left))
        return tuple(value + shrink * (each - middle) for each in left)

    def _some(self, count: int, *, side: int) -> Int64[Tensor, " some"]:
        """All of so many rows, or MOST of them at random; in order."""
        if count <= MOST:
            return torch.arange(count)
        return (
            torch.from_numpy(stream(self.seed, Purpose.KID_INTERVAL, side).choice(count, MOST, replace=False))
            .sort()
            .values
        )


def mmd_without_each_group(
    features: Float32[Tensor, "n features"], groups: Int64[Tensor, " n"], others: Float32[Tensor, "m features"]
) -> list[float]:
    """The squared MMD, less the part that only depends on `others`, without each group of `features`.

    In float64, from sums of kernel values by group. Empty where fewer than two pictures would stay.
    """
    sizes = torch.bincount(groups, minlength=int(groups.max()) + 1)
    rest = len(features) - sizes
    if len(sizes) < 2 or int(rest.min()) < 2:
        return []
    within = _sums_within(features, groups, len(sizes))
    across = _sums_across(features, groups, others, len(sizes))
    stay = within.sum() - 2 * within.sum(dim=1) + within.diagonal()
    likeness = stay / (rest * (rest - 1))
    between = (across.sum() - across) / (rest * len(others))
    replicates: list[float] = (likeness - 2 * between).tolist()
    return replicates


def _kernel(ones: Float64[Tensor, "n features"], others: Float64[Tensor, "m features"]) -> Float64[Tensor, "n m"]:
    one = ones.new_ones(())
    return torch.addmm(one, ones, others.T, alpha=1 / ones.shape[1]).pow_(3)


def _sums_within(
    features: Float32[Tensor, "n features"], groups: Int64[Tensor, " n"], count: int
) -> Float64[Tensor, "groups groups"]:
    """Of the kernel of every picture with every other, by the groups of both."""
    sums = torch.zeros(count, count, dtype=torch.float64, device=features.device)
    blocks = list(zip(torch.split(features, ROWS), torch.split(_members(groups, count), ROWS), strict=True))
    for i, (ones, of_ones) in enumerate(blocks):
        for j, (others, of_others) in enumerate(blocks[i:], start=i):
            values = _kernel(ones.double(), others.double())
            if i == j:
                values.fill_diagonal_(0)
            part = of_ones.T @ values @ of_others
            sums += part if i == j else part + part.T
    return sums


def _sums_across(
    features: Float32[Tensor, "n features"],
    groups: Int64[Tensor, " n"],
    others: Float32[Tensor, "m features"],
    count: int,
) -> Float64[Tensor, " groups"]:
    """Of the kernel of every picture with every other one, by the picture's group."""
    sums = torch.zeros(count, dtype=torch.float64, device=features.device)
    for ones, of_ones in zip(torch.split(features, ROWS), torch.split(_members(groups, count), ROWS), strict=True):
        for part in torch.split(others, ROWS):
            sums += of_ones.T @ _kernel(ones.double(), part.double()).sum(dim=1)
    return sums


def _members(groups: Int64[Tensor, " n"], count: int) -> Float64[Tensor, "n groups"]:
    return torch.nn.functional.one_hot(groups, count).double()
