"""Each picture's nearest among others in pixels, however little it has been moved.

Two pictures differ by the least root-mean-square difference (grey levels, 0..255) over all shifts of up to `shift`
pixels each way, of what then overlaps. Pictures of more than SIDE pixels a side are made smaller first, by averaging
areas; a shift is then one of these larger pixels. Everything is computed in whole numbers, so neither the size of a
block nor the device changes a distance.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, Float64, Int8, Int64, UInt8
from torch import Tensor

from .neighbours import Neighbours
from .prepared import PixelArray, Split
from .shapes import Pixels

SIDE = 64
"""Pixels a side that pictures are compared with at most."""
THUMBNAIL = 256
"""Numbers in a thumbnail at most."""
CANDIDATES = 16
"""Pictures with the most similar thumbnails whose pixels are looked at."""
QUERIES, REFERENCES = 256, 16_384
"""Sides of a block of thumbnail distances: 16 MB."""
COMPARED = 1 << 23
"""Numbers of candidates' pixels that are compared at a time: 32 MB in float32."""
READ = 1 << 24
"""Numbers of pictures that are made smaller at a time."""


class PixelIndex:
    """Finds the nearest of `references`.

    Candidates are found by thumbnails of the picture at every shift, whose differences never exceed the pictures'
    own by much: a copy has (almost) the thumbnail of its original. Of honest pictures another may be found than the
    very nearest, at a slightly greater distance; in the same way for all that are asked for.
    """

    def __init__(self, references: PixelArray, *, shift: int, device: torch.device) -> None:
        self.references = shrunk(references, device)
        channels, height, width = self.references.shape[1:]
        self.shifts = _shifts(shift, height, width)
        self.thumbnail = _thumbnail_size(channels, height, width)
        self.device = device
        self.thumbnails: Int8[Tensor, "m numbers"] = torch.cat(
            [
                self._thumbnails(self._of(self.references[rows]).float()).to(torch.int8)
                for rows in _blocks(len(self.references), max(1, READ // (channels * height * width)))
            ]
        )

    def nearest(self, queries: PixelArray, k: int = 1) -> Neighbours:
        """Of each picture the k nearest references, in grey levels; of several equally near ones the first."""
        assert 0 < k <= min(CANDIDATES, len(self.references)), "there are as many candidates"
        smaller = shrunk(queries, self.device)
        distances = torch.empty(len(queries), k, dtype=torch.float64)
        indices = torch.empty(len(queries), k, dtype=torch.int64)
        for rows in _blocks(len(queries), QUERIES):
            # In their order, so that a stable sort leaves equal ones in it.
            candidates = self._candidates(self._of(smaller[rows])).sort(dim=1).values
            between, order = self._between(smaller[rows], candidates).sort(dim=1, stable=True)
            distances[rows], indices[rows] = between[:, :k], candidates.gather(1, order)[:, :k]
        return Neighbours(distances, indices)

    def distance(self, query: PixelArray, indices: Int64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Between picture i and the reference `indices[i]`."""
        return self._between(shrunk(query, self.device), indices[:, None])[:, 0]

    def _of(self, pixels: PixelArray) -> Pixels:
        return torch.from_numpy(np.array(pixels)).to(self.device)

    def _thumbnails(self, pictures: Float32[Tensor, "n channels height width"]) -> Float32[Tensor, "n numbers"]:
        # Whole numbers of at most 7 bits and a sign: sums of THUMBNAIL of their products are exact in float32 in any
        # order, even where a GPU rounds the factors to tf32.
        return torch.round(F.adaptive_avg_pool2d(pictures, self.thumbnail)).sub_(128).flatten(1)

    def _candidates(self, queries: Pixels) -> Int64[Tensor, "n candidates"]:
        """The references whose thumbnails are the most similar to one of a shifted picture, on the CPU."""
        height, width = queries.shape[2:]
        far = max(max(abs(down), abs(right)) for down, right in self.shifts)
        padded = F.pad(queries.float(), [far] * 4, mode="replicate")
        moved = [
            self._thumbnails(padded[..., far + down : far + down + height, far + right : far + right + width])
            for down, right in self.shifts
        ]
        nearest = torch.empty(len(queries), 0, device=self.device)
        indices = torch.empty(len(queries), 0, dtype=torch.int64, device=self.device)
        for rows in _blocks(len(self.thumbnails), REFERENCES):
            distances = _least_squares(moved, self.thumbnails[rows].float())
            least = distances.topk(min(CANDIDATES, distances.shape[1]), largest=False)
            nearest = torch.cat([nearest, least.values], dim=1)
            indices = torch.cat([indices, least.indices + rows.start], dim=1)
            best = nearest.topk(min(CANDIDATES, nearest.shape[1]), largest=False)
            nearest, indices = best.values, indices.gather(1, best.indices)
        return indices.cpu()

    def _between(
        self, queries: PixelArray, candidates: Int64[Tensor, "n candidates"]
    ) -> Float64[Tensor, "n candidates"]:
        """Every picture's distances to its own candidates, on the CPU."""
        size = candidates.shape[1] * int(np.prod(queries.shape[1:]))
        parts = []
        for rows in _blocks(len(queries), max(1, COMPARED // size)):
            chosen = self.references[candidates[rows].numpy().ravel()]
            others = self._of(chosen).reshape(-1, candidates.shape[1], *chosen.shape[1:])
            parts.append(_moved_distance(self._of(queries[rows]), others, self.shifts).cpu())
        return torch.cat(parts)


def shrunk(pixels: PixelArray, device: torch.device) -> UInt8[np.ndarray, "n channels rows columns"]:
    """The pictures with at most SIDE pixels a side: areas averaged and rounded, or just as they are."""
    channels, height, width = pixels.shape[1:]
    factor = -(-max(height, width) // SIDE)
    if factor == 1:
        return pixels
    size = (-(-height // factor), -(-width // factor))
    smaller = np.empty((len(pixels), channels, *size), np.uint8)
    for rows in _blocks(len(pixels), max(1, READ // (channels * height * width))):
        whole = torch.from_numpy(np.array(pixels[rows])).to(device).float()
        smaller[rows] = torch.round(F.adaptive_avg_pool2d(whole, size)).to(torch.uint8).cpu().numpy()
    return smaller


def exact_copies(queries: Split, references: Split) -> int:
    """How many pictures (or points) equal one of the references in every number."""
    known = {_digest(each) for each in references.pixels}
    return sum(_digest(each) in known for each in queries.pixels)


def _digest(numbers: np.ndarray) -> bytes:
    return blake2b(np.ascontiguousarray(numbers).tobytes(), digest_size=16).digest()


def _shifts(furthest: int, height: int, width: int) -> list[tuple[int, int]]:
    """(down, right), with a row and a column at least that still overlap."""
    down, right = min(furthest, height - 1), min(furthest, width - 1)
    return list(product(range(-down, down + 1), range(-right, right + 1)))


def _thumbnail_size(channels: int, height: int, width: int) -> tuple[int, int]:
    """(height, width), the largest with at most THUMBNAIL numbers; a single pixel where channels are many."""
    factor = 1
    while channels * -(-height // factor) * -(-width // factor) > THUMBNAIL and factor < max(height, width):
        factor += 1
    return -(-height // factor), -(-width // factor)


def _least_squares(
    moved: list[Float32[Tensor, "n numbers"]], thumbnails: Float32[Tensor, "m numbers"]
) -> Float32[Tensor, "n m"]:
    """Squared distances of thumbnails, the least over the shifts."""
    squares, least = thumbnails.square().sum(dim=1), None
    for each in moved:
        distances = torch.addmm(squares, each, thumbnails.T, alpha=-2).add_(each.square().sum(dim=1, keepdim=True))
        least = distances if least is None else torch.minimum(least, distances, out=least)
    assert least is not None
    return least


def _moved_distance(
    queries: Pixels, others: UInt8[Tensor, "batch candidates channels height width"], shifts: list[tuple[int, int]]
) -> Float64[Tensor, "batch candidates"]:
    """The root of the mean squared difference, the least over the shifts."""
    height, width = queries.shape[2:]
    left, right = queries[:, None].float(), others.float()
    least = torch.full(others.shape[:2], torch.inf, dtype=torch.float64, device=others.device)
    for down, across in shifts:
        one = left[..., max(down, 0) : height + min(down, 0), max(across, 0) : width + min(across, 0)]
        other = right[..., max(-down, 0) : height + min(-down, 0), max(-across, 0) : width + min(-across, 0)]
        # Squares are whole and below 2^24, and float64 adds them up without rounding.
        squares = (one - other).square_().flatten(2)
        least = torch.minimum(least, squares.sum(dim=2, dtype=torch.float64) / squares.shape[2])
    return least.sqrt()


def _blocks(n: int, size: int) -> Iterator[slice]:
    for first in range(0, n, size):
        yield slice(first, min(first + size, n))
