"""From a source of pictures to the one array that everything after it reads (see prepared.py for its layout)."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from . import files, lookalikes, workers
from .arrays import ImagesFile, Mask, digest_of
from .data_card import NearPair
from .datasets import Batch, Contents, Refused, Source
from .errors import UserError
from .fitting import CROPPED, PADDED, RESIZED, Recipe, Shape, background, channels_needed, check, target_size
from .manifest import NOWHERE, SIDES, TRAIN, Manifest
from .prepared import STORED_AS, LabelArray
from .settings import DataSettings
from .working import Orders, Work, why_too_small, work

FEW = 1000
"""With fewer pictures to decode, worker processes take longer to start than they save."""


@dataclass(frozen=True)
class Cores:
    """How many may work at once."""

    decoding: int
    """Processes; 1 is this one."""
    comparing: int
    """Threads that look for near duplicates."""


@dataclass(frozen=True)
class Prepared:
    """What was done."""

    description: dict[str, Any]
    """What dataset.json says."""
    near_pairs: list[NearPair]
    """Some of the pictures that look alike, for the data card."""


def prepare(source: Source, settings: DataSettings, folder: Path, *, processes: int = 1) -> Prepared:
    """Writes the whole of `folder` anew, or leaves it as it was.

    Memory holds some megabytes of pictures for each process and some hundred bytes for each input file, never all
    pixels. The result does not depend on `processes`. UserError where the source has a mistake in it, where a file
    cannot be used and data.on_bad is error, or where what is left is no data set.
    """
    check(settings)
    if source.decodes and processes > 1:
        workers.start_ahead(work.__module__)
    with files.whole_folder(folder) as aside, files.scratch_folder(folder) as scratch:
        contents = source.open(scratch)
        if contents.count == 0:
            raise UserError(f"data.source {settings.source} finds no picture; give it some.")
        prepared = _pass(contents, settings, aside, Cores(processes if source.decodes else 1, processes))
        text = json.dumps(prepared.description, indent=2, ensure_ascii=False) + "\n"
        (aside / "dataset.json").write_text(text, encoding="utf-8")
    return prepared


class _WiderError(Exception):
    """A picture has channels that the array has no room for."""


def _pass(contents: Contents, settings: DataSettings, aside: Path, cores: Cores) -> Prepared:
    """All pictures through the recipe; once more where `auto` finds out on the way that more channels are needed."""
    orders = _orders(contents, settings)
    while True:
        try:
            return _write(contents, settings, orders, aside, cores)
        except _WiderError as wider:
            shape = (wider.args[0], *orders.recipe.shape[1:])
            orders = replace(orders, recipe=replace(orders.recipe, shape=shape))


def _orders(contents: Contents, settings: DataSettings) -> Orders:
    """What the settings ask for, and where they leave it open, what the first picture is."""
    first = _first_picture(contents, settings.min_side)
    channels, height, width = first.pixels.shape[1:]
    points = first.pixels.dtype != np.uint8
    size = (height, width) if points else target_size(settings, (height, width))
    as_is = settings.resolution is None
    recipe = Recipe((1, *size), "none" if as_is else settings.fit, background(settings))
    needed = channels if points else channels_needed(channels, (height, width), recipe)
    wanted = settings.channels if isinstance(settings.channels, int) and not points else needed
    return Orders(
        recipe=replace(recipe, shape=(wanted, *size)),
        widen=settings.channels == "auto",
        min_side=settings.min_side,
        share=settings.heldout_share,
        seed=settings.seed,
        points=points,
        like_first=first.names[0] if as_is else None,
    )


def _first_picture(contents: Contents, min_side: int) -> Batch:
    """The first that is not too small; UserError where there is none."""
    complaint = None
    for job in contents.jobs:
        for item in job.run():
            if isinstance(item, Refused):
                complaint = complaint or item.sentence
            elif (reason := why_too_small(item, min_side)) is not None:
                complaint = complaint or f"{item.names[0]} {reason}"
            else:
                return item
    raise UserError(f"None of {contents.count} files could be used; the first: {complaint}")


def _write(contents: Contents, settings: DataSettings, orders: Orders, aside: Path, cores: Cores) -> Prepared:
    manifest = Manifest(contents.classes)
    manifest.hashed = not orders.points
    dtype = STORED_AS["points" if orders.points else "pictures"]
    doubled = 2 if settings.mirror and not orders.points else 1
    images = ImagesFile(aside / "images.npy", orders.recipe.shape, dtype, at_most=doubled * contents.count)
    with closing(images):
        for piece in _works(contents, orders, cores.decoding):
            _take(piece, settings, manifest, images)
        near_pairs, near = lookalikes.note(
            manifest, images, drop=settings.near_duplicates == "drop", threads=cores.comparing
        )
        beside = Work()
        for refused in contents.others:
            beside.refuse(refused)
        manifest.add(beside)
        _check_enough(manifest, settings)
        if not contents.drawn:
            _check_classes(manifest)
        kept, index = _places(manifest, doubled)
        images.finish(kept, mirror=doubled == 2)
    manifest.write(aside / "manifest.parquet", index)
    labels = {name: np.tile(manifest.labels(side), doubled) for side, name in SIDES.items()}
    np.save(aside / "labels.npy", np.concatenate(list(labels.values())), allow_pickle=False)
    digest = _digest(aside / "images.npy", orders.recipe.shape, contents.classes, labels)
    return Prepared(_describe(contents, settings, orders, manifest, labels, near, digest), near_pairs)


def _works(contents: Contents, orders: Orders, processes: int) -> Iterator[Work]:
    """Every piece of work in the source's order, with a bar; ends in _WiderError where the recipe is too narrow."""
    parallel = processes > 1 and contents.count >= FEW
    function = partial(work, orders=orders)
    if parallel:
        pieces = workers.in_order(function, contents.jobs, processes=processes, preload=work.__module__)
    else:
        pieces = chain.from_iterable(function(job) for job in contents.jobs)
    with tqdm(total=contents.count, unit="picture", desc="prepare", disable=None) as bar:
        for piece in pieces:
            if piece.wider:
                raise _WiderError(piece.wider)
            yield piece
            bar.update(len(piece.names))


def _take(piece: Work, settings: DataSettings, manifest: Manifest, images: ImagesFile) -> None:
    if piece.refused and settings.on_bad == "error":
        _, sentence = next(iter(piece.refused.values()))
        raise UserError(f"{sentence} (data.on_bad: skip leaves such files out.)")
    new = manifest.add(piece)
    if piece.pixels:
        images.add(piece.pixels[0][new], np.array(piece.heldout, bool)[new])


def _check_enough(manifest: Manifest, settings: DataSettings) -> None:
    """UserError where what is left is no data set."""
    counts = {side: int((manifest.column("split") == side).sum()) for side in SIDES}
    kept, lost = sum(counts.values()), manifest.reasons()
    if kept < settings.min_images:
        why = ", ".join(f"{count} {reason}" for reason, count in lost.items()) or "none is left out"
        raise UserError(
            f"Only {kept} of {len(manifest.names)} files are left ({why}), and data.min_images is "
            f"{settings.min_images}; give data.path more pictures or lower it."
        )
    if not all(counts.values()):
        side, share = "held out" if counts[TRAIN] else "kept for training", settings.heldout_share
        raise UserError(
            f"data.heldout_share of {share} leaves none of the {kept} pictures {side}; change it, take more "
            f"pictures or another data.seed."
        )


def _check_classes(manifest: Manifest) -> None:
    """UserError where a class has one picture alone."""
    labels = np.concatenate([manifest.labels(side) for side in SIDES])
    per_class = np.bincount(labels[labels >= 0], minlength=len(manifest.classes))
    if (per_class == 1).any():
        number, rows = int(np.argmax(per_class == 1)), manifest.kept_rows()
        (row,) = rows[manifest.column("label")[rows] == number]
        raise UserError(
            f"The class {manifest.classes[number]!r} has one picture ({manifest.names[row]}), which cannot be both "
            f"learned from and held out; add some, or remove the class."
        )


def _places(manifest: Manifest, doubled: int) -> tuple[dict[str, Mask], np.ndarray]:
    """Which pictures of each side's file stay, and each row's place in the array (-1 for none)."""
    split, place = manifest.column("split"), manifest.column("place")
    index, first, kept = np.full(len(split), -1, np.int64), 0, {}
    for side, name in SIDES.items():
        rows = np.nonzero(split == side)[0]
        written = manifest.written(side)
        kept[name] = np.zeros(written, bool)
        kept[name][place[rows]] = True
        index[rows] = first + np.arange(len(rows))
        first += doubled * len(rows)
    assert (index[split == NOWHERE] < 0).all()
    return kept, index


def _describe(
    contents: Contents,
    settings: DataSettings,
    orders: Orders,
    manifest: Manifest,
    labels: dict[str, LabelArray],
    near: dict[str, Any],
    digest: str,
) -> dict[str, Any]:
    """What a reader needs to know of the data, and what was done to it."""
    classes = contents.classes
    per_class = {name: np.bincount(values[values >= 0], minlength=len(classes)) for name, values in labels.items()}
    return {
        "kind": "points" if orders.points else "pictures",
        "shape": list(orders.recipe.shape),
        "classes": list(classes),
        "counts": {name: len(values) for name, values in labels.items()},
        "class_counts": {
            name: dict(zip(classes, numbers.tolist(), strict=True)) for name, numbers in per_class.items()
        },
        "digest": digest,
        "source": {
            "name": settings.source,
            "files": len(manifest.names),
            "kept": len(manifest.kept_rows()),
            "refused": manifest.reasons(),
            "notes": list(contents.notes),
        },
        "preparation": _preparation(orders, manifest, settings, near),
    }


def _digest(images: Path, shape: Shape, classes: tuple[str, ...], labels: dict[str, LabelArray]) -> str:
    """sha256 over shape, class names and where the split lies, then pixels, then labels."""
    in_order = np.concatenate(list(labels.values()))
    head = json.dumps([[len(in_order), *shape], list(classes), len(labels["train"])])
    return digest_of(images, head.encode(), in_order.astype("<i8").tobytes())


def _preparation(orders: Orders, manifest: Manifest, settings: DataSettings, near: dict[str, Any]) -> dict[str, Any]:
    """The settings that shaped the data, with how many pictures they touched."""
    split = {"heldout_share": settings.heldout_share, "heldout_seed": settings.seed}
    if not manifest.hashed:
        return split
    return {
        "channels": orders.recipe.shape[0],
        "resolution": list(orders.recipe.shape[1:]),
        "fit": orders.recipe.fit,
        "filter": "lanczos",
        "alpha": settings.alpha,
        "mirror": settings.mirror,
        "min_side": settings.min_side,
        "cropped": manifest.count_done(CROPPED),
        "resized": manifest.count_done(RESIZED),
        "padded": manifest.count_done(PADDED),
        "near_duplicates": near,
        **split,
    }
