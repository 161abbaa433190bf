"""Where a person's files lie: what a directory and every kind of archive have in common, and the directory.

Names have forward slashes and no `.` or empty parts, are valid UTF-8 and unique, and stand in the order of their code
points, whatever order the disk or the archive has them in: so a directory and any archive of it are the same.
"""

import os
import stat
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from ..datasets import BOMB, NOT_AN_IMAGE, UNREADABLE
from ..errors import UserError, unreadable
from .names import escaped, readable_names, shown

LARGEST_FILE = 1 << 30
"""Bytes of one file, unpacked; a larger one is taken for a bomb."""

Rows = Int64[np.ndarray, " rows"]
"""Files of a store, by their numbers in its order."""


@dataclass(frozen=True)
class NoContent:
    """Why a file's bytes cannot be had."""

    reason: str
    """One of REASONS."""
    why: str
    """The sentence that the file's name begins."""


def too_large(size: int) -> NoContent:
    """What is said of a file of so many bytes, before it is read."""
    return NoContent(BOMB, f"holds {size} bytes, too many for a picture; remove it")


@dataclass(frozen=True)
class Part(ABC):
    """Some files of a store, to be read in whatever process it is sent to."""

    names: list[str]
    prefix: str
    """What tells a person where they lie, written before each name."""

    @abstractmethod
    def contents(self) -> Iterator[bytes | NoContent]:
        """What each file holds, in the order of `names`."""


@dataclass
class Found:
    """What lies in a store, as it is met."""

    names: list[str] = field(default_factory=list)
    """Files."""
    folders: set[str] = field(default_factory=set)
    """Without a slash at the end; those that hold something need not be here."""
    specials: dict[str, str] = field(default_factory=dict)
    """What is neither, and in what it differs: such as links in an archive."""


class Store(ABC):
    """The files in one place, listed; hidden ones and `__MACOSX` are left out."""

    title: str
    """Its name without its path."""
    prefix: str
    names: list[str]
    folders: set[str]
    specials: dict[str, str]
    notes: tuple[str, ...] = ()

    def arrange(self, found: Found) -> Rows:
        """Takes the listing, in order; returns where in `found` each of `names` is.

        Of files with one name the last is kept, which is what unpacking would leave.
        """
        names = readable_names(found.names)
        order = sorted(range(len(names)), key=names.__getitem__)  # stable: the last of equals stays behind
        kept = [i for i, after in pairwise(order) if names[i] != names[after]] + order[-1:]
        if len(kept) < len(order):
            twice = next(names[i] for i, j in pairwise(order) if names[i] == names[j])
            self.notes += (
                f"{self.title} holds {len(order) - len(kept)} members whose names come again later, such as {twice}; "
                f"the last of each name is read, as unpacking would leave it.",
            )
        self.names = [names[i] for i in kept]
        self.folders = {escaped(folder) for folder in found.folders}
        specials = {escaped(name): what for name, what in found.specials.items()}
        self.specials = {name: what for name, what in sorted(specials.items()) if not self.has(name)}
        return np.array(kept, dtype=np.int64)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self.names[(at := bisect_left(self.names, name)) : at + 1] == [name]

    def place(self, name: str) -> str:
        """How to name a file to a person."""
        return shown(self.prefix + name)

    def read(self, name: str) -> bytes:
        """The content of a file that is there. UserError where it cannot be had."""
        content = next(self.part(np.array([bisect_left(self.names, name)])).contents())
        if isinstance(content, NoContent):
            raise UserError(f"{self.place(name)} {content.why}.")
        return content

    @abstractmethod
    def part(self, rows: Rows) -> Part:
        """Those files, to be read."""

    def inside(self, path: Path) -> str | None:  # noqa: ARG002 - only a directory can say
        """The name here of a file on disk; None where it does not lie in this store."""
        return None


class Directory(Store):
    """Files on disk; links are followed."""

    def __init__(self, root: Path) -> None:
        """UserError on a folder that cannot be listed, and on a link that leads back up, which would never end."""
        self.title, self.prefix, self.root = root.name, f"{root}{os.sep}", root
        found = _below(root)
        rows = self.arrange(found).tolist()
        # Where a name on disk is not valid text, the name here is another.
        self._on_disk = {
            name: found.names[i] for name, i in zip(self.names, rows, strict=True) if name != found.names[i]
        }

    def part(self, rows: Rows) -> Part:
        """Those files."""
        names = [self.names[i] for i in rows.tolist()]
        return FilesOnDisk(names, self.prefix, [self._on_disk.get(name, name) for name in names])

    def inside(self, path: Path) -> str | None:
        """The name here of a file on disk; None where it does not lie in this directory."""
        real, root = path.resolve(), self.root.resolve()
        return real.relative_to(root).as_posix() if real.is_relative_to(root) else None


def _below(root: Path) -> Found:
    """Everything in the directory, found without asking the disk for more than the folders' own lists."""
    found = Found()
    pending: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(str(root), "", ())]
    while pending:
        folder, prefix, above = pending.pop()
        try:
            here = os.stat(folder)  # noqa: PTH116 - a Path for each folder costs more than the call
            if (identity := (here.st_dev, here.st_ino)) in above:
                raise UserError(f"{shown(folder)} is a link to a folder that it lies in; remove it.")
            with os.scandir(folder) as children:
                for child in children:
                    if child.name.startswith(".") or child.name == "__MACOSX":
                        continue
                    kind = _kind(child)
                    if kind == "folder":
                        found.folders.add(prefix + child.name)
                        pending.append((child.path, f"{prefix}{child.name}/", (*above, identity)))
                    elif kind == "file":
                        found.names.append(prefix + child.name)
                    else:
                        found.specials[prefix + child.name] = kind
        except OSError as error:
            raise unreadable(shown(folder), error) from None
    return found


def _kind(child: os.DirEntry[str]) -> str:
    """`folder`, `file`, or what else it is. What cannot be told is a file, and is refused when it is read."""
    try:
        if child.is_dir():
            return "folder"
        if child.is_file():
            return "file"
        mode = child.stat().st_mode
    except OSError:  # a link to nothing, to itself, or to where nobody may look
        return "file"
    return "a pipe or a socket" if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else "a device"


@dataclass(frozen=True)
class FilesOnDisk(Part):
    """Each in a file of its own."""

    on_disk: list[str]
    """Their names in the file system, where `names` are only what to call them."""

    def contents(self) -> Iterator[bytes | NoContent]:
        """Each file whole."""
        for name in self.on_disk:
            yield _whole(self.prefix + name)


def _whole(path: str) -> bytes | NoContent:
    try:
        # Not to wait for a writer, should a pipe have taken the file's place since it was listed.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            here = os.fstat(descriptor)
            if not stat.S_ISREG(here.st_mode):
                return NoContent(NOT_AN_IMAGE, "is no file; remove it")
            if here.st_size > LARGEST_FILE:
                return too_large(here.st_size)
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)
    except OSError as error:
        return NoContent(UNREADABLE, f"cannot be read: {error.strerror or error}; make it readable or remove it")
