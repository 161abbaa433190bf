"""Real images for the discriminator: batch k is the same whoever asks, however often the training was resumed."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Int64

from . import images
from .prepared import Split
from .randomness import Purpose, stream
from .shapes import Images, Labels

ON_DEVICE_LIMIT = 4 << 30
"""Bytes of pixels up to which the whole data set is kept on a CUDA device."""


def order(seed: int, purpose: Purpose, n: int, start: int, count: int) -> Int64[np.ndarray, " count"]:
    """Which of n images stand at positions start .. start + count of an endless series of shuffled epochs."""
    parts = []
    while count > 0:
        epoch, within = divmod(start, n)
        part = _shuffled(seed, purpose, n, epoch)[within : within + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts)


@lru_cache(maxsize=4)  # two orders, each at most in two epochs at once
def _shuffled(seed: int, purpose: Purpose, n: int, epoch: int) -> Int64[np.ndarray, " n"]:
    return stream(seed, purpose, epoch).permutation(n)


class RealImages:
    """The training pictures in two shuffled orders, one for each player's steps.

    On a CUDA device the pixels are uploaded once and batches are gathered there; otherwise they are read from the
    memory map. Labels are none where the players see none.
    """

    def __init__(self, data: Split, *, seed: int, conditional: bool, device: torch.device) -> None:
        self.data, self.seed, self.device = data, seed, device
        self.labels = torch.from_numpy(data.labels).to(device) if conditional else None
        on_device = device.type == "cuda" and data.pixels.nbytes <= ON_DEVICE_LIMIT
        self.pixels = torch.from_numpy(np.ascontiguousarray(data.pixels)).to(device) if on_device else None

    def batch(self, purpose: Purpose, start: int, count: int) -> tuple[Images, Labels | None]:
        """The images at `count` positions of the purpose's order, in [-1, 1], and their labels."""
        rows = order(self.seed, purpose, len(self.data), start, count)
        index = torch.from_numpy(rows).to(self.device, non_blocking=True)
        if self.pixels is not None:
            pixels = self.pixels[index]
        else:
            pixels = torch.from_numpy(self.data.pixels[rows]).to(self.device, non_blocking=True)
        return images.to_unit_range(pixels), None if self.labels is None else self.labels[index]
