"""Pictures as the gallery hands them out, one by one or as a file to keep: the same wish, the same bytes."""

import base64
import csv
import io
import tempfile
import zipfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ganlib import films, pictures
from ganlib.pictures import Pixels

from .. import forms

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every file in an archive: when it was asked for makes no other archive."""


def png(picture: UInt8[np.ndarray, "channels height width"]) -> bytes:
    """Pixel by pixel, with its transparency."""
    buffer = io.BytesIO()
    Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)).save(buffer, format="PNG")
    return buffer.getvalue()


def addresses(pixels: Pixels) -> list[str]:
    """Each picture as the address of itself."""
    return [f"data:image/png;base64,{base64.b64encode(png(each)).decode('ascii')}" for each in pixels]


def sheet(pixels: Pixels, names: Sequence[str]) -> bytes:
    """A PNG of all, as `ganlib sample` has it: picture i is of the class `names[i % len(names)]`."""
    return _encoded(forms.sheet(pixels, list(names)))


def strip(pixels: Pixels) -> bytes:
    """A PNG of all in a row."""
    return _encoded(pictures.enlarged_grid(pixels, columns=len(pixels)))


def _encoded(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def archive(pixels: Pixels, indices: Sequence[int], labels: Sequence[int | None]) -> bytes:
    """A ZIP of PNG files called by their index and, where there are classes, labels.csv, as `data.labels` reads it."""
    buffer, rows = io.BytesIO(), io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["file_name", "label"])
    with zipfile.ZipFile(buffer, "w") as written:
        for picture, index, label in zip(pixels, indices, labels, strict=True):
            name = f"{index:06d}.png"
            written.writestr(zipfile.ZipInfo(name, EPOCH), png(picture))
            table.writerow([name, label])
        if None not in labels:
            written.writestr(zipfile.ZipInfo("labels.csv", EPOCH), rows.getvalue())
    return buffer.getvalue()


def film(pixels: Pixels, suffix: str) -> bytes:
    """There and back again, so that it closes: `.gif` or `.mp4`."""
    frames = chain(films.frames_of(pixels), films.frames_of(pixels[-2:0:-1]) if len(pixels) > 2 else ())
    with tempfile.TemporaryDirectory(prefix="ganlib-") as aside:
        path = Path(aside) / f"film{suffix}"
        (films.write_gif if suffix == ".gif" else films.write_mp4)(path, frames)
        return path.read_bytes()
