"""MNIST and its relatives, in the IDX format."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..components import component
from ..errors import UserError
from ..reading.idx_format import IMAGES, LABELS, find, read_labels, read_pictures, sizes_of_pictures
from ..reading.idx_known import KNOWN, Known, complete
from . import Batch, Contents, Job, Source

DOWNLOADS = Path("data/sources")
"""Where downloads go, each data set to a folder of its own, when data.path is empty."""
UPRIGHT = "rows and columns exchanged"


@component
class Idx(Source):
    """The four files of MNIST, Fashion-MNIST, KMNIST, a split of EMNIST or the like in one directory, raw or gzipped.

    The pictures of both parts enter, first the training ones, then the test ones: what is held out is decided by
    content, as for every source, and the manifest says which file each picture came from.
    """

    path: str | None = None
    """The directory; may be empty where `download` is on."""
    download: bool = False
    """Fetches the files that are not there."""
    variant: str | None = None
    """A key of KNOWN: whose files are read and fetched, and what their classes are called. None: those of MNIST's
    names, whatever they hold; class k is then the label k."""

    def open(self, scratch: Path) -> Contents:  # noqa: ARG002 - nothing has to be laid aside
        """Reads the headers and the labels."""
        known = self._known()
        folder = Path(self.path).expanduser() if self.path else DOWNLOADS / known.folder
        if self.download:
            complete(folder, known)
        if not folder.is_dir():
            raise UserError(f"data.path is {str(folder)!r}, which is no directory; name the one with the IDX files.")
        jobs = [_part(folder, part, known) for part in known.parts]
        labels = np.concatenate([read_labels(job.labels, pictures=job.images, count=job.count) for job in jobs])
        top = int(labels.max()) if labels.size else -1
        classes = known.classes if self.variant else tuple(str(label) for label in range(top + 1))
        allowed = range(known.first_label, known.first_label + len(classes))
        if len(wrong := np.setdiff1d(labels, allowed)):
            raise UserError(
                f"{folder} has pictures with the label {wrong[0]}, but {known.title}'s go from {allowed[0]} to "
                f"{allowed[-1]}; correct data.variant or fetch the files again."
            )
        notes = (f"class 0 is the label {known.first_label} of the files",) if known.first_label else ()
        return Contents(count=len(labels), classes=classes, jobs=jobs, notes=notes)

    def _known(self) -> Known:
        if self.variant is not None and self.variant not in KNOWN:
            raise UserError(f"data.variant is {self.variant!r}; choose one of: {', '.join(KNOWN)}.")
        known = KNOWN[self.variant or "mnist"]
        if not self.path and not self.download:
            raise UserError(
                f"data.path is empty; name the directory with the four IDX files, or set data.download: true to "
                f"fetch {known.title}."
            )
        return known


@dataclass(frozen=True)
class Part(Job):
    """One file of pictures and the file of their labels. One job, because a gzip stream cannot be entered midway."""

    images: Path
    labels: Path
    count: int
    first_label: int
    transposed: bool

    def run(self) -> Iterator[Batch]:
        """The pictures in the file's order, about a megabyte at a time."""
        labels = read_labels(self.labels, pictures=self.images, count=self.count).astype(np.int64) - self.first_label
        stem = self.images.name.removesuffix(".gz")
        first = 0
        for pictures in read_pictures(self.images):
            stop = first + len(pictures)
            upright = np.ascontiguousarray(pictures.transpose(0, 2, 1)) if self.transposed else pictures
            yield Batch(
                pixels=upright[:, np.newaxis],
                labels=labels[first:stop],
                names=[f"{stem}[{i}]" for i in range(first, stop)],
                mode="L",
                done=(UPRIGHT,) if self.transposed else (),
            )
            first = stop


def _part(folder: Path, name: str, known: Known) -> Part:
    images, labels = find(folder, f"{name}-{IMAGES}"), find(folder, f"{name}-{LABELS}")
    if images is None or labels is None:
        missing = IMAGES if images is None else LABELS
        emnist = any(folder.glob("emnist-*")) and not name.startswith("emnist-")
        way_out = "set data.variant to a split of EMNIST, such as emnist_letters" if emnist else "put it there"
        raise UserError(f"{folder} has no {name}-{missing}, raw or .gz; {way_out}, or set data.download: true.")
    count, _, _ = sizes_of_pictures(images)
    return Part(images, labels, count, known.first_label, known.transposed)
