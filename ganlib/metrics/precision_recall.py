"""Improved precision and recall (Kynkaanniemi et al. 2019, eq. 2 and 3): both higher is better, at most 1."""

from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Float32
from pydantic import Field
from torch import Tensor

from ..components import component
from . import Counts, Evidence, Metric, Numbers, Result, Seen, beside_floor, comparable, reference

WHOLE_MATRIX = 10_000
"""Pictures in a set up to which all distances are held at once (400 MB); larger sets go through in blocks."""
BLOCK = 1_000
FEW_FEATURES = 8
"""Up to so many a tree finds neighbours in a fraction of the time that all distances take, and in float64: float32 has
too few digits for the distances inside a narrow mode."""


@component
class PrecisionRecall(Metric):
    """Balls around each picture reach to its `neighbours`-th nearest of the same set.

    Precision: the share of pictures inside a training picture's ball. Recall: the share of training pictures inside
    one of the pictures' balls. The balls shrink as pictures grow many, hence the values at the floor's count.
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
        """`precision` and `recall`: value, value_at_floor_count, floor."""
        from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

        real = reference(evidence.train)

        def overlap(seen: Seen) -> dict[str, Numbers]:
            if real.shape[1] <= FEW_FEATURES:
                return by_tree(comparable(seen), real, self.neighbours)
            in_blocks = max(len(seen), len(real)) > WHOLE_MATRIX
            result = prc_features_to_metric(
                comparable(seen),
                real,
                prc_neighborhood=self.neighbours,
                prc_batch_size=BLOCK if in_blocks else WHOLE_MATRIX,
                save_cpu_ram=in_blocks,
                verbose=False,
            )
            return {
                "precision": {"value": result[KEY_METRIC_PRECISION]},
                "recall": {"value": result[KEY_METRIC_RECALL]},
            }

        return beside_floor(overlap, evidence, count_matters=True)


def by_tree(
    generated: Float32[Tensor, "n features"], real: Float32[Tensor, "m features"], neighbours: int
) -> dict[str, Numbers]:
    """What torch-fidelity finds by way of all distances."""
    from sklearn.neighbors import KDTree

    def covered(balls: Float32[Tensor, "m features"], points: Float32[Tensor, "n features"]) -> float:
        """The share of `points` inside a ball around one of the others."""
        centres, inner = (features.cpu().double().numpy() for features in (balls, points))
        # The nearest of all is the centre itself.
        radii = KDTree(centres).query(centres, k=neighbours + 1)[0][:, -1]
        inside = np.zeros(len(inner), dtype=bool)
        inside[np.concatenate(KDTree(inner).query_radius(centres, r=radii))] = True
        return float(inside.mean())

    return {"precision": {"value": covered(real, generated)}, "recall": {"value": covered(generated, real)}}
