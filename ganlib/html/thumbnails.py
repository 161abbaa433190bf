"""Pictures inside a page, each as a small file of its own."""

import base64
import io
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image

from .markup import Markup, element, shortened

SIDES = (112, 80, 56, 40, 28)
"""Longest side of a thumbnail in pixels: the first with which all fit into the page's budget."""
LOSSLESS_SIDES = (64, 32)
"""Up to this side pictures are PNG, pixel by pixel; longer ones that are opaque are JPEG, at a fifth of the bytes.
Where not all fit, the second stands in for the first before pictures are made smaller."""
BUDGET = 2_300_000
"""Characters of all thumbnails together."""
VISIBLE = 56
"""Pixels of a screen that a picture should measure at least."""

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


def spread(rows: Rows, number: int) -> Rows:
    """At most `number` of the rows, evenly spread over them."""
    if len(rows) <= number:
        return rows
    return rows[np.linspace(0, len(rows) - 1, number).round().astype(np.int64)]


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
        for side, lossless_side in product(SIDES, LOSSLESS_SIDES):
            self._thumbnails = [encode(image, side, lossless_side) for image in self._images]
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


def encode(image: Image.Image, side: int, lossless_side: int = LOSSLESS_SIDES[0]) -> Thumbnail:
    """As PNG or, where it is opaque and a side is longer than `lossless_side`, as JPEG; no side longer than `side`."""
    longest = max(image.size)
    if longest > side:
        image = image.resize(tuple(max(1, round(length * side / longest)) for length in image.size))  # type: ignore[arg-type]
    alpha = image.mode in ("LA", "RGBA")
    lossless = alpha or max(image.size) <= lossless_side
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
