"""What a generator is asked to draw: image i depends on (seed, i) alone, however many are asked for.

Images take their classes in turn, which `--label` names; all of them where it names none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from ganlib import latents
from ganlib.errors import UserError
from ganlib.sampling import MOST_CLASSES
from ganlib.shapes import Labels, Latents, Stored

from . import stage

if TYPE_CHECKING:
    from ganlib.bundle import Description

    from .generators import Drawer

BATCH = 256
"""Images in memory at once, wherever the form allows it."""


@dataclass(frozen=True)
class Wish:
    """What is to be drawn."""

    count: int
    seed: int
    classes: tuple[int, ...]
    """Class numbers that images take in turn; empty for a generator without classes."""
    truncation: float | None
    frames: int
    """Of a film, from one latent to the next."""


def classes_for(known: "Description", wanted: Iterable[str]) -> tuple[int, ...]:
    """Class numbers of what a person calls by name, or else by number; all classes where nothing is wanted.

    UserError where there is no such class.
    """
    numbers = []
    for word in wanted:
        if not known.classes:
            raise UserError(f"--label is {word!r}, but this generator knows no classes; leave it out.")
        if word in known.classes:
            numbers.append(known.classes.index(word))
        elif word.isascii() and word.isdigit() and int(word) < len(known.classes):
            numbers.append(int(word))
        else:
            names = ", ".join(known.classes[:MOST_CLASSES]) + (", ..." if len(known.classes) > MOST_CLASSES else "")
            raise UserError(
                f"--label {word!r} is no class of this generator; give a number from 0 to {len(known.classes) - 1} "
                f"or one of the names: {names}."
            )
    return tuple(numbers) or tuple(range(len(known.classes)))


def labels_of(wish: Wish, indices: range) -> Labels | None:
    """The class of each image; None for a generator without classes."""
    if not wish.classes:
        return None
    return torch.tensor([wish.classes[i % len(wish.classes)] for i in indices], dtype=torch.int64)


def drawn(drawer: "Drawer", wish: Wish) -> Iterator[tuple[Stored, Labels]]:
    """The images in batches, each with its classes (-1 without); latents are made batch by batch too."""
    with bar(wish.count, "img") as shown:
        for first in range(0, wish.count, BATCH):
            indices = range(first, min(first + BATCH, wish.count))
            labels = labels_of(wish, indices)
            noise = drawer.noise(wish.seed, indices, truncation=wish.truncation)
            told = torch.full((len(indices),), -1) if labels is None else labels
            for batch in drawer.pictures(noise, labels, batch_size=BATCH):
                yield batch, told
            shown.update(len(indices))


def bar(count: int, unit: str) -> Any:
    """A progress bar, where there is time to look at it."""
    return tqdm(total=count, desc="sample", unit=unit, disable=count <= BATCH, **stage.bar_manners())


def way(drawer: "Drawer", wish: Wish) -> tuple[Latents, Labels | None]:
    """From each latent to the next and from the last to the first, `wish.frames` steps each; classes change halfway.

    Row i * frames is image i. Truncation comes after interpolation, which takes the latents as they were drawn.
    """
    known, steps = drawer.named.description, wish.frames
    stops = drawer.noise(wish.seed, range(wish.count))
    between = latents.interpolate(stops, stops.roll(-1, 0), steps + 1, known.latent_distribution)[:, :-1].flatten(0, 1)
    between[::steps] = stops  # but for rounding they were
    if wish.truncation is not None:
        between = latents.truncated(between, wish.truncation, known.latent_distribution)
    labels = labels_of(wish, range(wish.count))
    if labels is None:
        return between, None
    ahead = torch.arange(steps) * 2 >= steps
    return between, torch.where(ahead, labels.roll(-1, 0)[:, None], labels[:, None]).flatten()
