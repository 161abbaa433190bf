"""The forms that drawn images are written in, by suffix: a grid, a folder, arrays, a film; whole or not at all."""

import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int64

from ganlib import files, pictures, scatter
from ganlib.errors import UserError
from ganlib.images import Picture
from ganlib.sampling import MOST_CLASSES

from . import destinations
from .drawing import BATCH, Wish, bar, drawn, way

if TYPE_CHECKING:
    from ganlib.bundle import Description

    from .generators import Drawer

LARGEST_GRID = 1 << 26
"""Pixels of a grid; viewers give up on more."""

Places = Int64[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Form:
    """A way to write images."""

    words: str
    """What a person calls it."""
    write: Callable[["Drawer", Wish, Path], None]
    points: bool = False
    """Whether it can hold points."""
    least: int = 1
    """Images that it takes."""
    folder: bool = False


def arranged(count: int, turns: int) -> tuple[Places, int]:
    """The images' places in a grid of about equal sides, -1 for none; and the rows that each class has to itself.

    `turns` classes in turn: image i is of class i % turns.
    """
    each = math.ceil(count / turns)
    columns = math.ceil(each / max(1, round(each / math.sqrt(count))))
    rows = math.ceil(each / columns)
    places = np.full((min(turns, count) * rows, columns), -1, dtype=np.int64)
    for i in range(count):
        row, column = divmod(i // turns, columns)
        places[i % turns * rows + row, column] = i
    return places, rows


def write_grid(drawer: "Drawer", wish: Wish, path: Path) -> None:
    """A sheet with the classes in rows and named, where they fit in; of points a scatter plot."""
    known = drawer.named.description
    if known.kind == "points":
        batches = list(drawn(drawer, wish))
        points, labels = (torch.cat([batch[i] for batch in batches]).numpy() for i in (0, 1))
        pictures.write_png(path, scatter.cloud(points, labels if wish.classes else None))
        return
    images = torch.cat([batch for batch, _ in drawn(drawer, wish)]).numpy()
    pictures.write_png(path, sheet(images, [known.classes[number] for number in wish.classes]))


def sheet(images: pictures.Pixels, names: list[str]) -> Picture:
    """The images in a grid, image i of the class `names[i % len(names)]`; its blank places are white."""
    in_rows = 0 < min(len(names), len(images)) <= MOST_CLASSES
    places, rows = arranged(len(images), len(names) if in_rows else 1)
    blank = np.full_like(images[:1], 255)
    row_names = [names[row // rows] if in_rows and row % rows == 0 else "" for row in range(len(places))]
    return pictures.labelled_grid(
        np.concatenate([images, blank])[places.ravel()], columns=places.shape[1], row_names=row_names
    )


def write_folder(drawer: "Drawer", wish: Wish, path: Path) -> None:
    """Numbered .png files, and labels.csv with their classes where there are any; as `data.labels` reads them."""
    from PIL import Image

    known = drawer.named.description
    rows = ["file_name,label"]
    with files.whole_folder(path) as folder:
        number = 0
        for batch, labels in drawn(drawer, wish):
            for image, label in zip(batch.numpy(), labels.tolist(), strict=True):
                name = f"{number:06d}.png"
                picture = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
                Image.fromarray(picture).save(folder / name)
                rows.append(f"{name},{label}")
                number += 1
        if known.classes:
            (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_arrays(drawer: "Drawer", wish: Wish, path: Path) -> None:
    """As np.savez has it: `images`, uint8 NxHxWxC (or `points`, float32 NxD), and `labels`, -1 without classes.

    Batch by batch, so that memory stays flat.
    """
    known = drawer.named.description
    channels, height, width = known.image_shape
    points = known.kind == "points"
    shape = (wish.count, channels) if points else (wish.count, height, width, channels)
    with files.whole_file(path) as aside, zipfile.ZipFile(aside, "w") as arrays:
        taken = []
        with _member(arrays, "points" if points else "images", "<f4" if points else "|u1", shape) as member:
            for batch, labels in drawn(drawer, wish):
                values = batch.flatten(1) if points else batch.permute(0, 2, 3, 1)
                member.write(values.contiguous().numpy().tobytes())
                taken.append(labels)
        with _member(arrays, "labels", "<i8", (wish.count,)) as member:
            member.write(torch.cat(taken).numpy().tobytes())


def _member(arrays: zipfile.ZipFile, name: str, kind: str, shape: tuple[int, ...]) -> IO[bytes]:
    """An array of the .npz file, opened to be written after its header."""
    member = arrays.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True)
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(member, header)
    return member


def write_film(drawer: "Drawer", wish: Wish, path: Path) -> None:
    """A closed way through the latents, by `path`'s suffix .mp4 or .gif."""
    from ganlib import films

    noise, labels = way(drawer, wish)

    def frames() -> Iterator[films.Frame]:
        with bar(len(noise), "frame") as shown:
            for batch in drawer.pictures(noise, labels, batch_size=BATCH):
                yield from films.frames_of(batch.numpy())
                shown.update(len(batch))

    (films.write_gif if path.suffix.lower() == ".gif" else films.write_mp4)(path, frames())


FORMS = {
    ".png": Form("a sheet", write_grid, points=True),
    ".npz": Form("arrays", write_arrays, points=True),
    ".mp4": Form("a film", write_film, least=2),
    ".gif": Form("a film", write_film, least=2),
    "": Form("a folder", write_folder, folder=True),
}
"""By suffix."""


def form_of(place: str) -> Form:
    """By the suffix; a folder where it exists, or ends with a slash, or has none. UserError for another suffix."""
    path = Path(place)
    _, folder = destinations.found(path)
    suffix = "" if place.endswith("/") or folder else path.suffix.lower()
    if suffix not in FORMS:
        ways = ", ".join(f"{suffix} ({form.words})" for suffix, form in FORMS.items() if suffix)
        raise UserError(f"-o {place} ends in {path.suffix}; give {ways}, or a folder, such as pictures/.")
    return FORMS[suffix]


def check(form: Form, known: "Description", count: int, place: str) -> None:
    """UserError, before anything is drawn, where the form cannot hold so many images of this generator."""
    if known.kind == "points" and not form.points:
        ways = " or ".join(suffix for suffix, form in FORMS.items() if form.points)
        raise UserError(f"-o {place} would be {form.words}, but this generator makes points; give {ways}.")
    if count < form.least:
        raise UserError(f"-n is {count}, but {form.words} leads from picture to picture; give {form.least} or more.")
    height, width = known.image_shape[1:]
    tile = max(pictures.VISIBLE, height, width)
    if form.write is write_grid and known.kind == "pictures" and count * tile**2 > LARGEST_GRID:
        raise UserError(
            f"A grid of {count} pictures of {height}x{width} is too large to look at; take at most "
            f"-n {LARGEST_GRID // tile**2}, or a folder: -o pictures/."
        )
