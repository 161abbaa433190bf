"""The pictures that a comparison shows: of every generator the same ones, chosen by rule and never by looks."""

from collections.abc import Sequence

import numpy as np
import torch

from ganlib import scatter
from ganlib.comparison_page import Looks
from ganlib.evaluation_page import reading
from ganlib.html.thumbnails import spread
from ganlib.shapes import Labels

from . import scores
from .generators import Drawer, Named, open_drawer
from .scores import Bench, Report

FIRST, CLASSES, EACH, PAIRS = 22, 20, 8, 8
"""Pictures of the seed, classes and pictures of each, closest pairs."""


def looks(bench: Bench, named: Sequence[Named], reports: Sequence[Report], *, seed: int) -> list[Looks]:
    """What is shown of each generator; nothing but these pictures is drawn."""
    drawers = [open_drawer(one, bench.device) for one in named]
    if bench.data.kind == "points":
        return [_points(bench, drawer, seed) for drawer in drawers]
    return [_pictures(bench, drawer, report, seed) for drawer, report in zip(drawers, reports, strict=True)]


def _points(bench: Bench, drawer: Drawer, seed: int) -> Looks:
    indices = range(min(scatter.SHOWN, bench.samples))
    labels = scores.labels_for(bench, drawer.named, seed, indices)
    points = _drawn(drawer, seed, indices, labels)
    return Looks(drawing=scatter.overview(points, None if labels is None else labels.numpy(), bench.data.train))


def _pictures(bench: Bench, drawer: Drawer, report: Report, seed: int) -> Looks:
    first = range(min(FIRST, bench.samples))
    labels = scores.labels_for(bench, drawer.named, seed, range(bench.samples))
    by_class = {} if labels is None else _first_of_each_class(labels, bench.data.classes)
    pairs = reading.pairs(report, generated=bench.samples, train=len(bench.data.train))[:PAIRS]
    wanted = {*first, *(pair.generated for pair in pairs), *(row for rows in by_class.values() for row in rows)}
    indices = sorted(wanted)
    pixels = _drawn(drawer, seed, indices, None if labels is None else labels[indices])
    place = {index: row for row, index in enumerate(indices)}
    return Looks(
        first=pixels[[place[index] for index in first]],
        classes=() if labels is None else [bench.data.classes[label] for label in labels[list(first)].tolist()],
        by_class={name: pixels[[place[index] for index in rows]] for name, rows in by_class.items()},
        nearest=[
            (pair, pixels[place[pair.generated]], np.array(bench.data.train.pixels[pair.train])) for pair in pairs
        ],
    )


def _first_of_each_class(labels: Labels, classes: tuple[str, ...]) -> dict[str, list[int]]:
    """Indices by class; of many classes some, evenly spread."""
    numbers = spread(np.arange(len(classes)), CLASSES).tolist()
    return {classes[number]: torch.nonzero(labels == number)[:EACH, 0].tolist() for number in numbers}


def _drawn(drawer: Drawer, seed: int, indices: Sequence[int], labels: Labels | None) -> np.ndarray:
    return torch.cat(list(drawer.pictures(drawer.noise(seed, indices), labels))).numpy()
