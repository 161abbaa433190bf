"""Inception score (Salimans et al. 2016, eq. 1): higher is better, between 1 and the number of classes."""

from typing import Annotated, ClassVar

import numpy as np
import torch
from jaxtyping import Float64
from pydantic import Field
from torch import Tensor

from ..components import component
from ..features import ClassLogits
from ..uncertainty import Estimate, Interval, groups_of, jackknife
from . import Absent, Counts, Evidence, Metric, Result, Seen, beside_floor, finite

ROWS_AT_ONCE = 4096
"""Pictures whose probabilities are in memory at the same time, in float64."""


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
        """`isc`: the splits' mean as value, with their std; the value at the floor's count and the floor."""
        classes = evidence.train.class_logits.shape[1]
        if classes == 0:
            raise Absent("the extractor knows no classes, which the inception score is about")
        from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric

        def score(seen: Seen) -> dict[str, Estimate]:
            logits = finite(seen.class_logits, what="class logits", seen=seen)
            result = isc_features_to_metric(logits, splits=self.isc_splits, shuffle=True, rng_seed=self.seed)
            value = result[KEY_METRIC_ISC_MEAN]

            def interval() -> Interval:
                replicates = scores_without_each_group(logits, self.isc_splits, self.seed)
                return jackknife(value, replicates, lowest=1.0, highest=classes)

            return {"isc": Estimate(value, interval, {"std": result[KEY_METRIC_ISC_STD]})}

        return beside_floor(score, evidence, count_matters=True)


def scores_without_each_group(logits: ClassLogits, splits: int, seed: int) -> list[float]:
    """The score of the same splits without each group's pictures; a split that loses all of them does not count.

    In float64 from sums of probabilities by split and group. Empty where there is only one picture.
    """
    count, groups = len(logits), groups_of(len(logits))
    if count < 2:
        return []
    split = torch.empty(count, dtype=torch.int64)
    # As torch-fidelity shuffles and cuts.
    order = torch.from_numpy(np.random.RandomState(seed).permutation(count))
    for i in range(splits):
        split[order[i * count // splits : (i + 1) * count // splits]] = i
    cell = split * groups + torch.arange(count) % groups
    sizes = torch.bincount(cell, minlength=splits * groups).double().view(splits, groups, 1)
    sums = _sums_by(cell, logits, splits * groups).view(splits, groups, -1)
    left, total = (sizes.sum(dim=1, keepdim=True) - sizes).squeeze(2), sums.sum(dim=1, keepdim=True) - sums
    shares = total / left.clamp_min(1).unsqueeze(2)
    probabilities, negative_entropy = shares[..., :-1], shares[..., -1]
    divergence = negative_entropy - torch.special.xlogy(probabilities, probabilities.clamp_min(0)).sum(dim=2)
    scores = torch.where(left > 0, divergence.exp(), 0)
    replicates: list[float] = (scores.sum(dim=0) / (left > 0).sum(dim=0)).tolist()
    return replicates


def _sums_by(cell: Tensor, logits: ClassLogits, cells: int) -> Float64[Tensor, "cells numbers"]:
    """In each cell the sum of p for every class and, last, of p log p over all of them."""
    sums = torch.zeros(cells, logits.shape[1] + 1, dtype=torch.float64)
    for rows, part in zip(torch.split(cell, ROWS_AT_ONCE), torch.split(logits, ROWS_AT_ONCE), strict=True):
        logs = part.double().log_softmax(dim=1)
        probabilities = logs.exp()
        entropies = (probabilities * logs).sum(dim=1, keepdim=True)
        sums.index_add_(0, rows, torch.cat([probabilities, entropies], dim=1))
    return sums
