"""From a seed to pictures, or points: image i depends on (seed, i) alone, never on the batch it was drawn in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from . import images
from .bundle import Description
from .latents import draw, interpolate, sample_latents
from .networks import Generator
from .randomness import Purpose, stream
from .shapes import Labels, Latents, Stored

ROWS = 32
"""Rows of every forward pass when sampling. Part of every result: never change it lightly."""

MOST_CLASSES = 20
"""Classes that a grid has room for; the first ones are shown."""

UNLABELLED_ROWS = 8


def sample_labels(seed: int, indices: Sequence[int], class_counts: Sequence[int]) -> Labels:
    """One class for each index, drawn with the shares that the classes have in `class_counts`."""
    upper_ends = np.cumsum(class_counts) / np.sum(class_counts)
    draws = [stream(seed, Purpose.SAMPLE_LABELS, i).random() for i in indices]
    return torch.from_numpy(np.searchsorted(upper_ends, draws, side="right").astype(np.int64))


def generate(generator: Generator, latents: Latents, labels: Labels | None, *, batch_size: int) -> Iterator[Stored]:
    """The images of the latents, as files hold them (uint8; points in float32), on the CPU.

    They come about `batch_size` at a time, which changes none of them.
    The network itself always runs on `ROWS` rows, the last ones filled up and cut: a kernel may round otherwise
    at another shape, and an image must not depend on how many others were asked for.
    """
    device = next(generator.parameters()).device
    step = max(ROWS, batch_size // ROWS * ROWS)
    for first in range(0, len(latents), step):
        last = min(first + step, len(latents))
        pixels = []
        for start in range(first, last, ROWS):
            rows = torch.arange(start, start + ROWS).clamp_(max=len(latents) - 1)
            row_labels = None if labels is None else labels[rows].to(device)
            with torch.inference_mode():
                made = generator(latents[rows].to(device), row_labels)
            pixels.append(images.to_stored(made, generator.makes))
        yield torch.cat(pixels)[: last - first].cpu()


def sample_cloud(
    generator: Generator, description: Description, *, seed: int, count: int
) -> tuple[Float32[np.ndarray, "n dimensions 1 1"], Labels | None]:
    """`count` points and their classes, in the shares of the training data: enough of them to see a distribution."""
    indices = range(count)
    latents = sample_latents(seed, indices, dim=description.latent_dim, distribution=description.latent_distribution)
    labels = sample_labels(seed, indices, description.class_counts) if description.classes else None
    return torch.cat(list(generate(generator, latents, labels, batch_size=count))).numpy(), labels


@dataclass(frozen=True)
class Sheet:
    """Samples laid out for a grid: one class a row where there are classes."""

    pixels: UInt8[np.ndarray, "n channels height width"] | Float32[np.ndarray, "n dimensions 1 1"]
    columns: int
    row_names: list[str]
    """Class names; empty strings where there are none."""


def sample_sheet(generator: Generator, description: Description, *, seed: int, columns: int) -> Sheet:
    """`columns` samples of each class (of the first 20), or 8 rows of them where there are no classes.

    Classes share their latents, so that a column shows one latent across the classes.
    """
    classes = description.classes[:MOST_CLASSES]
    rows = len(classes) or UNLABELLED_ROWS
    distinct = range(columns if classes else columns * rows)
    latents = sample_latents(seed, distinct, dim=description.latent_dim, distribution=description.latent_distribution)
    labels = torch.arange(rows).repeat_interleave(columns) if classes else None
    return _sheet(generator, latents.repeat(len(classes) or 1, 1), labels, columns, classes)


def interpolation_sheet(generator: Generator, description: Description, *, seed: int, steps: int) -> Sheet:
    """In each row the way from one latent to another in `steps` images, the class held fixed."""
    classes = description.classes[:MOST_CLASSES]
    rows = len(classes) or UNLABELLED_ROWS
    noise = stream(seed, Purpose.INTERPOLATION)
    shape = (2, rows, description.latent_dim)
    start, end = torch.from_numpy(draw(noise, shape, description.latent_distribution))
    latents = interpolate(start, end, steps, description.latent_distribution).flatten(0, 1)
    labels = torch.arange(rows).repeat_interleave(steps) if classes else None
    return _sheet(generator, latents, labels, steps, classes)


def _sheet(
    generator: Generator, latents: Latents, labels: Labels | None, columns: int, classes: tuple[str, ...]
) -> Sheet:
    pixels = torch.cat(list(generate(generator, latents, labels, batch_size=len(latents)))).numpy()
    return Sheet(pixels, columns, list(classes) or [""] * (len(latents) // columns))
