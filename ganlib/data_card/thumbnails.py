"""Which pictures the card shows, and each as a small file inside the page."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt8
from PIL import Image

from ..fitting import COLOURS, composed
from ..prepared import LabelArray
from .markup import Markup, element, shortened

PER_CLASS, SPREAD = 12, 96
"""Training pictures shown: so many of each class, or so many in all where there are more than FEW_CLASSES."""
HELDOUT_PER_CLASS, HELDOUT_SPREAD = 4, 32
FEW_CLASSES = 10
SIDES = (112, 80, 56, 40)
"""Longest side of a thumbnail in pixels: the first with which all fit into the page's budget."""
LOSSLESS_SIDE = 64
"""Up to this side pictures are PNG, pixel by pixel; longer ones that are opaque are JPEG, at a fifth of the bytes."""
BUDGET = 2_300_000
"""Characters of all thumbnails together."""
VISIBLE = 56
"""Pixels of a screen that a picture should measure at least."""
SAMPLE_BYTES = 1 << 28
SAMPLE = 20_000
"""The mean picture is taken over at most so many bytes and pictures."""
PIECE_BYTES = 1 << 20
"""Of which so many at a time."""

Picture = UInt8[np.ndarray, "channels height width"]
Rows = Int64[np.ndarray, " _"]


@dataclass(frozen=True)
class Thumbnail:
    """A picture as the page holds it."""

    address: str
    """data:image/...;base64,..."""
    width: int
    height: int
    """In pixels of the screen."""
    enlarged: bool
    """Whether each pixel is drawn as a square of several."""
    alpha: bool


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


def spread(rows: Rows, number: int) -> Rows:
    """At most `number` of the rows, evenly spread over them."""
    if len(rows) <= number:
        return rows
    return rows[np.linspace(0, len(rows) - 1, number).round().astype(np.int64)]


def choose(labels: LabelArray, classes: int, *, first: int, each: int, total: int) -> list[tuple[int, Rows]]:
    """(class, rows of the array) to show of a part of it that begins at row `first`.

    Few classes each get a list; more, or none, get one under -1, ordered by class so that it passes through them.
    """
    if 0 < classes <= FEW_CLASSES:
        numbers = [number for number in (*range(classes), -1) if number >= 0 or (labels < 0).any()]
        return [(number, first + spread(np.flatnonzero(labels == number), each)) for number in numbers]
    return [(-1, first + spread(np.argsort(labels, kind="stable"), total))]


class Album:
    """The pictures of the page: all are added, then developed together to fit into the page's budget."""

    def __init__(self) -> None:
        self._images: list[Image.Image] = []
        self._thumbnails: list[Thumbnail] = []

    def add(self, picture: Picture) -> int:
        """Its number in the album."""
        self._images.append(small(picture, SIDES[0]))
        return len(self._images) - 1

    def develop(self) -> None:
        """At the largest side at which all together fit."""
        for side in SIDES:
            self._thumbnails = [encode(image, side) for image in self._images]
            if sum(len(one.address) for one in self._thumbnails) <= BUDGET:
                break

    def image(self, number: int, alt: str) -> Markup:
        """The element; alt is also what a pointer is told."""
        shown = self._thumbnails[number]
        names = [name for name, holds in (("pixels", shown.enlarged), ("alpha", shown.alpha)) if holds]
        return element(
            "img",
            src=shown.address,
            width=shown.width,
            height=shown.height,
            alt=shortened(alt),
            title=shortened(alt) or None,
            class_=" ".join(names) or None,
        )


def small(picture: Picture, side: int) -> Image.Image:
    """With no side longer than `side`."""
    bands = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[len(picture)]
    grid = picture[0] if len(picture) == 1 else np.ascontiguousarray(picture.transpose(1, 2, 0))
    image = Image.fromarray(grid)
    assert image.mode == bands
    longest = max(image.size)
    if longest <= side:
        return image
    width, height = (max(1, round(length * side / longest)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def encode(image: Image.Image, side: int) -> Thumbnail:
    """As PNG or JPEG, with no side longer than `side`."""
    longest = max(image.size)
    if longest > side:
        image = image.resize(tuple(max(1, round(length * side / longest)) for length in image.size))  # type: ignore[arg-type]
    alpha = image.mode in ("LA", "RGBA")
    lossless = alpha or max(image.size) <= LOSSLESS_SIDE
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, format="PNG", optimize=True)
    else:
        image.save(buffer, format="JPEG", quality=85)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    factor = max(1, round(VISIBLE / max(image.size)))
    return Thumbnail(
        address=f"data:image/{'png' if lossless else 'jpeg'};base64,{text}",
        width=image.width * factor,
        height=image.height * factor,
        enlarged=factor > 1,
        alpha=alpha,
    )


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
