"""images.npy, written as pictures come: training pictures first, the held-out ones after them, memory flat."""

import math
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool

from .errors import UserError
from .fitting import Shape

Mask = Bool[np.ndarray, " n"]

HEADER = 128
"""Bytes before the pixels; numpy's header of any such array fits."""
PIECE_BYTES = 1 << 24
"""How much is held in memory at a time."""


class ImagesFile:
    """Both parts of the split grow at once, each in its own file, in the order in which pictures come; `finish`
    makes one array of them."""

    def __init__(self, path: Path, shape: Shape, dtype: np.dtype, *, at_most: int) -> None:
        """`at_most` pictures of `shape`: room for them is taken at once, so that a full disk shows now."""
        self.shape, self.dtype = shape, dtype
        self.item_bytes = math.prod(shape) * dtype.itemsize
        self.counts = {"train": 0, "heldout": 0}
        _check_room(path, HEADER + at_most * self.item_bytes)
        self._path, self._aside = path, path.with_name(f"{path.name}.heldout")
        self._files = {"train": path.open("w+b"), "heldout": self._aside.open("w+b")}
        self._starts = {"train": HEADER, "heldout": 0}
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._files["train"].fileno(), 0, HEADER + at_most * self.item_bytes)
            self._files["train"].seek(HEADER)
        except OSError:
            self.close()
            raise

    def add(self, pixels: np.ndarray, heldout: Mask) -> None:
        """The next pictures, each to its side."""
        for split, mask in (("train", ~heldout), ("heldout", heldout)):
            chosen = pixels if mask.all() else pixels[mask]
            self._files[split].write(np.ascontiguousarray(chosen).data)
            self.counts[split] += len(chosen)

    def written(self, split: str) -> np.ndarray:
        """The pictures of one side, as they were added; memory-mapped."""
        self._files[split].flush()
        shape = (self.counts[split], *self.shape)
        if self.counts[split] == 0:
            return np.zeros(shape, self.dtype)
        return np.memmap(self._files[split], self.dtype, "r", self._starts[split], shape)

    def finish(self, kept: dict[str, Mask], *, mirror: bool) -> None:
        """The array of what is kept of each side; `mirror` puts after each side its pictures with left and right
        exchanged. Works in place and in pieces."""
        train, heldout = self._files["train"], self._files["heldout"]
        end = HEADER
        for split, file in (("train", train), ("heldout", heldout)):
            first = end
            if file is train and kept[split].all():  # where they are is where they belong
                end += len(kept[split]) * self.item_bytes
            else:
                for piece in self._kept_pieces(file, split, kept[split]):
                    end = _write_at(train, end, piece)
            if mirror:
                start, stop = first, end
                for begin in range(start, stop, self._step * self.item_bytes):
                    piece = self._read(train, begin, min(self._step, (stop - begin) // self.item_bytes))
                    end = _write_at(train, end, piece[..., ::-1])
            self.counts[split] = (end - first) // self.item_bytes
        train.truncate(end)
        _write_at(train, 0, np.frombuffer(self._header(), np.uint8))
        self.close()

    def close(self) -> None:
        """Lets go of the files; what is no part of the array vanishes."""
        for file in self._files.values():
            file.close()
        self._aside.unlink(missing_ok=True)

    @property
    def _step(self) -> int:
        return max(1, PIECE_BYTES // self.item_bytes)

    def _kept_pieces(self, file: BinaryIO, split: str, kept: Mask) -> Iterator[np.ndarray]:
        for begin in range(0, len(kept), self._step):
            mask = kept[begin : begin + self._step]
            yield self._read(file, self._starts[split] + begin * self.item_bytes, len(mask))[mask]

    def _read(self, file: BinaryIO, offset: int, count: int) -> np.ndarray:
        file.seek(offset)
        return np.frombuffer(file.read(count * self.item_bytes), self.dtype).reshape(count, *self.shape)

    def _header(self) -> bytes:
        count = sum(self.counts.values())
        header = BytesIO()
        description = {"descr": self.dtype.str, "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(header, description)
        assert len(header.getvalue()) == HEADER
        return header.getvalue()


def _check_room(path: Path, needed: int) -> None:
    """UserError where the disk has less room: known before the first picture is decoded."""
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise UserError(
            f"The prepared data would take up to {_size(needed)} and {path.parent.parent.resolve()} has {_size(free)} "
            f"free; free some space, or lower data.resolution."
        )


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _write_at(file: BinaryIO, offset: int, piece: np.ndarray) -> int:
    """Where the next piece goes."""
    file.seek(offset)
    file.write(np.ascontiguousarray(piece).data)
    return offset + piece.nbytes


def digest_of(images: Path, prefix: bytes, suffix: bytes) -> str:
    """sha256 over the pixels, between what is said of them before and after; the file is read in pieces."""
    digest = sha256(prefix)
    with images.open("rb") as file:
        file.seek(HEADER)
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    digest.update(suffix)
    return digest.hexdigest()
