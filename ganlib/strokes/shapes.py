"""What a picture is made of, before anybody decides whether it becomes SVG or pixels, and how each thing looks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from ..html.style import STYLE as SHARED

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """From point to point."""

    points: Points
    role: str


@dataclass(frozen=True)
class Area:
    """What the points enclose."""

    points: Points
    role: str


@dataclass(frozen=True)
class Dots:
    """One at each point, as wide as its role's lines."""

    points: Points
    role: str


@dataclass(frozen=True)
class Rings:
    """One around each point."""

    points: Points
    role: str
    radius: float


@dataclass(frozen=True)
class Words:
    """Letters; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    role: str
    anchor: str = "start"


@dataclass(frozen=True)
class Tint:
    """A square coloured the more, the more D takes each place for real: 0 to 255, the first row at the top."""

    x: float
    y: float
    side: float
    field: UInt8[np.ndarray, "rows columns"]


Stroke = Line | Area | Dots | Rings | Words | Tint


@dataclass(frozen=True)
class Look:
    """Of a role: the name of its colour in the pages' style, and how it is drawn."""

    colour: str
    width: float = 1.0
    dashes: tuple[float, float] | None = None
    size: float = 11.0
    """Of letters."""
    bold: bool = False


LOOKS = {
    "data-area": Look("data-fill"),
    "data": Look("train", width=1.5, bold=True),
    "mode": Look("train", width=1.5),
    "generated": Look("generated", width=2, bold=True),
    "point": Look("generated", width=3.2),
    "judge": Look("judge", width=2, bold=True),
    "best": Look("judge", width=1.25, dashes=(4, 3)),
    "heldout": Look("heldout", width=1.5, bold=True),
    "arrow": Look("generated", width=0.75),
    "floor": Look("soft", width=1.0),
    "level": Look("line", width=1.0),
    "half": Look("soft", width=1.0, dashes=(2, 4)),
    "other": Look("soft", width=1.5, dashes=(4, 3)),
    "tick": Look("soft", size=10.0),
    "title": Look("ink", size=13.0, bold=True),
    "heading": Look("ink", size=11.5),
    "said": Look("soft", size=11.5),
}
"""The same thing has the same look wherever it is drawn: data blue, what G makes violet, what D says green."""

OWN = {"data-fill": ("#cfdff1", "#24405f"), "judge": ("#0f766e", "#4fd1c0")}
"""Colours that no other page has, by day and by night."""

STRONGEST = 0.62
"""Opacity of the tint where D is sure of a place."""


def by_day(colour: str) -> str:
    """As pixels have it, `#rrggbb`; the pages' own style sheet says which."""
    if colour in OWN:
        return OWN[colour][0]
    found = re.search(rf"--{colour}: (#[0-9a-f]{{6}});", SHARED)
    assert found, colour
    return found[1]
