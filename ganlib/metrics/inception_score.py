"""Inception score (Salimans et al. 2016, eq. 1): higher is better, between 1 and the number of classes."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..components import component
from . import Absent, Counts, Evidence, Metric, Numbers, Result, Seen, beside_floor, finite


@component
class InceptionScore(Metric):
    """exp(E[KL(p(y|x) || p(y))]) with p the softmax of the extractor's class logits, over `isc_splits` parts.

    Through another extractor than Inception it is that one's score: of the classifier's own classes, say.
    """

    results: ClassVar[tuple[str, ...]] = ("isc",)
    isc_splits: Annotated[int, Field(gt=0)]
    seed: int
    """Shuffles the pictures before they are split."""

    def obstacles(self, counts: Counts) -> list[str]:
        """Every split needs a picture."""
        if counts.floor >= self.isc_splits:
            return []
        return [
            f"evaluate.isc_splits is {self.isc_splits} but there are {counts}; "
            f"set it to {max(1, counts.floor)} or lower."
        ]

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`isc`: mean and std over the splits; the same at the floor's count and of the held-out pictures."""
        if evidence.train.class_logits.shape[1] == 0:
            raise Absent("the extractor knows no classes, which the inception score is about")
        from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric

        def score(seen: Seen) -> dict[str, Numbers]:
            logits = finite(seen.class_logits, what="class logits", seen=seen)
            result = isc_features_to_metric(logits, splits=self.isc_splits, shuffle=True, rng_seed=self.seed)
            return {"isc": {"mean": result[KEY_METRIC_ISC_MEAN], "std": result[KEY_METRIC_ISC_STD]}}

        return beside_floor(score, evidence, count_matters=True)
