"""From a source of pictures to the one array that everything after it reads (see prepared.py for its layout)."""

import json
import math
import os
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, UInt8
from tqdm import tqdm

from . import files
from .datasets import Batch, Contents, Source
from .errors import UserError
from .fitting import CROPPED, RESIZED, Shape, check_alike, fit, target_shape
from .prepared import LabelArray, PixelArray
from .settings import DataSettings

Mask = Bool[np.ndarray, " n"]

PIECE_BYTES = 1 << 24
"""How much of the array is looked at or kept mapped at a time."""


def prepare(source: Source, settings: DataSettings, folder: Path) -> dict[str, Any]:
    """Writes the whole of `folder` anew, or leaves it as it was; returns what its dataset.json says.

    Memory holds a batch of pictures and a line of the manifest for each, never all pixels. UserError where the
    source has a mistake in it, where pictures differ and no setting says what to make of them, or where one side
    of the split stays empty.
    """
    contents = source.open()
    if contents.count == 0:
        raise UserError(f"data.source {settings.source} finds no picture; give it some.")
    with files.whole_folder(folder) as aside:
        images = aside / "images.npy"
        shape, manifest = _write_images(images, contents, settings)
        np.save(aside / "labels.npy", manifest["label"].to_numpy(np.int64), allow_pickle=False)
        manifest.to_parquet(aside / "manifest.parquet", index=False)
        description = _describe(images, shape, manifest, contents, settings)
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        (aside / "dataset.json").write_text(text, encoding="utf-8")
    return description


def _describe(
    images: Path, shape: Shape, manifest: pd.DataFrame, contents: Contents, settings: DataSettings
) -> dict[str, Any]:
    """What a reader needs to know of the data, and what was done to it."""
    labels = manifest["label"].to_numpy(np.int64)
    n_train = int((manifest["split"] == "train").sum())
    return {
        "shape": list(shape),
        "classes": list(contents.classes),
        "counts": {"train": n_train, "heldout": len(labels) - n_train},
        "class_counts": {
            "train": _by_class(labels[:n_train], contents.classes),
            "heldout": _by_class(labels[n_train:], contents.classes),
        },
        "digest": digest_of(images, labels, contents.classes, n_train=n_train),
        "source": {"name": settings.source, "ignored_files": contents.ignored},
        "preparation": {
            "channels": shape[0],
            "resolution": list(shape[1:]),
            "fit": "largest centred part of the aspect ratio, resized",
            "filter": "lanczos",
            "cropped": int(manifest["done"].str.contains(CROPPED, regex=False).sum()),
            "resized": int(manifest["done"].str.contains(RESIZED, regex=False).sum()),
            "heldout_share": settings.heldout_share,
            "heldout_seed": settings.seed,
        },
    }


def _write_images(path: Path, contents: Contents, settings: DataSettings) -> tuple[Shape, pd.DataFrame]:
    """The array, and the manifest in its order."""
    first = next(contents.batches)
    shape = target_shape(settings, first)
    array = ImagesFile(path, (contents.count, *shape))
    rows = Manifest(contents.classes)
    with tqdm(total=contents.count, unit="picture", desc="prepare", disable=None) as bar:
        for batch in chain([first], contents.batches):
            check_alike(settings, first, batch)
            pixels, changes = fit(batch.pixels, shape)
            digests = [pixel_digest(picture) for picture in batch.pixels]
            heldout = [is_heldout(digest, seed=settings.seed, share=settings.heldout_share) for digest in digests]
            array.add(pixels, np.array(heldout, dtype=bool))
            rows.add(batch, digests, heldout, changes)
            bar.update(len(pixels))
    if not (array.n_train and array.n_heldout):
        side, share = "held out" if array.n_train else "kept for training", settings.heldout_share
        raise UserError(
            f"data.heldout_share of {share} leaves none of the {contents.count} pictures {side}; change it, take more "
            f"pictures or another data.seed."
        )
    array.finish()
    return shape, rows.frame()


class ImagesFile:
    """`images.npy`, filled through a memory map from both ends: training pictures forward, held-out ones backward.

    So both parts come out in their original order after one pass over the source.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.path = path
        self.n_train = self.n_heldout = 0
        self._array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        self._mapped_bytes = 0
        # A full disk must be an error here and now: under a memory map over a hole it kills the process (SIGBUS).
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)

    def add(self, pixels: PixelArray, heldout: Mask) -> None:
        """The next pictures, each to its side."""
        train, held = pixels[~heldout], pixels[heldout]
        self._array[self.n_train : self.n_train + len(train)] = train
        last = len(self._array) - self.n_heldout
        self._array[last - len(held) : last] = held[::-1]
        self.n_train += len(train)
        self.n_heldout += len(held)
        self._unmap_after(pixels.nbytes)

    def finish(self) -> None:
        """Turns the held-out pictures, which lie last to first, into their order."""
        count = self.n_heldout
        assert self.n_train + count == len(self._array), "the source promised another number of pictures"
        step = max(1, PIECE_BYTES // self._array[:1].nbytes)
        for start in range(0, count // 2, step):
            stop = min(start + step, count // 2)
            tail = self._array[self.n_train :]
            front = tail[start:stop].copy()
            tail[start:stop] = tail[count - stop : count - start][::-1]
            tail[count - stop : count - start] = front[::-1]
            del tail
            self._unmap_after(front.nbytes)
        del self._array

    def _unmap_after(self, written: int) -> None:
        """Lets go of the pages now and then: as long as they are mapped they count as this process's memory."""
        self._mapped_bytes += written
        if self._mapped_bytes >= PIECE_BYTES:
            self._array = np.lib.format.open_memmap(self.path, mode="r+")
            self._mapped_bytes = 0


class Manifest:
    """One row per picture: where it came from and what became of it."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self._classes = classes
        self._columns: dict[str, list[Any]] = {
            name: [] for name in ("source", "sha256", "label", "class_name", "width", "height", "mode", "split", "done")
        }

    def add(self, batch: Batch, digests: list[bytes], heldout: list[bool], changes: tuple[str, ...]) -> None:
        """The rows of a batch. sha256 is `pixel_digest`: of the decoded picture, not of its file."""
        count, _, height, width = batch.pixels.shape
        labels = batch.labels.tolist()
        new = {
            "source": batch.names,
            "sha256": [digest.hex() for digest in digests],
            "label": labels,
            "class_name": [None if label < 0 else self._classes[label] for label in labels],
            "width": [width] * count,
            "height": [height] * count,
            "mode": [batch.mode] * count,
            "split": ["heldout" if held else "train" for held in heldout],
            "done": ["; ".join((*batch.done, *changes))] * count,
        }
        for name, values in new.items():
            self._columns[name].extend(values)

    def frame(self) -> pd.DataFrame:
        """The rows in the array's order: training pictures first, the order otherwise kept."""
        frame = pd.DataFrame(self._columns).astype({"class_name": "string"})
        order = np.argsort(frame["split"].to_numpy() == "heldout", kind="stable")
        return frame.iloc[order].reset_index(drop=True)


def pixel_digest(picture: UInt8[np.ndarray, "channels height width"]) -> bytes:
    """sha256 over shape and pixels of a decoded picture. RGB without colour counts as the grey picture it shows."""
    if len(picture) == 3 and (picture[0] == picture[1]).all() and (picture[1] == picture[2]).all():
        picture = picture[:1]
    return sha256(f"{picture.shape}".encode() + picture.tobytes()).digest()


def is_heldout(digest: bytes, *, seed: int, share: float) -> bool:
    """Whether the picture is held out: by its own content, whatever else there is.

    So more pictures move no old one across the split, a larger share only adds to the held-out side, and
    duplicates lie on one side.
    """
    drawn = sha256(f"heldout {seed} ".encode() + digest).digest()
    return int.from_bytes(drawn[:8], "big") < share * 2**64


def digest_of(images: Path, labels: LabelArray, classes: tuple[str, ...], *, n_train: int) -> str:
    """sha256 over pixels, labels, class names and where the split lies; `images` is read in pieces."""
    shape = np.load(images, mmap_mode="r", allow_pickle=False).shape
    digest = sha256(json.dumps([list(shape), list(classes), n_train]).encode())
    step = max(1, PIECE_BYTES // math.prod(shape[1:]))
    for start in range(0, len(labels), step):
        digest.update(np.load(images, mmap_mode="r", allow_pickle=False)[start : start + step])
    digest.update(labels.astype("<i8").tobytes())
    return digest.hexdigest()


def _by_class(labels: LabelArray, classes: tuple[str, ...]) -> dict[str, int]:
    """How many pictures each class has, 0 included."""
    return {name: int((labels == number).sum()) for number, name in enumerate(classes)}
