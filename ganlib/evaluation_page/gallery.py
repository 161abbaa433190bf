"""The pictures that the page shows, chosen by rule and never by looks: the same ones for the same data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..html.thumbnails import Album, Rows, spread
from ..prepared import PreparedData, Split
from .classes import worst_first
from .reading import Pair

PAIRS = 24
CLASSES, EACH = 20, 10
ALIKE = 60
"""Of either side where generated pictures have no classes."""


@dataclass(frozen=True)
class Beside:
    """Generated pictures beside held-out ones, by their places in the album."""

    name: str
    """The class; nothing for all together."""
    generated: tuple[int, ...]
    heldout: tuple[int, ...]


@dataclass(frozen=True)
class Gallery:
    """Everything that is shown as a picture."""

    album: Album
    pairs: tuple[tuple[Pair, int, int], ...]
    """With the places of the generated and of the training picture."""
    beside: tuple[Beside, ...]


def hang(
    generated: Split, data: PreparedData, pairs: Sequence[Pair], known: dict[str, dict[str, float]]
) -> Gallery:  # fmt: skip
    """Chooses, reads and shrinks. `known` is what is known of each class, by which the worst of many are found."""
    album = Album()

    def shot(split: Split, row: int) -> int:
        return album.add(np.array(split.pixels[row]))

    def shots(split: Split, rows: Rows) -> tuple[int, ...]:
        return tuple(shot(split, row) for row in rows.tolist())

    chosen = [
        Beside(name, shots(generated, ours), shots(data.heldout, theirs))
        for name, ours, theirs in choose(generated, data, known)
    ]
    shown = [(pair, shot(generated, pair.generated), shot(data.train, pair.train)) for pair in pairs[:PAIRS]]
    album.develop()
    return Gallery(album, tuple(shown), tuple(chosen))


def choose(generated: Split, data: PreparedData, known: dict[str, dict[str, float]]) -> list[tuple[str, Rows, Rows]]:
    """(class, rows of generated, rows of held-out) to show: the first generated ones, held-out ones evenly spread."""
    if not data.classes or not (generated.labels >= 0).any():
        return [("", np.arange(len(generated))[:ALIKE], spread(np.arange(len(data.heldout)), ALIKE))]
    numbers = list(range(len(data.classes)))
    if len(numbers) > CLASSES:
        place = {name: number for number, name in enumerate(data.classes)}
        worst = [place[name] for name in worst_first(known) if name in place][:CLASSES]
        numbers = sorted(worst) or spread(np.arange(len(numbers)), CLASSES).tolist()
    return [
        (
            data.classes[number],
            np.flatnonzero(generated.labels == number)[:EACH],
            spread(np.flatnonzero(data.heldout.labels == number), EACH),
        )
        for number in numbers
    ]
