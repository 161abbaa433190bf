"""Three digits of MNIST as the three channels of a picture: 1000 modes, of which a generator should find all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Int64
from pydantic import Field

from ..components import component
from ..errors import UserError
from ..randomness import Purpose, stream
from . import Batch, Contents, Job, Source
from .idx import Idx

BLOCK = 256
"""Pictures of one random stream, and of one job. Part of every result: never change it."""
SIDE = 28
DIGITS, LABELS = "digits.bin", "labels.bin"
"""Files of plain bytes."""
BORDERS = {"28x28": 0, "32x32": 2}
"""By `data.variant`: black pixels added on each side."""


@component
class StackedMnist(Source):
    """`count` random triples of MNIST's 70,000 digits; class 314 shows a 3 in red, a 1 in green and a 4 in blue.

    PacGAN's protocol (Lin et al. 2018) has 128,000 pictures of 28x28 pixels. Results at 32x32 (StyleGAN2, R3GAN and
    others) come from the same digits within two black pixels on each side, which the variant `32x32` adds, whatever
    `data.alpha` says. Figures of the one size say nothing about the other.
    """

    path: str | None = None
    """The directory with MNIST's four files; may be empty where `download` is on."""
    download: bool = False
    """Fetches the files that are not there."""
    variant: str | None = None
    """A key of BORDERS; none: 28x28."""
    count: Annotated[int, Field(gt=0)] = 128_000
    seed: Annotated[int, Field(ge=0)] = 0

    def open(self, scratch: Path) -> Contents:
        """Lays the digits into `scratch`, where the jobs have them mapped; no picture is drawn yet."""
        variant = self.variant or "28x28"
        if variant not in BORDERS:
            raise UserError(f"data.variant is {variant!r}; choose one of: {', '.join(BORDERS)}.")
        digits = _lay_down(Idx(path=self.path, download=self.download).open(scratch), scratch)
        starts = range(0, self.count, BLOCK)
        return Contents(
            count=self.count,
            classes=tuple(f"{number:03}" for number in range(1000)),
            jobs=[
                Block(scratch, digits, self.seed, start // BLOCK, min(BLOCK, self.count - start), BORDERS[variant])
                for start in starts
            ],
            drawn=True,
            notes=(f"random triples of {digits} digits, {variant} pixels as drawn",),
        )


@dataclass(frozen=True)
class Block(Job):
    """The first `count` pictures of a block."""

    folder: Path
    """Where the digits lie."""
    digits: int
    """How many."""
    seed: int
    block: int
    count: int
    border: int

    def run(self) -> Iterator[Batch]:
        """One batch; names count through all blocks."""
        chosen = triples(self.seed, self.block, digits=self.digits)[: self.count]
        pixels = np.memmap(self.folder / DIGITS, np.uint8, mode="r", shape=(self.digits, SIDE, SIDE))[chosen]
        labels = np.fromfile(self.folder / LABELS, np.uint8)[chosen]
        border = (self.border, self.border)
        first = self.block * BLOCK
        yield Batch(
            pixels=np.pad(pixels, ((0, 0), (0, 0), border, border)),
            labels=labels.astype(np.int64) @ np.array([100, 10, 1]),
            names=[f"stacked[{i}]" for i in range(first, first + self.count)],
            mode="RGB",
            done=(f"{self.border} black pixels added on each side",) if self.border else (),
        )


def triples(seed: int, block: int, *, digits: int) -> Int64[np.ndarray, "pictures 3"]:
    """Which digits each picture of a block shows. Picture i stands in block i // BLOCK, however many are drawn."""
    return stream(seed, Purpose.STACKED_DIGITS, block).integers(digits, size=(BLOCK, 3))


def _lay_down(mnist: Contents, scratch: Path) -> int:
    """Writes all digits into one file and their labels into another; returns how many. UserError unless they are."""
    if not mnist.count:
        raise UserError("data.path holds IDX files without a picture; name the directory with MNIST's.")
    with (scratch / DIGITS).open("wb") as digits, (scratch / LABELS).open("wb") as labels:
        for job in mnist.jobs:
            for batch in job.run():
                assert isinstance(batch, Batch)  # a whole file is broken, or none of it
                _, _, height, width = batch.pixels.shape
                if (height, width) != (SIDE, SIDE) or batch.labels.max() > 9:
                    raise UserError(
                        f"data.path holds {height}x{width} pictures with labels up to {batch.labels.max()}, where "
                        f"stacked_mnist needs MNIST's digits of {SIDE}x{SIDE} pixels; name the directory with these."
                    )
                digits.write(batch.pixels.tobytes())
                labels.write(batch.labels.astype(np.uint8).tobytes())
    return mnist.count
