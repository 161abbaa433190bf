"""The nearest of many pictures by Euclidean distance, in blocks of bounded memory.

A product of matrices in float32 narrows the choice to a few more than are asked for, and their distances are computed
anew from differences in float64 (see `distances`). Where the product's rounding may have hidden a neighbour, as in
narrow modes, a float64 product follows, and all differences where that will not do either. So the result is exact, and
depends neither on blocks nor on the order of pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from .distances import EQUAL, Product, all_exact_distances, blocks, exact_distances, precisions

FEW_FEATURES = 8
"""Up to so many, a tree finds neighbours in a fraction of the time that all distances take."""
SPARE = 8
"""Candidates beyond those that were asked for, so that rounding rarely hides a neighbour. Changes no result."""
CPU = torch.device("cpu")

Some: TypeAlias = Float32[Tensor, "some features"]
Many: TypeAlias = Float32[Tensor, "many features"]
Choose: TypeAlias = Callable[[Some, int], tuple[Int64[Tensor, "some count"], Float64[Tensor, " some"]]]
"""Candidates for each query, and how far away all other references are at least."""


@dataclass(frozen=True)
class Neighbours:
    """Row i: the k nearest of query i, from the nearest on; equally near ones by position."""

    distances: Float64[Tensor, "queries k"]
    indices: Int64[Tensor, "queries k"]
    """Positions among the references."""


def nearest(
    queries: Some, references: Many, k: int, *, device: torch.device = CPU, among_themselves: bool = False
) -> Neighbours:
    """The k nearest references of each query, computed on `device` and returned on the CPU.

    `among_themselves`: the queries are the references, and none is its own neighbour. Another one that equals it is,
    at distance 0. Features must be finite.
    """
    assert 0 < k <= len(references) - among_themselves, "there are as many references as neighbours asked for"
    assert not among_themselves or len(queries) == len(references)
    queries, references = queries.to(device), references.to(device)
    distinct = _Distinct(references, at_most=k + among_themselves)
    search = _Search(references[distinct.firsts])
    needed = min(len(distinct.firsts), k + among_themselves)
    parts = []
    width = references.shape[1]
    for rows in blocks(torch.arange(len(queries), device=device), len(distinct.firsts), features=width):
        found = search.nearest(queries[rows], needed)
        parts.append(distinct.expanded(*found, k, rows if among_themselves else None))
    distances, indices = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    return Neighbours(distances, indices)


class _Distinct:
    """References without repetition: of thousands of equal ones, no product could tell which are candidates."""

    def __init__(self, references: Many, at_most: int) -> None:
        # Zero is added because -0 equals 0 but has other bytes.
        rows = np.ascontiguousarray((references + 0).cpu().numpy())
        as_bytes = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]
        _, firsts, inverse, counts = np.unique(as_bytes, return_index=True, return_inverse=True, return_counts=True)
        members = np.argsort(inverse.reshape(-1), kind="stable")
        place = np.arange(min(int(counts.max()), at_most))
        table = members[np.minimum((np.cumsum(counts) - counts)[:, np.newaxis] + place, len(rows) - 1)]
        table[place >= counts[:, np.newaxis]] = len(rows)
        order = np.argsort(firsts)
        self.firsts: Int64[Tensor, " distinct"] = torch.from_numpy(firsts[order]).to(references.device)
        """Where each stands first, ascending."""
        self.table: Int64[Tensor, "distinct members"] = torch.from_numpy(table[order]).to(references.device)
        """Where each stands, at the first `at_most` places; then the number of all references."""
        self.nowhere = len(rows)

    def expanded(
        self,
        distances: Float64[Tensor, "queries found"],
        found: Int64[Tensor, "queries found"],
        k: int,
        own: Int64[Tensor, " queries"] | None,
    ) -> tuple[Float64[Tensor, "queries {k}"], Int64[Tensor, "queries {k}"]]:
        """The k nearest references, when these are the nearest distinct ones; `own` are no neighbours."""
        indices = self.table[found]
        none = indices == self.nowhere
        if own is not None:
            none = none | (indices == own[:, None, None])
        distances = distances[..., None].expand(indices.shape).masked_fill(none, torch.inf)
        return _sorted(distances.flatten(1), indices.flatten(1), k)


class _Search:
    """For the nearest of references that are all different."""

    def __init__(self, references: Many) -> None:
        self.references = references
        self.ways = [_tree(references)] if references.shape[1] <= FEW_FEATURES else _products(references)

    def nearest(self, queries: Some, needed: int) -> tuple[Float64[Tensor, "some found"], Int64[Tensor, "some found"]]:
        """At least the `needed` nearest of each query, from the nearest on; equally near ones by position."""
        count = min(needed + SPARE, len(self.references))
        distances = torch.empty(len(queries), count, dtype=torch.float64, device=queries.device)
        indices = torch.empty(len(queries), count, dtype=torch.int64, device=queries.device)
        left = torch.arange(len(queries), device=queries.device)
        for choose in self.ways:
            found, beyond = choose(queries[left], count)
            exact = exact_distances(queries, self.references, left[:, None].expand(found.shape), found)
            distances[left], indices[left] = _sorted(exact, found, count)
            # Any other that is as near as the last that is needed might have to take its place.
            left = left[distances[left, needed - 1] * EQUAL >= beyond] if count < len(self.references) else left[:0]
            if not len(left):
                return distances, indices
        for rows in blocks(left, len(self.references)):
            everything, order = all_exact_distances(queries[rows], self.references).sort(dim=1, stable=True)
            distances[rows], indices[rows] = everything[:, :count], order[:, :count]
        return distances, indices


def tree_of(features: Many) -> Any:
    """scikit-learn's KDTree of the pictures, which has no types."""
    from sklearn.neighbors import KDTree

    return KDTree(features.cpu().double().numpy())


def _tree(references: Many) -> Choose:
    tree = tree_of(references)

    def choose(queries: Some, count: int) -> tuple[Int64[Tensor, "some count"], Float64[Tensor, " some"]]:
        distances, indices = tree.query(queries.cpu().double().numpy(), k=count)
        to = queries.device
        return torch.from_numpy(indices.astype(np.int64)).to(to), torch.from_numpy(distances[:, -1].copy()).to(to)

    return choose


def _products(references: Many) -> list[Choose]:
    product = Product(references)

    def choose(
        queries: Some, count: int, *, dtype: torch.dtype
    ) -> tuple[Int64[Tensor, "some count"], Float64[Tensor, " some"]]:
        bounds = product.bounds(queries, dtype)
        lower, indices = bounds.lower.topk(count, dim=1, largest=False, sorted=True)
        return indices, bounds.scale * lower[:, -1].double().clamp(min=0).sqrt()

    return [partial(choose, dtype=dtype) for dtype in precisions()]


def _sorted(
    distances: Float64[Tensor, "queries found"], indices: Int64[Tensor, "queries found"], first: int
) -> tuple[Float64[Tensor, "queries {first}"], Int64[Tensor, "queries {first}"]]:
    """The first so many by distance, and by position where that is the same."""
    indices, by_position = indices.sort(dim=1)
    distances, by_distance = distances.gather(1, by_position).sort(dim=1, stable=True)
    return distances[:, :first], indices.gather(1, by_distance)[:, :first]
