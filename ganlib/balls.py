"""Who lies inside whose ball: what precision, recall, density and coverage are made of. In blocks of bounded memory.

A ball holds its border, and EQUAL distances count as one, so that a copy lies on the border where its original does.
"""

from collections.abc import Iterator
from typing import TypeAlias

import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from .distances import EQUAL, Bounds, Product, blocks, exact_distances, precisions
from .neighbours import CPU, FEW_FEATURES, tree_of

Ones: TypeAlias = Float32[Tensor, "ones features"]
Others: TypeAlias = Float32[Tensor, "others features"]
Pairs: TypeAlias = tuple[Int64[Tensor, " pairs"], Int64[Tensor, " pairs"]]
"""Positions among the ones, and among the others."""


def inside_balls(
    ones: Ones,
    others: Others,
    *,
    radii_of_ones: Float64[Tensor, " ones"] | None = None,
    radii_of_others: Float64[Tensor, " others"] | None = None,
    device: torch.device = CPU,
) -> Iterator[tuple[Pairs, Pairs]]:
    """Pairs whose other is in the ball around the one, and pairs whose one is in that around the other; on the CPU.

    They come some at a time, in no promised order, each once in its kind. There are none of a kind without radii.
    """
    if not (len(ones) and len(others)):
        return
    ones, others = ones.to(device), others.to(device)
    if ones.shape[1] > FEW_FEATURES:
        yield from _by_product(ones, others, radii_of_ones, radii_of_others)
        return
    if radii_of_ones is not None:
        yield from ((pairs, _no_pairs()) for pairs in _by_tree(ones, others, radii_of_ones))
    if radii_of_others is not None:
        yield from ((_no_pairs(), (one, other)) for other, one in _by_tree(others, ones, radii_of_others))


def _no_pairs() -> Pairs:
    return torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)


def _by_tree(centres: Ones, points: Others, radii: Float64[Tensor, " ones"]) -> Iterator[Pairs]:
    tree = tree_of(points)
    for rows in blocks(torch.arange(len(centres)), len(points)):
        found = tree.query_radius(centres[rows].cpu().double().numpy(), r=(radii[rows] * EQUAL).numpy())
        inside = torch.cat([torch.from_numpy(each) for each in found])
        yield rows.repeat_interleave(torch.tensor([len(each) for each in found])), inside


def _by_product(
    ones: Ones,
    others: Others,
    radii_of_ones: Float64[Tensor, " ones"] | None,
    radii_of_others: Float64[Tensor, " others"] | None,
) -> Iterator[tuple[Pairs, Pairs]]:
    product = Product(others)
    for rows in blocks(torch.arange(len(ones)), len(others), features=others.shape[1]):
        block = ones[rows.to(ones.device)]
        bounds = product.bounds(block, precisions()[0])
        kinds = [_no_pairs(), _no_pairs()]
        if radii_of_ones is not None:
            kinds[0] = _inside(bounds, block, others, radii_of_ones[rows][:, None])
        if radii_of_others is not None:
            kinds[1] = _inside(bounds, block, others, radii_of_others[None])
        (first, inner), (second, outer) = kinds
        yield (rows[first], inner), (rows[second], outer)


def _inside(bounds: Bounds, ones: Ones, others: Others, radii: Float64[Tensor, "#ones #others"]) -> Pairs:
    """Pairs that are no further apart than the radii, which are one column or one row."""
    reach = radii.to(ones.device) * EQUAL
    limits = (reach / bounds.scale).square().to(bounds.lower.dtype)
    # Few pairs are possible, so all that follows is about single pairs: passes over all of them are what takes time.
    one, other = (bounds.lower <= limits).nonzero(as_tuple=True)
    upper = bounds.lower[one, other] + bounds.more_of_ones[one] + bounds.more_of_others[other]
    inside = upper <= limits.expand(bounds.lower.shape)[one, other]
    unsure = (~inside).nonzero()[:, 0]
    left_one, left_other = one[unsure], other[unsure]
    apart = exact_distances(ones, others, left_one, left_other)
    inside[unsure] = apart <= reach.expand(bounds.lower.shape)[left_one, left_other]
    return one[inside].cpu(), other[inside].cpu()
