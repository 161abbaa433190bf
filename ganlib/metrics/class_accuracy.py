"""Whether generated pictures show the class they were asked for, as the data's own classifier names them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Bool
from torch import Tensor

from ..components import component
from ..uncertainty import Estimate, Interval, groups_of, share
from . import Absent, Counts, Evidence, Metric, Result, Seen, beside_floor, finite
from ._by_class import class_names, labelled, rows_of_classes


@component
class ClassAccuracy(Metric):
    """The share of pictures that are named as asked for, whatever the extractor is: higher is better, at most 1.

    The floor, which is a ceiling here, is the classifier's accuracy on held-out pictures. A generator that gives each
    class's most typical picture alone may well score higher; class_fid and recall punish it.
    """

    results: ClassVar[tuple[str, ...]] = ("class_accuracy",)

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - see the interface
        """None: one picture is named rightly or not."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`class_accuracy` over all pictures; `worst` of the classes; `classes`, a list with the numbers of each."""
        results = beside_floor(_accuracy, evidence, count_matters=False)
        table = _table(evidence)
        lowest = min((entry for entry in table if "accuracy" in entry), key=lambda entry: float(entry["accuracy"]))
        worst = {"class": lowest["class"], "accuracy": lowest["accuracy"]}
        return {"class_accuracy": {**results["class_accuracy"], "worst": worst, "classes": table}}


def _right(seen: Seen) -> tuple[Bool[Tensor, " n"], Bool[Tensor, " n"]]:
    """(whether it has a class, whether it is named so) of each picture; Absent where that cannot be said."""
    labels = labelled(seen)
    if seen.named is None:
        raise Absent("there is no classifier of the data")
    named = finite(seen.named, what="classifier's logits", seen=seen).argmax(dim=1)
    return labels >= 0, labels == named


def _accuracy(seen: Seen) -> Mapping[str, Estimate]:
    known, right = _right(seen)
    total, found = int(known.sum()), int(right.sum())

    def interval() -> Interval:
        groups = groups_of(len(seen))
        places = torch.arange(len(seen)) % groups
        sizes, founds = (torch.bincount(places[which], minlength=groups) for which in (known, right))
        lefts, rests = (total - sizes).tolist(), (found - founds).tolist()
        replicates = [rest / left for rest, left in zip(rests, lefts, strict=True)] if all(lefts) else []
        return share(found, total, replicates)

    return {"class_accuracy": Estimate(found / total, interval, {"samples": float(total)})}


def _table(evidence: Evidence) -> list[dict[str, Any]]:
    """An entry for each class: accuracy with its interval, the floor, the pictures; or why there is none."""
    names = class_names(evidence)
    generated = _by_class(evidence.generated, len(names))
    try:
        heldout = _by_class(evidence.heldout, len(names))
    except Absent:  # which the floor says
        heldout = [(0, 0)] * len(names)
    table = []
    for name, (right, count), (floor_right, floor_count) in zip(names, generated, heldout, strict=True):
        entry: dict[str, Any] = {"class": name, "generated": count, "heldout": floor_count}
        if count:
            between = share(right, count)
            entry |= {"accuracy": right / count, "low": between.low, "high": between.high}
        else:
            entry["absent"] = "no picture of this class was generated"
        if floor_count:
            entry["floor"] = floor_right / floor_count
        table.append(entry)
    return table


def _by_class(seen: Seen, classes: int) -> list[tuple[int, int]]:
    """(named rightly, pictures) of each class."""
    _, right = _right(seen)
    return [(int(right[rows].sum()), len(rows)) for rows in rows_of_classes(seen.labels, classes)]
