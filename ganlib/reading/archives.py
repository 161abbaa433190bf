"""What zip and tar archives have in common: one open file, compression around it, and how much may come out."""

import bz2
import gzip
import lzma
import os
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import UserError, unreadable
from .names import hidden, points_outside, shown, tidy

MOST_UNPACKED = 1 << 30
MOST_TIMES_LARGER = 100
"""An archive may unpack to so many bytes, or to so many times its own size; beyond both it is taken for a bomb."""
LONGEST_NAME = 4096
"""Characters, with folders: what Linux takes for a path, and more than others do."""
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
"""By the first bytes."""
PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class ArchiveFile:
    """An archive as it was when it was listed; each process opens it once."""

    path: str
    identity: tuple[int, ...]

    @classmethod
    def at(cls, path: Path) -> "ArchiveFile":
        """UserError where it cannot be read."""
        try:
            with path.open("rb") as file:
                return cls(str(path), _identity(file.fileno()))
        except OSError as error:
            raise unreadable(path, error) from None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.identity[0]

    def opened(self) -> "OpenFile":
        """To read from. UserError where it has changed, since places in it would then be wrong."""
        return _opened(self)


class OpenFile:
    """A descriptor that closes with its last user: every read names its place, so that any number share it."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


@lru_cache(maxsize=4)
def _opened(archive: ArchiveFile) -> OpenFile:
    try:
        file = OpenFile(archive.path)
    except OSError as error:
        raise unreadable(archive.path, error) from None
    if _identity(file.descriptor) != archive.identity:
        raise UserError(f"{archive.path} changed while it was being read; leave it alone and prepare again.")
    return file


def _identity(descriptor: int) -> tuple[int, ...]:
    here = os.fstat(descriptor)
    return here.st_size, here.st_mtime_ns, here.st_ino, here.st_dev


def member_name(raw: str, archive: str) -> str:
    """What a member is called here; "" where nobody looks at it.

    UserError where it points outside the archive, or is longer than any file's: no honest one has that. (Members are
    never written anywhere.)
    """
    if points_outside(raw):
        raise UserError(f"{shown(f'{archive}: {raw}')} points outside the archive; make the archive anew without that.")
    if len(raw) > LONGEST_NAME:
        raise UserError(f"{archive} has a member with a name of {len(raw)} characters; make the archive anew.")
    name = tidy(raw)
    return "" if hidden(name) else name


def most_unpacked(archive_size: int) -> int:
    """Bytes that an archive of that many may unpack to."""
    return max(MOST_UNPACKED, MOST_TIMES_LARGER * archive_size)


def bomb(path: str, limit: int) -> UserError:
    """What is raised for an archive that unpacks to more."""
    return UserError(
        f"{path} unpacks to more than {limit} bytes, as archives do that are made to fill a disk; if it is an honest "
        f"one, unpack it and set data.path to the folder."
    )


def compression_of(start: bytes) -> str:
    """gzip, bzip2 or xz, by how the file begins; "" where it is none of them."""
    return next((name for magic, name in COMPRESSED.items() if start.startswith(magic)), "")


def unpack(path: Path, compression: str, scratch: Path) -> Path:
    """The plain archive, in `scratch` under a name of ours, written in pieces.

    UserError where it is broken or cut short, and where it goes on for longer than an honest one.
    """
    plain, limit = scratch / "unpacked.tar", most_unpacked(path.stat().st_size)
    opened: Any = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[compression]
    try:
        with opened(path, "rb") as packed, plain.open("wb") as file:
            while piece := packed.read(PIECE_BYTES):
                file.write(piece)
                if file.tell() > limit:
                    raise bomb(str(path), limit)
    except EOFError:
        raise UserError(f"{path} ends before its {compression} data does: it was cut short; copy it anew.") from None
    except OSError as error:
        if error.errno is None:  # bz2 and gzip say so what is broken
            raise _garbled(path, compression, error) from None
        raise UserError(f"{path} cannot be unpacked into {scratch}: {error.strerror}.") from None
    except (zlib.error, lzma.LZMAError, MemoryError) as error:
        raise _garbled(path, compression, error) from None
    return plain


def _garbled(path: Path, compression: str, error: Exception) -> UserError:
    detail = shown(str(error)).rstrip(".") or type(error).__name__
    return UserError(f"{path} is garbled {compression} data ({detail}); copy or make it anew.")
