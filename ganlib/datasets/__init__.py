"""Where pictures come from. One source per file; each says what it holds, and hands it out in jobs."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, UInt8

from .. import components
from ..errors import UserError
from ..prepared import Kind, LabelArray
from ..settings import DataSettings

SourcePixels = UInt8[np.ndarray, "n channels height width"] | Float32[np.ndarray, "n dimensions 1 1"]

UNREADABLE = "unreadable"
TRUNCATED = "truncated"
BROKEN = "broken"
NOT_AN_IMAGE = "not an image"
TOO_SMALL = "too small"
BOMB = "decompression bomb"
OTHER_SIZE = "other size"
EXACT_DUPLICATE = "exact duplicate"
NEAR_DUPLICATE = "near duplicate"
REASONS = (
    UNREADABLE, TRUNCATED, BROKEN, NOT_AN_IMAGE, TOO_SMALL, BOMB, OTHER_SIZE, EXACT_DUPLICATE, NEAR_DUPLICATE,
)  # fmt: skip
"""Why a file is not among the prepared pictures: the manifest's column `reason` holds one of these, or nothing."""


@dataclass(frozen=True)
class Batch:
    """Consecutive pictures of one size and kind, decoded; few enough to be held in memory at once."""

    pixels: SourcePixels
    """Upright, at the source's own size: 1 channel grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (straight, and not
    opaque throughout). Points are float32, n x dimensions x 1 x 1."""
    labels: LabelArray
    """Class numbers, or -1 where there is none."""
    names: list[str]
    """Each picture's place inside the source, such as `cat/7.png`; never a path of this machine."""
    mode: str
    """How they were stored, in Pillow's words: L, RGB, P, CMYK, I;16 ..."""
    done: tuple[str, ...] = ()
    """What decoding did to them beyond reading them."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One input file that gives no picture."""

    name: str
    """Its place inside the source."""
    reason: str
    """One of REASONS."""
    sentence: str
    """For a person: which file, what is wrong, and the way out."""
    label: int = -1


class Job(ABC):
    """A part of a source that one process decodes: some dozens of pictures. Pickled on its way to a worker process,
    so it holds names and places, not open files; content alone decides what it yields."""

    @abstractmethod
    def run(self) -> Iterator[Batch | Refused]:
        """Every input file of the part in order: in a batch, or refused. UserError for what is wrong with the
        source as a whole."""


@dataclass(frozen=True)
class Contents:
    """What an opened source holds: known before the first picture is decoded, so that mistakes show early."""

    count: int
    """Input files that `jobs` will yield in all, refused ones included."""
    classes: tuple[str, ...]
    """Names by class number; empty where the source has no labels."""
    jobs: Sequence[Job]
    """In an order that depends on the source's content alone."""
    others: tuple[Refused, ...] = ()
    """Input files known beforehand to be no pictures, such as texts among them; never an error."""
    drawn: bool = False
    """Whether we made it, so that nobody can mend a class that is rare in it."""
    notes: tuple[str, ...] = ()
    """What else a person should know of how the source was read; shown in the summary and on the data card."""


class Source(ABC):
    """One place that pictures come from. The fields of a leaf are those of `data` in params.yaml that it takes."""

    kind: ClassVar[Kind] = "pictures"
    """What it hands out."""

    decodes: ClassVar[bool] = False
    """Whether its jobs decode compressed pictures, so that worker processes pay."""

    @abstractmethod
    def open(self, scratch: Path) -> Contents:
        """Looks at what is there; `scratch` is an empty folder of its own until the jobs have run.

        UserError names the file or folder that is missing, broken or contradictory.
        """


OPTIONAL = ("path", "download", "variant", "labels", "image_column", "label_column", "layout", "count")
"""Settings that only some sources take."""


def build_source(settings: DataSettings) -> Source:
    """The source that `data.source` names. UserError lists the known ones, or says which of its settings is wrong."""
    available = components.names("datasets")
    if settings.source not in available:
        raise UserError(f"data.source is {settings.source!r}; choose one of: {', '.join(available)}.")
    # Only what somebody set: a source that has no use for it then says so.
    unset = {field.name: field.default for field in fields(DataSettings)}
    options = {name: value for name in OPTIONAL if (value := getattr(settings, name)) != unset[name]}
    if "seed" in components.fields_of(Source, settings.source):
        options["seed"] = settings.seed
    return components.build(Source, settings.source, options, section="data")
