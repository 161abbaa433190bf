"""The IDX format: big-endian arrays of bytes behind a header of their sizes, raw or gzipped."""

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from ..errors import UserError, unreadable

IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
"""How the names of the two kinds of file end."""
IMAGES_MAGIC, LABELS_MAGIC = 0x00000803, 0x00000801
"""Two zero bytes, 08 for unsigned bytes, the number of dimensions."""
LARGEST_SIDE = 1 << 15
PIECE_BYTES = 1 << 20
"""How many bytes of pictures are in memory at a time."""

Pictures = UInt8[np.ndarray, "n height width"]
ByteLabels = UInt8[np.ndarray, " n"]


def find(folder: Path, name: str) -> Path | None:
    """The file of this name, in either usual spelling, raw or gzipped; none where there is none."""
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = [folder / f"{spelling}{suffix}" for spelling in spellings for suffix in ("", ".gz")]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def sizes_of_pictures(file: Path) -> tuple[int, int, int]:
    """(number, height, width) as the header claims them. UserError where that cannot be."""
    with reading(file) as stream:
        count, height, width = _header(stream, file, magic=IMAGES_MAGIC)
    if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE):
        raise UserError(f"{file} claims pictures of {height}x{width} pixels; it is broken: fetch it again.")
    return count, height, width


def read_labels(file: Path, *, pictures: Path, count: int) -> ByteLabels:
    """All of them. UserError unless there is one for each of the `count` pictures of the other file."""
    with reading(file) as stream:
        (n_labels,) = _header(stream, file, magic=LABELS_MAGIC)
        if n_labels != count:
            raise UserError(
                f"{pictures} holds {count} pictures but {file} {n_labels} labels; they do not belong together: "
                f"fetch both again."
            )
        values = np.frombuffer(_read(stream, n_labels, file), np.uint8)
        _expect_end(stream, file)
    return values


def read_pictures(file: Path) -> Iterator[Pictures]:
    """In the file's order, about a megabyte at a time. UserError where the file is not as long as its header says."""
    with reading(file) as stream:
        count, height, width = _header(stream, file, magic=IMAGES_MAGIC)
        step = max(1, PIECE_BYTES // (height * width))
        for first in range(0, count, step):
            length = min(step, count - first) * height * width
            yield np.frombuffer(_read(stream, length, file), np.uint8).reshape(-1, height, width)
        _expect_end(stream, file)


@contextmanager
def reading(file: Path) -> Iterator[io.BufferedIOBase]:
    """The content, unpacked where it is gzipped, whatever the name says; what goes wrong becomes one sentence."""
    try:
        with file.open("rb") as stream:
            if stream.peek(2)[:2] == b"\x1f\x8b":
                with gzip.open(stream) as unpacked:
                    yield unpacked
            else:
                yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{file} is damaged ({str(error).rstrip('.')}); fetch it again.") from None
    except OSError as error:
        raise unreadable(file, error) from None


def _header(stream: io.BufferedIOBase, file: Path, *, magic: int) -> tuple[int, ...]:
    """Its sizes: the number of items, then their height and width."""
    dimensions = magic & 0xFF
    (found,) = struct.unpack(">I", _read(stream, 4, file))
    if found != magic:
        raise UserError(
            f"{file} starts with {found:08x}, but an IDX file of {'pictures' if dimensions == 3 else 'labels'} starts "
            f"with {magic:08x}; is it the right file?"
        )
    return struct.unpack(f">{dimensions}I", _read(stream, 4 * dimensions, file))


def _read(stream: io.BufferedIOBase, length: int, file: Path) -> bytes:
    """Exactly so many bytes, in pieces: a header that lies must not make us ask for its whole claim at once."""
    pieces, missing = [], length
    while missing and (piece := stream.read(min(missing, 1 << 24))):
        pieces.append(piece)
        missing -= len(piece)
    if missing:
        raise UserError(f"{file} ends before what its header promises; it is cut short: fetch it again.")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _expect_end(stream: io.BufferedIOBase, file: Path) -> None:
    if stream.read(1):
        raise UserError(f"{file} goes on after what its header promises; it is broken: fetch it again.")
