"""What `prepare` leaves and everything after it reads: one array, labels, and who is held out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from .errors import UserError

Kind = Literal["pictures", "points"]
"""What a data set holds."""

PixelArray = UInt8[np.ndarray, "n channels height width"]
PointArray = Float32[np.ndarray, "n dimensions 1 1"]
LabelArray = Int64[np.ndarray, " n"]

STORED_AS: dict[Kind, np.dtype[Any]] = {"pictures": np.dtype(np.uint8), "points": np.dtype(np.float32)}
"""The type of images.npy by the data's kind."""


@dataclass(frozen=True)
class Split:
    """One part of the data, memory-mapped: slicing reads no more than the slice."""

    pixels: PixelArray | PointArray
    """Of points their coordinates."""
    labels: LabelArray
    """Class numbers; -1 throughout where the data has no classes."""

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class PreparedData:
    """A prepared data set. Training pictures come first in the arrays, the held-out ones after them."""

    train: Split
    heldout: Split
    classes: tuple[str, ...]
    """Their names; empty where the data has none."""
    digest: str
    """sha256 over pixels, labels and class names: two data sets with one digest are the same."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width); of points (dimensions, 1, 1)."""
        channels, height, width = self.train.pixels.shape[1:]
        return channels, height, width

    @property
    def kind(self) -> Kind:
        """Whether these are pictures or points: what the array's type says."""
        return "points" if self.train.pixels.dtype == np.float32 else "pictures"


def open_prepared(folder: Path) -> PreparedData:
    """The data set in `folder` (`images.npy`, `labels.npy`, `dataset.json`), memory-mapped.

    UserError where it is missing or its files do not belong together.
    """
    try:
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        pixels = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; prepare the data first: dvc repro prepare.") from None
    n_train, n_heldout = description["counts"]["train"], description["counts"]["heldout"]
    if not len(pixels) == len(labels) == n_train + n_heldout:
        raise UserError(
            f"{folder} holds {len(pixels)} images and {len(labels)} labels but its dataset.json says "
            f"{n_train + n_heldout}; make it anew: dvc repro -f prepare."
        )
    kind = description.get("kind", "pictures")
    if pixels.dtype != STORED_AS.get(kind):
        raise UserError(
            f"{folder} holds {pixels.dtype} numbers, which are no {kind}, as its dataset.json has it; "
            f"make it anew: dvc repro -f prepare."
        )
    return PreparedData(
        train=Split(pixels[:n_train], labels[:n_train]),
        heldout=Split(pixels[n_train:], labels[n_train:]),
        classes=tuple(description["classes"]),
        digest=description["digest"],
    )
