"""MNIST and its relatives: big-endian arrays in the IDX format, raw or gzipped."""

import gzip
import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

import numpy as np

from ..components import component
from ..downloads import fetch
from ..errors import UserError
from . import Batch, Contents, Source

PARTS = ("train", "t10k")
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
IMAGES_MAGIC, LABELS_MAGIC = 0x00000803, 0x00000801
"""Two zero bytes, 08 for unsigned bytes, the number of dimensions."""
LARGEST_SIDE = 1 << 15
BATCH_BYTES = 1 << 20

DOWNLOADED = Path("data/sources/mnist")
"""Where a download goes when data.path is empty."""
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# Of the content, not of the gzip file around it: mirrors compress anew, the pictures stay the same.
MNIST = {
    f"train-{IMAGES}": (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    f"train-{LABELS}": (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    f"t10k-{IMAGES}": (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    f"t10k-{LABELS}": (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
"""Length in bytes and sha256 of each file, uncompressed."""


@component
class Idx(Source):
    """The four files of MNIST, Fashion-MNIST, KMNIST and the like in one directory.

    The pictures of both parts enter, first `train`, then `t10k`: what is held out is decided by content, as for
    every source, and the manifest says which file each picture came from. Class k is the label k of the files.
    """

    path: str | None = None
    """The directory; may be empty where `download` is on."""
    download: bool = False
    """Fetches the files of MNIST that are not there."""

    def open(self) -> Contents:
        """Reads the headers and the labels; the pictures follow in batches of about a megabyte."""
        if not self.path and not self.download:
            raise UserError(
                "data.path is empty; name the directory with the four IDX files, or set data.download: true to "
                "fetch MNIST."
            )
        folder = Path(self.path).expanduser() if self.path else DOWNLOADED
        if self.download:
            fetch_missing(folder)
        if not folder.is_dir():
            raise UserError(f"data.path is {str(folder)!r}, which is no directory; name the one with the IDX files.")
        parts = [_Part.open(folder, name) for name in PARTS]
        top = max((int(part.labels.max()) for part in parts if part.labels.size), default=-1)
        return Contents(
            count=sum(len(part.labels) for part in parts),
            classes=tuple(str(label) for label in range(top + 1)),
            batches=chain.from_iterable(part.batches() for part in parts),
        )


@dataclass(frozen=True)
class _Part:
    """One file of pictures with its labels."""

    images: Path
    shape: tuple[int, int]
    labels: np.ndarray

    @classmethod
    def open(cls, folder: Path, name: str) -> "_Part":
        images, labels = find(folder, f"{name}-{IMAGES}"), find(folder, f"{name}-{LABELS}")
        if images is None or labels is None:
            missing = IMAGES if images is None else LABELS
            raise UserError(f"{folder} has no {name}-{missing}, raw or .gz; put it there, or set data.download: true.")
        with _reading(images) as stream:
            count, height, width = _sizes(stream, images, magic=IMAGES_MAGIC)
        if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE):
            raise UserError(f"{images} claims pictures of {height}x{width} pixels; it is broken: fetch it again.")
        with _reading(labels) as stream:
            (n_labels,) = _sizes(stream, labels, magic=LABELS_MAGIC)
            if n_labels != count:
                raise UserError(
                    f"{images} holds {count} pictures but {labels} {n_labels} labels; they do not belong together: "
                    f"fetch both again."
                )
            values = np.frombuffer(_read(stream, n_labels, labels), np.uint8).astype(np.int64)
            _expect_end(stream, labels)
        return cls(images, (height, width), values)

    def batches(self) -> Iterator[Batch]:
        """The pictures in the file's order."""
        height, width = self.shape
        step = max(1, BATCH_BYTES // (height * width))
        stem = self.images.name.removesuffix(".gz")
        with _reading(self.images) as stream:
            _sizes(stream, self.images, magic=IMAGES_MAGIC)
            for first in range(0, len(self.labels), step):
                labels = self.labels[first : first + step]
                content = _read(stream, len(labels) * height * width, self.images)
                yield Batch(
                    pixels=np.frombuffer(content, np.uint8).reshape(-1, 1, height, width),
                    labels=labels,
                    names=[f"{stem}[{i}]" for i in range(first, first + len(labels))],
                    mode="L",
                )
            _expect_end(stream, self.images)


def find(folder: Path, name: str) -> Path | None:
    """The file of this name, in either usual spelling, raw or gzipped; none where there is none."""
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = [folder / f"{spelling}{suffix}" for spelling in spellings for suffix in ("", ".gz")]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def fetch_missing(folder: Path, mirrors: Sequence[str] = MIRRORS) -> None:
    """Completes MNIST in `folder`. Files of another data set beside the gap are a UserError, never mixed with it."""
    missing = [name for name in MNIST if find(folder, name) is None]
    for name in MNIST.keys() - set(missing) if missing else ():
        present = find(folder, name)
        if present and (reason := not_mnist(present, name)):
            raise UserError(
                f"{present} is not MNIST's ({reason}) and data.download fetches MNIST alone; set data.download: false "
                f"and complete {folder} yourself, or name another directory in data.path."
            )
    for name in missing:
        urls = [f"{mirror}{name}.gz" for mirror in mirrors]
        fetch(folder / f"{name}.gz", urls, largest=MNIST[name][0], complaint=partial(not_mnist, name=name))


def not_mnist(file: Path, name: str) -> str | None:
    """What tells the file's content from that of MNIST's `name`; none where it is the same."""
    length, expected = MNIST[name]
    digest, seen = sha256(), 0
    try:
        with _reading(file) as stream:
            while seen <= length and (piece := stream.read(BATCH_BYTES)):
                digest.update(piece)
                seen += len(piece)
    except UserError as broken:
        return str(broken)
    return None if digest.hexdigest() == expected else f"its sha256 is not {expected[:12]}..."


@contextmanager
def _reading(file: Path) -> Iterator[io.BufferedIOBase]:
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
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None


def _sizes(stream: io.BufferedIOBase, file: Path, *, magic: int) -> tuple[int, ...]:
    """The header's sizes: the number of items, then their height and width."""
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
    content = bytearray()
    while len(content) < length and (piece := stream.read(min(length - len(content), 1 << 24))):
        content += piece
    if len(content) < length:
        raise UserError(f"{file} ends before what its header promises; it is cut short: fetch it again.")
    return bytes(content)


def _expect_end(stream: io.BufferedIOBase, file: Path) -> None:
    if stream.read(1):
        raise UserError(f"{file} goes on after what its header promises; it is broken: fetch it again.")
