"""Improved precision and recall (Kynkaanniemi et al. 2019, eq. 2 and 3): both higher is better, at most 1."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..components import component
from . import Counts, Evidence, Metric, Numbers, Result, Seen, beside_floor, comparable, reference

WHOLE_MATRIX = 10_000
"""Pictures in a set up to which all distances are held at once (400 MB); larger sets go through in blocks."""
BLOCK = 1_000


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
