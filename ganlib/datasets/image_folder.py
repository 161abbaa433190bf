"""A person's own pictures: a directory, a .zip or a .tar, with a folder per class, a file with labels, or none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, overload

import numpy as np

from ..components import component
from ..decoding import extensions, picture
from ..errors import UserError, unreadable
from ..prepared import LabelArray
from ..reading.archives import compression_of, unpack
from ..reading.labels import labelled
from ..reading.names import shown
from ..reading.stores import Directory, NoContent, Part, Rows, Store
from ..reading.tar import BLOCK, Tar, is_header
from ..reading.zip import Zip
from . import NOT_AN_IMAGE, Batch, Contents, Job, Refused, Source

PICTURES_PER_JOB = 128


@component
class ImageFolder(Source):
    """Labels come from `labels`: a .json in the StyleGAN convention, a .csv or .parquet table with a column of files'
    names and one of classes, `folders`, or `none`; by default from a `dataset.json`, and otherwise from folders.

    Folders are classes, numbered in the order of their names; pictures deeper down belong to the outer folder.
    Pictures without folders are unlabelled. A folder that stands alone is stepped into, however deep: archives
    wrap what they hold, and one class would say nothing. Hidden files and `__MACOSX` are not looked at. A directory
    and any archive of it give the same data.
    """

    decodes: ClassVar[bool] = True

    path: str
    labels: str | None = None
    image_column: str | None = None
    label_column: str | None = None

    def open(self, scratch: Path) -> Contents:
        """Lists the pictures, which the names of files tell from others; a compressed .tar is unpacked before."""
        store = open_store(Path(self.path).expanduser(), scratch)
        rows = np.fromiter((i for i, name in enumerate(store.names) if _is_picture(name)), dtype=np.int64)
        if not len(rows):
            among = f" among its {len(store.names)} files" if store.names else ""
            raise UserError(
                f"data.path is {self.path!r}, which holds no picture (.png, .jpg, ...){among}; put some there."
            )
        told = labelled(
            store,
            [store.names[i] for i in rows.tolist()],
            self.labels,
            image_column=self.image_column,
            label_column=self.label_column,
        )
        return Contents(
            count=len(rows),
            classes=told.classes,
            jobs=Jobs(store, rows, told.numbers),
            others=_others(store, told.file),
            notes=store.notes + told.notes,
        )


def open_store(path: Path, scratch: Path) -> Store:
    """Whatever lies there, known by its content. UserError where it is nothing that files can be read from."""
    if path.is_dir():
        return Directory(path)
    if not path.exists():
        raise UserError(
            f"data.path is {str(path)!r}, which does not exist; name a directory, .zip or .tar of pictures."
        )
    if not path.is_file():
        raise UserError(f"data.path is {str(path)!r}, which is no file; name a directory, .zip or .tar of pictures.")
    start = _start(path)
    if compression := compression_of(start):
        plain = unpack(path, compression, scratch)
        if _is_tar(_start(plain)):
            return Tar(path, plain)
    elif _is_tar(start):
        return Tar(path, path)
    elif start.startswith(b"PK") or path.suffix.lower() == ".zip":
        return Zip(path)
    raise UserError(
        f"data.path is {str(path)!r}, which is neither a directory nor a whole .zip, .tar, .tar.gz, .tar.bz2 or "
        f".tar.xz; copy it anew if it was one, or unpack it and name the folder."
    )


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BLOCK)
    except OSError as error:
        raise unreadable(path, error) from None


def _is_tar(start: bytes) -> bool:
    return is_header(start) or start == bytes(BLOCK)


def _is_picture(name: str) -> bool:
    return name[name.rfind(".") :].lower() in extensions()


def _others(store: Store, labels_file: str) -> tuple[Refused, ...]:
    """A row for each file that is no picture by its name, and for what only looks like one."""
    texts = [
        Refused(name, NOT_AN_IMAGE, f"{store.place(name)} is no picture by its name; it is left out.")
        for name in store.names
        if name != labels_file and not _is_picture(name)
    ]
    links = [
        Refused(name, NOT_AN_IMAGE, f"{store.place(name)} is {what}; put the picture itself there.")
        for name, what in store.specials.items()
        if _is_picture(name)
    ]
    return (*texts, *links)


@dataclass(frozen=True, eq=False)
class Jobs(Sequence[Job]):
    """All pictures of a store in parts, each made when it is asked for: a million are kept as a few arrays."""

    store: Store
    rows: Rows
    labels: LabelArray

    def __len__(self) -> int:
        return len(range(0, len(self.rows), PICTURES_PER_JOB))

    @overload
    def __getitem__(self, at: int) -> Job: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Job]: ...
    def __getitem__(self, at: int | slice) -> Job | Sequence[Job]:
        """IndexError where there is no such part, which also ends a loop."""
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        first = range(0, len(self.rows), PICTURES_PER_JOB)[at]
        here = slice(first, first + PICTURES_PER_JOB)
        return FilesJob(self.store.part(self.rows[here]), self.labels[here].tolist())


@dataclass(frozen=True)
class FilesJob(Job):
    """Some picture files, to be read and decoded."""

    part: Part
    labels: list[int]

    def run(self) -> Iterator[Batch | Refused]:
        """A batch or a refusal for each file."""
        part = self.part
        for name, label, content in zip(part.names, self.labels, part.contents(), strict=True):
            place = shown(part.prefix + name)
            if isinstance(content, NoContent):
                yield Refused(name, content.reason, f"{place} {content.why}.", label)
            else:
                yield picture(content, name, place=place, label=label)
