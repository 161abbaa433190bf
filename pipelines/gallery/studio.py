"""Where the gallery's pictures are drawn: by one generator or two, one wish at a time, from latents in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import torch

from ganlib import latents as latents_of
from ganlib.bundle import Description
from ganlib.comparison_page import LETTERS
from ganlib.errors import UserError
from ganlib.pictures import Pixels
from ganlib.settings import Settings
from ganlib.shapes import Labels

from .. import comparison, generators
from ..generators import Drawer, Named
from ..scores import shown

MOST_NUMBERS = 1 << 22
"""In all pictures of one answer, which a browser is to show at once."""
MOST_PICTURES = 96
MOST_FRAMES = 240
MOST_IN_A_FILE = 1000


@dataclass(frozen=True)
class Position:
    """A picture's place: image `index` of a seed; its class, which takes its turn where none is named."""

    seed: int
    index: int
    label: int | None = None


@dataclass(frozen=True)
class Studio:
    """One generator, or two that make pictures of the same size and, where both know classes, the same classes."""

    drawers: Mapping[str, Drawer]
    """By letter."""
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    @property
    def known(self) -> Description:
        """Of the first one that knows classes, or else of the first."""
        all_known = [drawer.named.description for drawer in self.drawers.values()]
        return next((one for one in all_known if one.classes), all_known[0])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names; empty where no generator knows any."""
        return self.known.classes

    def most(self, wanted: int) -> int:
        """How many pictures one answer holds, where so many would be nice to have."""
        return max(1, min(wanted, MOST_NUMBERS // int(np.prod(self.known.image_shape))))

    def drawer(self, letter: str) -> Drawer:
        """UserError where there is no generator of this letter."""
        if letter not in self.drawers:
            raise UserError(f"who is {letter!r}; give {' or '.join(self.drawers)}.")
        return self.drawers[letter]

    def label(self, index: int, label: int | None) -> int | None:
        """The class of a picture: the one that is named, or the one whose turn it is; None where there are none.

        UserError where there is no such class.
        """
        count = len(self.classes)
        if label is None:
            return index % count if count else None
        if not count:
            raise UserError(f"label is {label}, but this generator knows no classes; leave it out.")
        if not 0 <= label < count:
            raise UserError(f"label is {label}; give a number from 0 to {count - 1}, or leave it out.")
        return label

    def named(self, label: int | None) -> str:
        """The class's name; empty where there is none."""
        return "" if label is None else self.classes[label]

    def pictures(
        self, letter: str, seed: int, indices: Sequence[int], label: int | None, truncation: float | None
    ) -> Pixels:
        """Image i is what `ganlib sample` draws with the same seed, classes and truncation."""
        drawer = self.drawer(letter)
        labels = [self.label(index, label) for index in indices]
        return self._drawn(drawer, drawer.noise(seed, indices, truncation=truncation), labels)

    def way(self, letter: str, start: Position, end: Position, steps: int, truncation: float | None) -> Pixels:
        """From one picture to another, both included; their classes change halfway, and truncation comes after."""
        drawer = self.drawer(letter)
        distribution = drawer.named.description.latent_distribution
        one, other = (drawer.noise(place.seed, [place.index]) for place in (start, end))
        between = latents_of.interpolate(one, other, steps, distribution)[0]
        between[0], between[-1] = one[0], other[0]  # but for rounding they were
        if truncation is not None:
            between = latents_of.truncated(between, truncation, distribution)
        first, last = (self.label(place.index, place.label) for place in (start, end))
        return self._drawn(drawer, between, [last if 2 * step >= steps - 1 else first for step in range(steps)])

    def _drawn(self, drawer: Drawer, noise: torch.Tensor, labels: Sequence[int | None]) -> Pixels:
        told: Labels | None = None
        if drawer.named.description.classes:
            told = torch.tensor(labels, dtype=torch.int64)
        with self._one_at_a_time:
            return torch.cat(list(drawer.pictures(noise, told))).numpy()


def open_studio(references: Sequence[str], settings: Settings, device: torch.device) -> Studio:
    """UserError where a generator cannot be found, makes points, or two of them do not go together."""
    if len(references) == 1:
        found = [generators.find(references[0], settings)]
    else:
        found = comparison.find_all(references, settings)
    for named in found:
        if named.description.kind == "points":
            raise UserError(
                f"{named.name} makes points, and the gallery shows pictures; draw them: ganlib sample "
                f"{references[found.index(named)]} -o points.png."
            )
    if len(found) == 2:
        _check_pair(*found)
    drawers = [generators.open_drawer(named, device) for named in found]
    return Studio(dict(zip(LETTERS, drawers, strict=False)))


def _check_pair(one: Named, other: Named) -> None:
    ours, theirs = one.description, other.description
    if ours.image_shape != theirs.image_shape:
        raise UserError(
            f"{one.name} makes pictures of shape {ours.image_shape} and {other.name} of {theirs.image_shape}; "
            f"name two that make pictures of one size."
        )
    if ours.classes and theirs.classes and ours.classes != theirs.classes:
        raise UserError(
            f"{one.name} knows the classes {shown(ours.classes)}, and {other.name} {shown(theirs.classes)}; name two "
            f"that know the same, or one that knows none."
        )
