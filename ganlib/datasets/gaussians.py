"""Points from mixtures of Gaussians: whether a generator finds every mode can be counted, not only guessed at."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field

from ..components import component
from ..randomness import Purpose, stream
from . import Batch, Contents, Job, Refused, Source

Layout = Literal["ring", "grid", "line"]

BLOCK = 4096
"""Points of one random stream, and of one job. Part of every result: never change it."""


@dataclass(frozen=True)
class Mixture:
    """Gaussians of one standard deviation, the same in every direction."""

    means: Float64[np.ndarray, "components dimensions"]
    std: float
    shares: Float64[np.ndarray, " components"]
    """Of each component in the points; they add up to 1."""

    @property
    def names(self) -> tuple[str, ...]:
        """Each component by the place of its mean, such as `(0.71, -0.71)`."""
        # Adding 0 makes a zero of a negative zero.
        return tuple("(" + ", ".join(f"{x:g}" for x in mean.round(2) + 0.0) + ")" for mean in self.means)


def mixture(layout: Layout) -> Mixture:
    """Ring and grid as PacGAN's benchmark has them (Lin et al. 2018), all modes alike; the line is our own.

    ring: 8 means on the unit circle, std 0.01. grid: 25 means at {-4, -2, 0, 2, 4}^2, std 0.05. line: the data of the
    one-dimensional game (Goodfellow et al. 2014, figure 1), a third of it around -1 and two thirds around 1, std 0.4.
    Its two bumps meet, so the best discriminator is smooth; and they differ, so a generator cannot hide which it found.
    """
    if layout == "line":
        return Mixture(np.array([[-1.0], [1.0]]), 0.4, np.array([1, 2]) / 3)
    if layout == "ring":
        angles = 2 * math.pi * np.arange(8) / 8
        means, std = np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01
    else:
        steps = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
        means, std = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2), 0.05
    return Mixture(means, std, np.full(len(means), 1 / len(means)))


def draw(
    layout: Layout, seed: int, block: int
) -> tuple[Float64[np.ndarray, "points dimensions"], Int64[np.ndarray, " points"]]:
    """A block of points and the component of each. Point i of all is in block i // BLOCK, however many are drawn."""
    mixed = mixture(layout)
    random = stream(seed, Purpose.POINTS, block)
    upper_ends = np.cumsum(mixed.shares)
    # Rounding may leave the last end a little below 1.
    chosen = np.searchsorted(upper_ends, random.random(BLOCK), side="right").clip(max=len(upper_ends) - 1)
    noise = random.standard_normal((BLOCK, mixed.means.shape[1]))
    return mixed.means[chosen] + mixed.std * noise, chosen.astype(np.int64)


@component
class Gaussians(Source):
    """`count` points of a layout in one or two dimensions; their class is the component they were drawn from."""

    kind = "points"

    layout: Layout = "ring"
    count: Annotated[int, Field(gt=0)] = 100_000
    seed: Annotated[int, Field(ge=0)] = 0

    def open(self, scratch: Path) -> Contents:  # noqa: ARG002 - nothing to unpack
        """Nothing is drawn before its job runs."""
        starts = range(0, self.count, BLOCK)
        return Contents(
            count=self.count,
            classes=mixture(self.layout).names,
            jobs=[Block(self.layout, self.seed, start // BLOCK, min(BLOCK, self.count - start)) for start in starts],
            drawn=True,
        )


@dataclass(frozen=True)
class Block(Job):
    """The first `count` points of a block."""

    layout: Layout
    seed: int
    block: int
    count: int

    def run(self) -> Iterator[Batch | Refused]:
        """One batch; names count through all blocks."""
        points, chosen = draw(self.layout, self.seed, self.block)
        first = self.block * BLOCK
        yield Batch(
            pixels=points[: self.count, :, np.newaxis, np.newaxis].astype(np.float32),
            labels=chosen[: self.count],
            names=[f"{self.layout}[{i}]" for i in range(first, first + self.count)],
            mode="F",
        )
