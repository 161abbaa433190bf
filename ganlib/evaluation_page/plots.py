"""The tables that `dvc plots` draws."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from . import reading
from .reading import Report

SETS = ("generated", "generated_at_floor_count", "heldout")


def tables(report: Report) -> dict[str, str]:
    """By file name: classes.csv (class, fid, accuracy) and overlap.csv (set, precision, recall, and the precision again
    in a column of the set's own, by which a plot tells the sets apart). Without anything to say it is a header alone.
    """
    known = reading.by_class(report)
    classes = [
        (name, numbers.get("fid"), numbers.get("accuracy"))
        for name, numbers in known.items()
        if {"fid", "accuracy"} & set(numbers)
    ]
    return {
        "classes.csv": _csv(("class", "fid", "accuracy"), classes),
        "overlap.csv": _csv(("set", "precision", "recall", *SETS), _overlap(report)),
    }


def _overlap(report: Report) -> list[tuple[str | float | None, ...]]:
    """Of the generated pictures, of as many of them as are held out, and of those."""
    rows = {row.key: row for row in reading.rows(report)}
    if "precision" not in rows or "recall" not in rows:
        return []
    found: list[tuple[str | float | None, ...]] = []
    precision, recall = rows["precision"], rows["recall"]
    both = ((precision.generated, recall.generated), (precision.alike, recall.alike), (precision.floor, recall.floor))
    for name, (one, other) in zip(SETS, both, strict=True):
        if one is not None and other is not None:
            own = (one.value if name == each else None for each in SETS)
            found.append((name, one.value, other.value, *own))
    return found


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return buffer.getvalue()
