"""Handwritten digits that need no network: they are shipped inside scikit-learn."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from ..components import component
from . import Batch, Contents, Job, Source

SHIPPED = "datasets/data/digits.csv.gz"
"""Inside scikit-learn's folder: a line per digit, 64 values in 0..16, then the label."""

Table = Int64[np.ndarray, "count 65"]


@component
class Digits(Source):
    """1,797 digits of 8x8 pixels, classes 0 to 9 (Alpaydin & Kaynak 1998, the test part of UCI's optdigits)."""

    def open(self, scratch: Path) -> Contents:  # noqa: ARG002 - nothing has to be laid aside
        """One job: the whole set is 115 kB."""
        return Contents(count=len(read_table()), classes=tuple("0123456789"), jobs=(Whole(),))


@dataclass(frozen=True)
class Whole(Job):
    """All of them."""

    def run(self) -> Iterator[Batch]:
        """In the file's order."""
        table = read_table()
        # 0..16 to 0..255, to the nearest; in integers, so that no platform rounds otherwise.
        pixels = ((table[:, :-1] * 255 + 8) // 16).astype(np.uint8).reshape(-1, 1, 8, 8)
        names = [f"digits[{i}]" for i in range(len(table))]
        yield Batch(pixels=pixels, labels=table[:, -1].copy(), names=names, mode="L", done=("0..16 to 0..255",))


def read_table() -> Table:
    """The values and labels, from scikit-learn's own file.

    Reading it takes milliseconds; importing scikit-learn, which reads the same file, takes seconds. Where a
    version keeps it elsewhere, scikit-learn is asked.
    """
    package = find_spec("sklearn")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        if (file := Path(folder) / SHIPPED).is_file():
            return np.loadtxt(file, delimiter=",").astype(np.int64)
    from sklearn.datasets import load_digits  # noqa: PLC0415 - seconds, which the common case need not pay

    digits = load_digits()
    return np.column_stack([digits.data, digits.target]).astype(np.int64)
