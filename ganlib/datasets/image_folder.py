"""A person's own pictures: a directory or a .zip, with a folder per class or none."""

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ..components import component
from ..decoding import decode, extensions
from ..errors import UserError
from . import Batch, Contents, Source

LARGEST_FILE = 1 << 30
"""Bytes of one member of an archive, unpacked; a larger one is taken for a bomb."""


@component
class ImageFolder(Source):
    """Folders are classes, numbered in the order of their names; pictures deeper down belong to the outer folder.

    Pictures without folders are unlabelled. A folder that stands alone is stepped into, however deep: archives
    wrap what they hold, and one class would say nothing. Hidden files and `__MACOSX` are not looked at; files
    whose names do not end like a picture's are counted as ignored. A directory and its zip give the same data.
    """

    path: str

    def open(self) -> Contents:
        """Lists the pictures; each is decoded when its turn comes."""
        store = open_store(Path(self.path).expanduser())
        entries = [entry for entry in store.entries() if not _hidden(entry)]
        base = _base(entries)
        files = sorted(entry for entry in entries if entry.startswith(base) and not entry.endswith("/"))
        pictures = [file for file in files if _is_picture(file)]
        if not pictures:
            raise UserError(f"data.path is {self.path!r}, which holds no picture (.png, .jpg, ...); put some there.")
        labels = _labels(store, base, entries, pictures)
        classes = tuple(sorted(set(labels) - {""}))
        numbers = {name: number for number, name in enumerate(classes)} | {"": -1}
        return Contents(
            count=len(pictures),
            classes=classes,
            batches=_batches(store, pictures, [numbers[label] for label in labels]),
            ignored=len(files) - len(pictures),
        )


class Store(ABC):
    """Where the files lie. Names have forward slashes; those of folders end in one."""

    @abstractmethod
    def entries(self) -> Iterable[str]:
        """Every file and folder inside."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """A file's content. UserError where it cannot be had."""

    @abstractmethod
    def place(self, name: str) -> str:
        """How to name it to a person."""


def open_store(path: Path) -> Store:
    """UserError where there is neither a directory nor a zip that can be opened."""
    if path.is_dir():
        return Directory(path)
    if not path.exists():
        raise UserError(f"data.path is {str(path)!r}, which does not exist; name a directory or a .zip of pictures.")
    try:
        return Zip(path, zipfile.ZipFile(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UserError(
            f"data.path is {str(path)!r}, which is neither a directory nor a whole .zip ({str(error).rstrip('.')})."
        ) from None


@dataclass(frozen=True)
class Directory(Store):
    """Files on disk; links to folders are followed."""

    root: Path

    def entries(self) -> Iterable[str]:
        """Depth first. UserError on a link that leads back up, which would never end."""
        return self._below(self.root, "", frozenset())

    def _below(self, folder: Path, prefix: str, above: frozenset[Path]) -> Iterator[str]:
        real = folder.resolve()
        if real in above:
            raise UserError(f"{folder} is a link to a folder that it lies in; remove it.")
        try:
            children = list(folder.iterdir())
        except OSError as error:
            raise UserError(f"{folder} cannot be read: {error.strerror or error}.") from None
        for child in children:
            name = prefix + child.name
            if not child.is_dir():
                yield name
            elif not _hidden(name):
                yield f"{name}/"
                yield from self._below(child, f"{name}/", above | {real})

    def read(self, name: str) -> bytes:
        """The whole file."""
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise UserError(f"{self.place(name)} cannot be read: {error.strerror or error}.") from None

    def place(self, name: str) -> str:
        """Its path."""
        return str(self.root / name)


@dataclass(frozen=True)
class Zip(Store):
    """Members are unpacked in memory; their names are names here and never paths."""

    path: Path
    archive: zipfile.ZipFile

    def entries(self) -> Iterable[str]:
        """In the archive's order. UserError on one that points outside, which no honest archive has."""
        for name in self.archive.namelist():
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise UserError(f"{self.place(name)} points outside the archive; make it anew without that.")
            yield name

    def read(self, name: str) -> bytes:
        """The member, unpacked and its checksum compared."""
        info = self.archive.getinfo(name)
        if info.flag_bits & 0x1:
            raise UserError(f"{self.place(name)} is encrypted; make the archive anew without a password.")
        if info.file_size > LARGEST_FILE:
            raise UserError(f"{self.place(name)} unpacks to {info.file_size} bytes, too many for a picture; remove it.")
        try:
            return self.archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise UserError(f"{self.place(name)} cannot be unpacked ({reason}); make the archive anew.") from None

    def place(self, name: str) -> str:
        """Its name, led by the archive's."""
        return f"{self.path}: {name}"


def _batches(store: Store, pictures: list[str], labels: list[int]) -> Iterator[Batch]:
    for name, label in zip(pictures, labels, strict=True):
        decoded = decode(store.read(name), store.place(name))
        yield Batch(
            pixels=decoded.pixels[np.newaxis],
            labels=np.array([label], dtype=np.int64),
            names=[name],
            mode=decoded.mode,
            done=decoded.done,
        )


def _hidden(entry: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in entry.split("/"))


def _is_picture(file: str) -> bool:
    return PurePosixPath(file).suffix.lower() in extensions()


def _base(entries: list[str]) -> str:
    """The folder that everything lies in: "", or the like of `photos/`."""
    base = ""
    while True:
        inside = [entry[len(base) :] for entry in entries if entry.startswith(base)]
        folders = {entry.split("/", 1)[0] for entry in inside if "/" in entry}
        if len(folders) != 1 or any("/" not in entry and _is_picture(entry) for entry in inside):
            return base
        base += f"{folders.pop()}/"


def _labels(store: Store, base: str, entries: list[str], pictures: list[str]) -> list[str]:
    """The class of each picture by name; "" throughout where there are no folders."""
    labels = [name[len(base) :].split("/", 1)[0] if "/" in name[len(base) :] else "" for name in pictures]
    folders = {entry[len(base) :].split("/", 1)[0] for entry in entries if "/" in entry[len(base) :]}
    if "" in labels and folders:
        loose = pictures[labels.index("")]
        raise UserError(
            f"{store.place(loose)} lies beside the folder {min(folders)!r}; put every picture into a class's folder, "
            f"or all into one folder without classes."
        )
    if empty := folders - set(labels):
        raise UserError(
            f"{store.place(base + min(empty))} is a class's folder without pictures; put some there or remove it."
        )
    return labels
