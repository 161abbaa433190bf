"""Whatever way is taken, the neighbours are those that differences in float64 show."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib import distances
from ganlib.neighbours import Neighbours, nearest

KINDS = ("spread", "grid", "repeated", "narrow", "far", "huge", "tiny", "one_far_off", "equal")


def pictures(kind: str, n: int, features: int, seed: int) -> Tensor:
    """Features that are easy, and such as products of float32 make mistakes with."""
    random = torch.Generator().manual_seed(seed)
    spread = torch.randn(n, features, generator=random)
    few = torch.randint(0, 3, (n,), generator=random)
    if kind == "one_far_off":
        spread[n // 2] *= 1e20
    return {
        "spread": spread,
        "one_far_off": spread,
        "grid": spread.round(),
        "repeated": spread[few],
        "narrow": spread[few] + 1e-5 * spread,
        "far": 1e-2 * spread + 1e3,
        "huge": 1e37 * spread,
        "tiny": 1e-30 * spread,
        "equal": spread[:1].repeat(n, 1),
    }[kind]


def by_differences(queries: Tensor, references: Tensor, k: int, *, among_themselves: bool) -> tuple[Tensor, Tensor]:
    apart = (queries.double()[:, None] - references.double()).square().sum(dim=-1).sqrt()
    if among_themselves:
        apart.fill_diagonal_(torch.inf)
    nearby, indices = apart.sort(dim=1, stable=True)
    return nearby[:, :k], indices[:, :k]


def same(one: Neighbours, other: Neighbours) -> bool:
    return torch.equal(one.distances, other.distances) and torch.equal(one.indices, other.indices)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(4, 40),
    features=st.sampled_from((1, 2, 8, 9, 33)),
    k=st.integers(1, 3),
    at_once=st.sampled_from((7, 100, 1 << 24)),
    kept=st.sampled_from((0, 1 << 24)),
    among_themselves=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_neighbours_are_those_that_all_differences_show(
    kind: str, n: int, features: int, k: int, at_once: int, kept: int, among_themselves: bool, seed: int
) -> None:
    references = pictures(kind, n, features, seed)
    others = torch.cat([references[: n // 2], pictures(kind, 5, features, seed + 1)])
    queries = references if among_themselves else others
    expected, indices = by_differences(queries, references, k, among_themselves=among_themselves)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "AT_ONCE", at_once)
        patch.setattr(distances, "KEPT", kept)
        found = nearest(queries, references, k, among_themselves=among_themselves)
    torch.testing.assert_close(found.distances, expected, rtol=1e-12, atol=0)
    assert torch.equal(found.indices, indices)


@pytest.mark.parametrize("features", [3, 20])
def test_copies_are_at_distance_zero_and_small_changes_at_their_own(features: int) -> None:
    """The product formula in float32 finds about 0.1 for both, or nothing: it sums numbers near 200,000."""
    references = 100 + torch.randn(50, features, generator=torch.Generator().manual_seed(0))
    queries = references.clone()
    queries[1::2, 0] += 2**-14
    found = nearest(queries, references, 1)
    assert torch.equal(found.indices[:, 0], torch.arange(50))
    assert set(found.distances[:, 0].tolist()) == {0.0, 2**-14}


@pytest.mark.parametrize("features", [2, 30])
def test_a_copy_is_a_neighbour_but_the_picture_itself_is_not(features: int) -> None:
    pair = pictures("spread", 6, features, 0).repeat(2, 1)
    found = nearest(pair, pair, 2, among_themselves=True)
    assert torch.equal(found.indices[:, 0], (torch.arange(12) + 6) % 12)
    assert not found.distances[:, 0].any()
    assert bool((found.distances[:, 1] > 0).all())


def test_zeros_of_both_signs_are_one_place() -> None:
    zeros = torch.zeros(5, 10)
    zeros[1::2] = -0.0
    assert nearest(zeros, zeros, 4, among_themselves=True).indices[0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["spread", "repeated"])
@pytest.mark.parametrize("features", [2, 30])
def test_order_of_pictures_does_not_matter(kind: str, features: int) -> None:
    queries, references = pictures(kind, 20, features, 0), pictures(kind, 30, features, 1)
    shuffled = torch.randperm(30, generator=torch.Generator().manual_seed(2))
    found, again = nearest(queries, references, 3), nearest(queries.flip(0), references[shuffled], 3)
    assert torch.equal(found.distances.flip(0), again.distances)
    if kind == "spread":
        assert torch.equal(found.indices.flip(0), shuffled[again.indices])


@pytest.mark.parametrize("features", [2, 30])
def test_scale_changes_distances_alone(features: int) -> None:
    references = pictures("spread", 40, features, 0)
    found, larger = (nearest(each, each, 3, among_themselves=True) for each in (references, 1024 * references))
    assert torch.equal(1024 * found.distances, larger.distances)
    assert torch.equal(found.indices, larger.indices)


def test_same_pictures_give_same_bytes() -> None:
    references = pictures("narrow", 30, 20, 0)
    assert same(nearest(references, references, 3), nearest(references, references, 3))


def test_shortened_multiplications_on_a_gpu_cannot_change_neighbours() -> None:
    references = pictures("spread", 30, 20, 0)
    exactly = nearest(references, references, 3)
    before = torch.backends.cuda.matmul.fp32_precision
    try:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        assert distances.precisions() == [torch.float64]
        assert same(nearest(references, references, 3), exactly)
    finally:
        torch.backends.cuda.matmul.fp32_precision = before
    assert torch.float32 in distances.precisions()


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from((torch.float32, torch.float64)),
    features=st.sampled_from((1, 9, 300)),
    seed=st.integers(0, 1000),
)
def test_bounds_hold_the_distances(kind: str, dtype: torch.dtype, features: int, seed: int) -> None:
    ones, others = pictures(kind, 8, features, seed), pictures(kind, 12, features, seed + 1)
    bounds = distances.Product(others).bounds(ones, dtype)
    squared = (by_pairs(ones, others) / bounds.scale).square()
    lower = bounds.lower.double()
    upper = lower + bounds.more_of_ones[:, None].double() + bounds.more_of_others.double()
    assert bool((lower <= squared).all())
    assert bool((squared <= upper).all())
    assert bool(torch.isfinite(upper).all())


def by_pairs(ones: Tensor, others: Tensor) -> Tensor:
    one, other = torch.cartesian_prod(torch.arange(len(ones)), torch.arange(len(others))).unbind(dim=1)
    return distances.exact_distances(ones, others, one, other).reshape(len(ones), len(others))


@pytest.mark.parametrize("features", [1, 40])
def test_both_ways_to_exact_distances_agree(features: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ones, others = pictures("far", 8, features, 0), pictures("far", 12, features, 1)
    directly = by_pairs(ones, others)
    monkeypatch.setattr(distances, "AT_ONCE", 50)
    torch.testing.assert_close(distances.all_exact_distances(ones, others), directly, rtol=1e-13, atol=0)
    assert torch.equal(by_pairs(ones, others), directly)
