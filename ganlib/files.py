"""Whole files or none: everything the project writes is written aside, synced and renamed."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; it becomes `path` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield aside
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder; it becomes `path`, replacing an earlier one, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    earlier = path.with_name(f".{path.name}.{os.getpid()}.earlier")
    try:
        aside.mkdir()
        yield aside
        for file in aside.rglob("*"):
            sync(file)
        if path.exists():
            path.replace(earlier)  # out of the way in one step: deleting takes long enough to be killed in
        aside.replace(path)
        sync(path.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(earlier, ignore_errors=True)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path`, on the disk that has room for it; it vanishes with the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.scratch")
    try:
        scratch.mkdir()
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove_leftovers(path: Path) -> None:
    """Removes what killed processes left beside `path` while they made it anew; what a living one is making stays."""
    for leftover in path.parent.glob(f".{path.name}.*"):
        match = re.fullmatch(r"(\d+)\.(partial|earlier|scratch)", leftover.name.removeprefix(f".{path.name}."))
        if match and (int(match[1]) == os.getpid() or not _is_alive(int(match[1]))):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def write_text(path: Path, text: str) -> None:
    """Writes the whole text or leaves the earlier file as it was."""
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes the whole content or leaves the earlier file as it was."""
    with whole_file(path) as aside:
        aside.write_bytes(content)


def sync(path: Path) -> None:
    """Waits until the file, or the folder's list of names, is on disk and not only in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal, read in pieces so that memory stays flat."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
