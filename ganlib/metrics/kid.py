"""Kernel inception distance (Binkowski et al. 2018, section 4): lower is better, about 0 at best."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..components import component
from . import Counts, Evidence, Metric, Numbers, Result, Seen, beside_floor, comparable, reference


@component
class KernelDistance(Metric):
    """The unbiased squared MMD with the kernel (x.y / d + 1)^3, over `kid_subsets` random subsets of each side.

    Unbiased, so the number of pictures does not matter, and a value slightly below 0 is no mistake.
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
        """`kid`: mean and std over the subsets; the same of the held-out pictures."""
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

        real = reference(evidence.train)

        def distance(seen: Seen) -> dict[str, Numbers]:
            result = kid_features_to_metric(
                comparable(seen),
                real,
                kid_subsets=self.kid_subsets,
                kid_subset_size=self.kid_subset_size,
                rng_seed=self.seed,
                verbose=False,
            )
            return {"kid": {"mean": result[KEY_METRIC_KID_MEAN], "std": result[KEY_METRIC_KID_STD]}}

        return beside_floor(distance, evidence, count_matters=False)
