"""What the page is told of each generator: plain data, wherever it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ..evaluation_page.reading import Pair, Report
from ..html.thumbnails import Picture
from ..preference import Preference

LETTERS = "ABCDEF"
"""What generators are called for short; there are no more than that on a page."""

Curves = Mapping[str, Sequence[tuple[int, float]]]
"""By name: (images seen, number), the steps rising."""
Pictures = UInt8[np.ndarray, "_ channels height width"]


@dataclass(frozen=True)
class Looks:
    """Pictures of one generator. What stands at the same place in two generators' is of the same latents and class."""

    first: Pictures | None = None
    """The first ones of the seed; of points there are none."""
    classes: Sequence[str] = ()
    """Of the first ones; empty for a generator without classes."""
    by_class: Mapping[str, Pictures] = field(default_factory=dict)
    """The first ones of each class; likewise."""
    nearest: Sequence[tuple[Pair, Picture, Picture]] = ()
    """The pairs of the report's `copies`, with the generated and the training picture."""
    drawing: UInt8[np.ndarray, "sheet_height sheet_width 3"] | None = None
    """Of points: generated ones beside the training ones."""


@dataclass(frozen=True)
class Contestant:
    """A generator that is compared."""

    name: str
    facts: Sequence[tuple[str, str]]
    """What it is, as pairs of a word and its value."""
    report: Report
    """As reports/evaluation.json; the protocol is the same in all that are compared."""
    latents: str
    """What its pictures start from: only where that is equal, equal places show equal latents."""
    curves: Curves = field(default_factory=dict)
    no_curves: str = ""
    """Why there are none, without a full stop."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained by, by dotted name."""
    no_settings: str = ""
    """Why that is not known, without a full stop."""
    looks: Looks | None = None
    """None where nothing was drawn."""
    preference: Preference | None = None
    """What people who voted blind said of it beside the first; None where nobody was asked."""
