"""Sets of pictures taken apart by class."""

import torch
from jaxtyping import Int64
from torch import Tensor

from ..shapes import Labels
from . import Absent, Evidence, Seen

Rows = Int64[Tensor, " _"]
"""Numbers of pictures of a set, however many."""


def labelled(seen: Seen) -> Labels:
    """The set's classes, -1 where a picture has none; Absent where no picture has any."""
    if seen.labels is None:
        raise Absent("the data has no classes")
    if not bool((seen.labels >= 0).any()):
        raise Absent(f"{seen.name} are of no class")
    return seen.labels


def class_names(evidence: Evidence) -> tuple[str, ...]:
    """The data's classes, or their numbers where only features are known."""
    if evidence.behind is not None:
        return evidence.behind.data.classes
    sets = (evidence.generated, evidence.train, evidence.heldout)
    largest = max(int(seen.labels.max()) for seen in sets if seen.labels is not None)
    return tuple(str(number) for number in range(largest + 1))


def rows_of_classes(labels: Labels | None, classes: int) -> list[Rows]:
    """For each class the numbers of its pictures, in their order; pictures of no class are left out."""
    if labels is None:
        return [torch.empty(0, dtype=torch.int64)] * classes
    order = torch.argsort(labels, stable=True)[int((labels < 0).sum()) :]
    sizes: list[int] = torch.bincount(labels[labels >= 0], minlength=classes).tolist()
    return list(torch.split(order, sizes))
