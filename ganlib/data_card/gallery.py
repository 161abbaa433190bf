"""The pictures that the card shows, chosen and named: the same ones for the same data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from ..html.thumbnails import Album
from .chosen import HELDOUT_PER_CLASS, HELDOUT_SPREAD, PER_CLASS, SPREAD, Mean, Pictures, choose, mean
from .facts import Column, Facts, Group
from .summary import Summary

COPIES = 6
"""Names shown of a set of equal files."""


@dataclass(frozen=True)
class NearPair:
    """Two pictures that look alike, both as prepared: the later one may not be part of the data set."""

    first: str
    """Its place inside the source; the earlier one."""
    second: str
    first_pixels: UInt8[np.ndarray, "first_channels first_height first_width"]
    second_pixels: UInt8[np.ndarray, "second_channels second_height second_width"]
    bits: int
    """By how many of their 64 the perceptual hashes differ."""
    correlation: float
    """Of the two pictures' values, -1 to 1."""
    straddles: bool
    """Whether one is a training picture and the other held out."""


@dataclass(frozen=True)
class Shot:
    """A picture in the album."""

    number: int
    name: str
    """Its place inside the source, or nothing where no file stands for it alone."""
    label: int


Sheet = tuple[tuple[int, list[Shot]], ...]
"""(class, or -1 for a list of all, pictures)."""


@dataclass(frozen=True)
class ShownGroup:
    """Equal files: their picture, the one that stands for all and some of the others."""

    picture: int
    kept: tuple[str, str]
    """(name, class)."""
    copies: tuple[tuple[str, str], ...]
    more: int
    """Copies that are not listed."""
    contradictory: bool


@dataclass(frozen=True)
class Gallery:
    """Everything that is shown as a picture; numbers are places in the album."""

    album: Album
    train: Sheet
    heldout: Sheet
    mean: Mean
    overall: int
    by_class: dict[int, int]
    groups: tuple[ShownGroup, ...]
    pairs: tuple[tuple[NearPair, int, int], ...]


def hang(folder: Path, summary: Summary, facts: Facts, pairs: list[NearPair]) -> Gallery:
    """Chooses, reads and shrinks the pictures. `folder` holds images.npy and labels.npy."""
    album, pictures = Album(), Pictures(folder / "images.npy")
    labels: np.ndarray = np.load(folder / "labels.npy", mmap_mode="r", allow_pickle=False)
    index = facts.manifest.numbers("index")
    train = _sheet(labels[: summary.train], summary, first=0, each=PER_CLASS, total=SPREAD)
    heldout = _sheet(
        labels[summary.train :], summary, first=summary.train, each=HELDOUT_PER_CLASS, total=HELDOUT_SPREAD
    )
    names = _names_of(facts, index, [row for _, rows in (*train, *heldout) for row in rows.tolist()])

    def shots(rows: Column) -> list[Shot]:
        return [Shot(album.add(pictures[row]), names.get(row, ""), int(labels[row])) for row in rows.tolist()]

    average = mean(pictures, labels[: summary.train], len(summary.classes))
    gallery = Gallery(
        album=album,
        train=tuple((number, shots(rows)) for number, rows in train),
        heldout=tuple((number, shots(rows)) for number, rows in heldout),
        mean=average,
        overall=album.add(average.overall),
        by_class={number: album.add(picture) for number, picture in average.by_class.items()},
        groups=tuple(_groups(facts, index, pictures, album)),
        pairs=tuple((pair, album.add(pair.first_pixels), album.add(pair.second_pixels)) for pair in pairs),
    )
    album.develop()
    return gallery


def _sheet(labels: np.ndarray, summary: Summary, *, first: int, each: int, total: int) -> list[tuple[int, Column]]:
    return choose(np.asarray(labels), len(summary.classes), first=first, each=each, total=total)


def _names_of(facts: Facts, index: Column, rows: list[int]) -> dict[int, str]:
    """Places inside the source by row of images.npy."""
    lines = np.flatnonzero(np.isin(index, rows))
    names = facts.manifest.names(lines)
    return {int(index[line]): names[line] for line in lines.tolist()}


def _groups(facts: Facts, index: Column, pictures: Pictures, album: Album) -> list[ShownGroup]:
    shown = [(group, group.copies[:COPIES].tolist()) for group in facts.exact.shown]
    names = facts.manifest.names([row for group, copies in shown for row in (group.kept, *copies)])
    codes, classes = facts.manifest.words("class_name")

    def named(row: int) -> tuple[str, str]:
        return names[row], classes[codes[row]] if codes[row] >= 0 else ""

    def show(group: Group, copies: list[int]) -> ShownGroup:
        picture = album.add(pictures[int(index[group.kept])])
        more = len(group.copies) - len(copies)
        return ShownGroup(picture, named(group.kept), tuple(map(named, copies)), more, group.contradictory)

    return [show(group, copies) for group, copies in shown if index[group.kept] >= 0]
