"""Where pictures come from. One source per file; each yields decoded pictures, a few at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from .. import components
from ..errors import UserError
from ..prepared import LabelArray, PixelArray
from ..settings import DataSettings


@dataclass(frozen=True)
class Batch:
    """Consecutive pictures of one size and kind, decoded; few enough to be held in memory at once."""

    pixels: PixelArray
    """Upright, 1 channel (grey) or 3 (RGB), at the source's own size."""
    labels: LabelArray
    """Class numbers, or -1 throughout."""
    names: list[str]
    """Each picture's place inside the source, such as `cat/7.png`; never a path of this machine."""
    mode: str
    """How they were stored, in Pillow's words: L, RGB, P, CMYK, I;16 ..."""
    done: tuple[str, ...] = ()
    """What decoding did to them beyond reading them."""


@dataclass(frozen=True)
class Contents:
    """What an opened source holds: known before the first picture is decoded, so that mistakes show early."""

    count: int
    """Pictures that `batches` will yield in all."""
    classes: tuple[str, ...]
    """Names by class number; empty where the source has no labels."""
    batches: Iterator[Batch]
    """Lazy, in an order that depends on the source's content alone."""
    ignored: int = 0
    """Files passed over because they are no pictures."""


class Source(ABC):
    """One place that pictures come from. The fields of a leaf are those of `data` in params.yaml that it takes."""

    @abstractmethod
    def open(self) -> Contents:
        """Looks at what is there. UserError names the file or folder that is missing, broken or contradictory."""


def build_source(settings: DataSettings) -> Source:
    """The source that `data.source` names. UserError lists the known ones, or says which of its settings is wrong."""
    available = components.names("datasets")
    if settings.source not in available:
        raise UserError(f"data.source is {settings.source!r}; choose one of: {', '.join(available)}.")
    # Only what somebody set: a source that has no use for it then says so.
    options = {
        **({"path": settings.path} if settings.path is not None else {}),
        **({"download": True} if settings.download else {}),
    }
    return components.build(Source, settings.source, options, section="data")
