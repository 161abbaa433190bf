"""Euclidean distances between two sets of pictures: bounds of all of them, and single ones exactly.

|a|² + |b|² - 2ab is one product of matrices for all pairs, and useless for the small distances that copies have: what
is left of two great numbers is mostly their rounding. So it only gives bounds; what they leave open is settled by
distances from differences in float64.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

AT_ONCE = 1 << 22
"""Numbers in a block: 16 MB in float32, of which a few are held at a time; glibc takes larger ones from the system anew
each time, page by page. Changes no result."""
IN_CACHE = 1 << 18
"""Numbers in a block of differences: their copies in float64 still fit into a processor's cache. Changes no result."""
KEPT = 1 << 26
"""Numbers in features of which a product keeps a copy: 256 MB in float32. Changes no result."""
EQUAL = 1 + 1e-12
"""Distances within this factor are the same: the same one computed in two ways may differ in its last bits."""


def blocks(rows: Tensor, columns: int, *, features: int = 1) -> tuple[Tensor, ...]:
    """The rows in parts, none of which makes more than a block with so many numbers for each.

    A product looks at all the columns' features anew for each block where they are too many to keep: then blocks are
    larger.
    """
    at_once = AT_ONCE if columns * features <= KEPT else 4 * AT_ONCE
    return torch.split(rows, max(1, at_once // columns))


def exact_distances(
    ones: Float32[Tensor, "some features"],
    others: Float32[Tensor, "many features"],
    one: Int64[Tensor, " *pairs"],
    other: Int64[Tensor, " *pairs"],
) -> Float64[Tensor, " *pairs"]:
    """Of the pairs of these positions, from differences in float64."""
    pairs = torch.stack([one.reshape(-1), other.reshape(-1)], dim=1)
    parts = [
        torch.linalg.vector_norm(ones[part[:, 0]].double() - others[part[:, 1]].double(), dim=1)
        for part in torch.split(pairs, max(1, IN_CACHE // ones.shape[1]))
    ]
    return torch.cat(parts).reshape(one.shape)


def all_exact_distances(
    ones: Float32[Tensor, "some features"], others: Float32[Tensor, "many features"]
) -> Float64[Tensor, "some many"]:
    """Of every one to every other, from differences in float64: slow."""
    parts = [
        torch.cdist(ones.double(), part.double(), compute_mode="donot_use_mm_for_euclid_dist")
        for part in blocks(others, ones.shape[1])
    ]
    return torch.cat(parts, dim=1)


def precisions() -> list[torch.dtype]:
    """Of products, the fast one first; it is left out where it may be shortened: the bounds would not hold."""
    # Not torch.get_float32_matmul_precision, which raises once a training has set how CUDA rounds.
    on_cpu = torch.backends.mkldnn.matmul.fp32_precision  # type: ignore[attr-defined] # set when torch is imported
    settings = {torch.backends.cuda.matmul.fp32_precision, on_cpu}
    return [torch.float32, torch.float64][bool(settings - {"none", "ieee"}) :]


@dataclass(frozen=True)
class Bounds:
    """Squared distances, in units of scale², are at least `lower` and more by at most the sum of the others."""

    lower: Float[Tensor, "some many"]
    more_of_ones: Float[Tensor, " some"]
    more_of_others: Float[Tensor, " many"]
    scale: float


Moved: TypeAlias = tuple[Float[Tensor, "any features"], Float[Tensor, " any"]]


class Product:
    """Bounds of distances to `others`, by products of matrices of features that are centred on theirs."""

    def __init__(self, others: Float32[Tensor, "many features"]) -> None:
        self.parts = torch.split(others, max(1, 4 * AT_ONCE // others.shape[1]))
        self.keeps = others.numel() <= KEPT
        self.kept: dict[tuple[float, torch.dtype], Moved] = {}
        total = torch.stack([part.double().sum(dim=0) for part in self.parts]).sum(dim=0)
        self.centre: Float64[Tensor, " features"] = total / len(others)
        self.reach = max(self._reach(part) for part in self.parts)

    def _reach(self, features: Float32[Tensor, "any features"]) -> float:
        edges = torch.stack(torch.aminmax(features, dim=0))
        return float((edges.double() - self.centre).abs().max())

    def bounds(self, ones: Float32[Tensor, "some features"], dtype: torch.dtype) -> Bounds:
        """Of each one's distance to each other.

        A sum of d products errs by at most d eps/2 of their magnitudes. Here are two such sums, of norms and of twice
        the product, hence (d + 16) eps (|a|² + |b|²) with some room, and what underflows.
        """
        # A power of two, so that division is exact; without it the squares of float32's greatest numbers overflow.
        scale = 2.0 ** math.frexp(max(self.reach, self._reach(ones)))[1]
        width, limits = ones.shape[1], torch.finfo(dtype)
        slack, underflow = (width + 16) * limits.eps, 4 * width * limits.tiny
        moved, norms = self._moved(ones, scale, dtype)
        lower, all_norms = [], []
        for others, their_norms in self._others(scale, dtype):
            lower.append(torch.addmm((1 - slack) * their_norms, moved, others.T, alpha=-2))
            all_norms.append(their_norms)
        below = lower[0] if len(lower) == 1 else torch.cat(lower, dim=1)
        below += ((1 - slack) * norms - underflow)[:, None]
        return Bounds(below, 2 * (slack * norms + underflow), 2 * slack * torch.cat(all_norms), scale)

    def _others(self, scale: float, dtype: torch.dtype) -> Iterator[Moved]:
        """All others, moved, in one piece or in parts."""
        moved = (self._moved(part, scale, dtype) for part in self.parts)
        if not self.keeps:
            yield from moved
            return
        if (scale, dtype) not in self.kept:
            features, norms = zip(*moved, strict=True)
            self.kept = {(scale, dtype): (torch.cat(features), torch.cat(norms))}
        yield self.kept[scale, dtype]

    def _moved(self, features: Float32[Tensor, "any features"], scale: float, dtype: torch.dtype) -> Moved:
        """Centred features in units of `scale`, and their squared norms."""
        moved = (features.double() - self.centre) / scale
        return moved.to(dtype), moved.square().sum(dim=1).to(dtype)
