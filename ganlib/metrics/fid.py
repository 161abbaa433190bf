"""Frechet inception distance (Heusel et al. 2017, eq. 6): lower is better."""

from typing import ClassVar

from ..components import component
from ..moments import Moments, frechet_distance, without_each_group
from ..uncertainty import Estimate, Interval, jackknife
from . import Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, reference


@component
class FrechetDistance(Metric):
    """||mu1 - mu2||^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) over features, with means in float32 and covariances in float64.

    It is biased: fewer pictures score higher (Binkowski et al. 2018, section 4), hence the value at the floor's count.
    The interval is that of so many pictures; what endlessly many would score is fid_infinity's question.
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
        """`fid`: value, value_at_floor_count and floor, with intervals by leaving out groups."""
        real = Moments.of(reference(evidence.train))

        def distance(seen: Seen) -> dict[str, Estimate]:
            features = comparable(seen)
            moments = Moments.of(features)
            value = frechet_distance(moments, real)

            def interval() -> Interval:
                replicates = [frechet_distance(rest, real) for rest in without_each_group(features, moments)]
                return jackknife(value, replicates, lowest=0.0)

            return {"fid": Estimate(value, interval)}

        return beside_floor(distance, evidence, count_matters=True)
