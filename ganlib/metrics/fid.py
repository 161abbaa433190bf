"""Frechet inception distance (Heusel et al. 2017, eq. 6): lower is better."""

from typing import Any, ClassVar

import numpy as np

from ..components import component
from ..features import Features
from . import Counts, Evidence, Metric, Numbers, Result, Seen, beside_floor, comparable, reference


@component
class FrechetDistance(Metric):
    """||mu1 - mu2||^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) over features, with means in float32 and covariances in float64.

    It is biased: fewer pictures score higher (Binkowski et al. 2018, section 4), hence the value at the floor's count.
    """

    results: ClassVar[tuple[str, ...]] = ("fid",)

    def obstacles(self, counts: Counts) -> list[str]:
        """A covariance takes two pictures."""
        few = {"sample.n": counts.generated, "data.heldout_share": counts.heldout}
        return [
            f"fid needs two pictures of each kind and {name} gives {count}; raise {name}."
            for name, count in few.items()
            if count < 2
        ]

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`fid`: value, value_at_floor_count, floor."""
        from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

        def statistics(features: Features) -> dict[str, Any]:
            moments = fid_features_to_statistics(features)
            # numpy gives the covariance of a single feature as a bare number.
            return {**moments, "sigma": np.atleast_2d(moments["sigma"])}

        real = statistics(reference(evidence.train))

        def distance(seen: Seen) -> dict[str, Numbers]:
            numbers = fid_statistics_to_metric(statistics(comparable(seen)), real, False)
            return {"fid": {"value": numbers[KEY_METRIC_FID]}}

        return beside_floor(distance, evidence, count_matters=True)
