"""Which pictures the card shows, and their mean."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..fitting import COLOURS, composed
from ..html.thumbnails import Picture, Rows, spread
from ..prepared import LabelArray

PER_CLASS, SPREAD = 12, 96
"""Training pictures shown: so many of each class, or so many in all where there are more than FEW_CLASSES."""
HELDOUT_PER_CLASS, HELDOUT_SPREAD = 4, 32
FEW_CLASSES = 10
SAMPLE_BYTES = 1 << 28
SAMPLE = 20_000
"""The mean picture is taken over at most so many bytes and pictures."""
PIECE_BYTES = 1 << 20
"""Of which so many at a time."""


class Pictures:
    """`images.npy`; each look at it maps it anew, since mapped pages count as this process's memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shape: tuple[int, ...] = self._map().shape

    def __getitem__(self, rows: "int | Rows") -> np.ndarray:
        return np.array(self._map()[rows])

    def _map(self) -> np.ndarray:
        mapped: np.ndarray = np.load(self._path, mmap_mode="r", allow_pickle=False)
        return mapped


def choose(labels: LabelArray, classes: int, *, first: int, each: int, total: int) -> list[tuple[int, Rows]]:
    """(class, rows of the array) to show of a part of it that begins at row `first`.

    Few classes each get a list; more, or none, get one under -1, ordered by class so that it passes through them.
    """
    if 0 < classes <= FEW_CLASSES:
        numbers = [number for number in (*range(classes), -1) if number >= 0 or (labels < 0).any()]
        return [(number, first + spread(np.flatnonzero(labels == number), each)) for number in numbers]
    return [(-1, first + spread(np.argsort(labels, kind="stable"), total))]


@dataclass(frozen=True)
class Mean:
    """Statistics over evenly spread training pictures, transparent ones over white."""

    over: int
    overall: Picture
    by_class: dict[int, Picture]
    """Of few classes; those without a picture are missing."""
    channels: Float[np.ndarray, "2 bands"]
    """Mean and standard deviation of each band over pictures and places, 0 to 255."""


def mean(pictures: Pictures, labels: LabelArray, classes: int) -> Mean:
    """In pieces, so that memory stays flat."""
    rows = spread(np.arange(len(labels)), max(1, min(SAMPLE, SAMPLE_BYTES // int(np.prod(pictures.shape[1:])))))
    bands = {1: 1, 2: 1, 3: 3, 4: 3}[pictures.shape[1]]
    numbers = range(classes) if 0 < classes <= FEW_CLASSES else range(0)
    sums = np.zeros((len(numbers) + 1, bands, *pictures.shape[2:]))
    counts = np.zeros(len(numbers) + 1, dtype=np.int64)
    squares = np.zeros(bands)
    step = max(1, PIECE_BYTES // int(np.prod(pictures.shape[1:])))
    for piece in (rows[start : start + step] for start in range(0, len(rows), step)):
        shown = pictures[piece]
        values = (composed(shown, COLOURS["white"]) if shown.shape[1] in (2, 4) else shown).astype(np.float64)
        squares += (values**2).sum(axis=(0, 2, 3))
        for place, chosen in enumerate([labels[piece] == number for number in numbers] + [labels[piece] > -2]):
            sums[place] += values[chosen].sum(axis=0)
            counts[place] += int(chosen.sum())
    means = (sums / np.maximum(counts, 1)[:, None, None, None]).round().astype(np.uint8)
    centre = sums[-1].mean(axis=(1, 2)) / len(rows)
    deviation = np.sqrt(np.maximum(squares / (len(rows) * np.prod(pictures.shape[2:])) - centre**2, 0))
    by_class = {number: means[number] for number in numbers if counts[number]}
    return Mean(len(rows), means[-1], by_class, np.stack([centre, deviation]))
