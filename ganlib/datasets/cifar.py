"""CIFAR-10 and CIFAR-100, from the binary distribution: plain bytes, where the one for Python is pickles."""

import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ..components import component
from ..downloads import fetch, other_md5
from ..errors import UserError
from ..reading.cifar_known import KINDS, PIXELS, SIDE, SITE, Kind
from ..reading.idx_format import reading
from . import Batch, Contents, Job, Source

DOWNLOADED = Path("data/sources/cifar")
"""Where a download goes when data.path is empty."""
JOB_PICTURES = 340
"""About a megabyte."""
LARGEST_MEMBER = 1 << 28
"""Bytes of a file in the archive, unpacked: neither data set has one as large."""
PICKLED = re.compile(r"data_batch_\d|test_batch|batches\.meta|train|test|meta|cifar-100?-python\.tar\.gz")
"""Names of files of the distribution for Python."""


@dataclass(frozen=True)
class Files:
    """Where the files of one data set lie."""

    folder: Path
    shown: str
    """What stands before their names when a person is told of them."""


@component
class Cifar(Source):
    """60,000 pictures of 32x32 pixels in 10 or 100 classes (Krizhevsky 2009): the training files, then the test's."""

    path: str | None = None
    """The directory with the .bin files or with the archive, or the .tar.gz itself; may be empty for a `download`."""
    download: bool = False
    """Fetches the archive (about 165 MB) unless the data set is there."""
    variant: str | None = None
    """A key of KINDS; none: what is there, of CIFAR-100 the 100 classes; for a download CIFAR-10."""

    def open(self, scratch: Path) -> Contents:
        """Looks for all files, at their lengths and the classes. An archive is unpacked into `scratch`: a gzip
        stream cannot be entered midway, and the archive's order is not ours."""
        variant, files = self._find(scratch)
        kind, label_byte = KINDS[variant], 1 if variant == "cifar100" else 0
        jobs = []
        for name, count in kind.pictures.items():
            _check_length(files, name, count * kind.record, kind)
            jobs += [
                Records(files, name, first, min(JOB_PICTURES, count - first), kind.classes, label_byte)
                for first in range(0, count, JOB_PICTURES)
            ]
        classes = _class_names(files, kind.class_files[label_byte], kind.classes[label_byte])
        notes = () if classes else (f"{kind.class_files[label_byte]} is missing: the classes are named by number",)
        numbers = tuple(str(number) for number in range(kind.classes[label_byte]))
        return Contents(count=sum(kind.pictures.values()), classes=classes or numbers, jobs=jobs, notes=notes)

    def _find(self, scratch: Path) -> tuple[str, Files]:
        """Which variant it is, and where."""
        if self.variant is not None and self.variant not in KINDS:
            raise UserError(f"data.variant is {self.variant!r}; choose one of: {', '.join(KINDS)}.")
        if not self.path and not self.download:
            raise UserError(
                "data.path is empty; name the directory or archive of CIFAR's binary version, or set data.download: "
                "true to fetch it."
            )
        path = Path(self.path).expanduser() if self.path else DOWNLOADED
        variants = [self.variant] if self.variant else ["cifar10", "cifar100"]
        if path.is_file():
            found = _unpacked(path, variants, scratch)
        else:
            found = _in_folder(path, variants, scratch)
            if not found and self.download:
                kind = KINDS[variants[0]]
                complaint = partial(other_md5, expected=kind.md5)
                fetch(path / kind.archive, [SITE + kind.archive], largest=LARGEST_MEMBER, complaint=complaint)
                found = _unpacked(path / kind.archive, variants[:1], scratch)
        if not found:
            raise UserError(_nothing_in(path, [KINDS[variant] for variant in variants]))
        if len(found) > 1:
            raise UserError(f"{path} has CIFAR-10 and CIFAR-100; set data.variant to one of: {', '.join(KINDS)}.")
        return found.popitem()


@dataclass(frozen=True)
class Records(Job):
    """Consecutive pictures of one file."""

    files: Files
    name: str
    first: int
    count: int
    classes: tuple[int, ...]
    label_byte: int

    def run(self) -> Iterator[Batch]:
        """All of them at once."""
        record = len(self.classes) + PIXELS
        with (self.files.folder / self.name).open("rb") as file:
            file.seek(self.first * record)
            content = file.read(self.count * record)
        rows = np.frombuffer(content, np.uint8).reshape(self.count, record)
        labels = rows[:, : len(self.classes)]
        for row, column in np.argwhere(labels >= np.array(self.classes))[:1]:
            raise UserError(
                f"{self.files.shown}{self.name} has the label {labels[row, column]} at picture {self.first + row}, "
                f"where {self.classes[column] - 1} is the highest; it is broken: fetch it again."
            )
        yield Batch(
            pixels=rows[:, len(self.classes) :].reshape(self.count, 3, SIDE, SIDE),
            labels=labels[:, self.label_byte].astype(np.int64),
            names=[f"{self.name}[{i}]" for i in range(self.first, self.first + self.count)],
            mode="RGB",
        )


def _in_folder(path: Path, variants: Sequence[str], scratch: Path) -> dict[str, Files]:
    """The variants in a directory: their files, or these in a folder as the archive unpacks to, or the archive."""
    found = {}
    for variant in variants:
        kind = KINDS[variant]
        for folder in (path, path / kind.folder):
            if variant not in found and any((folder / name).is_file() for name in kind.pictures):
                found[variant] = Files(folder, f"{folder}/")
        if variant not in found and (path / kind.archive).is_file():
            found |= _unpacked(path / kind.archive, [variant], scratch)
    return found


def _unpacked(archive: Path, variants: Sequence[str], scratch: Path) -> dict[str, Files]:
    """The variants in an archive, taken out by names of our own; what paths it has for them plays no part."""
    kinds = [KINDS[variant] for variant in variants]
    wanted = {name for kind in kinds for name in (*kind.pictures, *kind.class_files)}
    folder = scratch / archive.name
    folder.mkdir()
    with reading(archive) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as opened:
                for member in opened:
                    name = PurePosixPath(member.name).name
                    if not member.isfile():
                        continue
                    if PICKLED.fullmatch(name):
                        raise UserError(_pickled(archive, kinds))
                    if member.size > LARGEST_MEMBER:
                        raise UserError(
                            f"{archive} holds {name!r} of {member.size} bytes and is not CIFAR's; fetch that."
                        )
                    if name in wanted and (content := opened.extractfile(member)):
                        _write(content.read, folder / name)
        except UserError:
            raise
        except (tarfile.TarError, ValueError, ArithmeticError, LookupError) as error:  # broken headers raise all these
            raise UserError(f"{archive} is no whole .tar.gz ({str(error).rstrip('.')}); fetch it again.") from None
        while stream.read(1 << 20):  # what follows the archive's end, so that gzip's checksum is compared
            pass
    files = Files(folder, f"{archive}: ")
    return {v: files for v in variants if any((folder / name).is_file() for name in KINDS[v].pictures)}


def _write(read: Callable[[int], bytes], file: Path) -> None:
    with file.open("wb") as opened:
        while piece := read(1 << 20):
            try:
                opened.write(piece)
            except OSError as error:  # a full disk, which is not the archive's fault
                raise UserError(f"{file} cannot be written: {error.strerror or error}; make room there.") from None


def _check_length(files: Files, name: str, expected: int, kind: Kind) -> None:
    file = files.folder / name
    if not file.is_file():
        raise UserError(f"{files.shown}{name} is missing of {kind.title}; fetch all of {SITE}{kind.archive}.")
    if (length := file.stat().st_size) != expected:
        raise UserError(
            f"{files.shown}{name} is {length} bytes long, but {kind.title}'s is {expected}; fetch it again."
        )


def _class_names(files: Files, name: str, count: int) -> tuple[str, ...]:
    """() where there is no such file."""
    if not (files.folder / name).is_file():
        return ()
    lines = (files.folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != count:
        raise UserError(f"{files.shown}{name} has {len(names)} names for {count} classes; fetch it again.")
    return names


def _nothing_in(path: Path, kinds: Sequence[Kind]) -> str:
    if not path.exists():
        return f"data.path is {str(path)!r}, which does not exist; name it right, or set data.download: true."
    places = [path, path / "cifar-10-batches-py", path / "cifar-100-python"]
    inside = [file for place in places if place.is_dir() for file in place.iterdir()]
    if any(file.is_file() and PICKLED.fullmatch(file.name) for file in inside):
        return _pickled(path, kinds)
    wanted = " nor ".join(f"{next(iter(kind.pictures))} of {kind.title}" for kind in kinds)
    return f"{path} has neither {wanted}; put the binary version there, or set data.download: true."


def _pickled(path: Path, kinds: Sequence[Kind]) -> str:
    return (
        f"{path} is CIFAR's version for Python, made of pickles, which can run any code when they are read; take the "
        f"binary version instead ({' or '.join(SITE + kind.archive for kind in kinds)}), or set data.download: true "
        f"with another data.path."
    )
