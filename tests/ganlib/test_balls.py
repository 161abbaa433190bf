"""Who is inside whose ball is decided as if all distances were known in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib import distances
from ganlib.balls import Pairs, inside_balls


def listed(pairs: list[Pairs]) -> list[tuple[int, int]]:
    return sorted(pair for one, other in pairs for pair in zip(one.tolist(), other.tolist(), strict=True))


def both(ones: Tensor, others: Tensor, radii: Tensor | None, their_radii: Tensor | None) -> list[list[tuple[int, int]]]:
    found = list(inside_balls(ones, others, radii_of_ones=radii, radii_of_others=their_radii))
    return [listed([kinds[kind] for kinds in found]) for kind in (0, 1)]


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(1, 20),
    m=st.integers(1, 20),
    features=st.sampled_from((1, 2, 8, 9, 40)),
    at_once=st.sampled_from((5, 60, 1 << 24)),
    kept=st.sampled_from((0, 1 << 24)),
    narrow=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_pairs_are_those_that_all_differences_show(
    n: int, m: int, features: int, at_once: int, kept: int, narrow: bool, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    ones, others = (torch.randn(count, features, generator=random) for count in (n, m))
    if narrow:  # where a product of float32 knows nothing at all
        ones, others = (torch.cat([5 + 1e-4 * part, -5 + 1e-4 * part]) for part in (ones, others))
    apart = (ones.double()[:, None] - others.double()).square().sum(dim=-1).sqrt()
    radii, their_radii = (
        torch.rand(len(part), generator=random, dtype=torch.float64) * apart.median() * 2 for part in (ones, others)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "AT_ONCE", at_once)
        patch.setattr(distances, "KEPT", kept)
        inside, outer = both(ones, others, radii, their_radii)
        alone = both(ones, others, radii, None)
    assert inside == [tuple(pair) for pair in (apart <= radii[:, None]).nonzero().tolist()]
    assert outer == [tuple(pair) for pair in (apart <= their_radii).nonzero().tolist()]
    assert alone == [inside, []]


@pytest.mark.parametrize("features", [2, 30])
def test_a_ball_holds_its_border_whoever_asks(features: int) -> None:
    ones = torch.randn(30, features, generator=torch.Generator().manual_seed(0))
    apart = torch.cdist(ones.double(), ones.double(), compute_mode="donot_use_mm_for_euclid_dist")
    farthest = apart.max(dim=1).values
    inside, outer = both(ones, ones, farthest, farthest)
    assert len(inside) == len(outer) == 900


@pytest.mark.parametrize("features", [2, 30])
def test_a_ball_without_extent_holds_copies_alone(features: int) -> None:
    ones = 1000 + torch.randn(10, features, generator=torch.Generator().manual_seed(0))
    others = ones.clone()
    others[5:] = torch.nextafter(others[5:], others[5:] + 1)
    none = torch.zeros(10, dtype=torch.float64)
    assert both(ones, others, none, none) == [[(row, row) for row in range(5)]] * 2


@pytest.mark.parametrize("features", [2, 30])
def test_nobody_is_inside_nothing(features: int) -> None:
    ones, radii = torch.randn(3, features), torch.ones(3, dtype=torch.float64)
    assert both(ones, ones[:0], radii, radii[:0]) == both(ones[:0], ones, radii[:0], radii) == [[], []]


def test_balls_larger_than_everything_hold_all() -> None:
    ones = torch.randn(4, 20, generator=torch.Generator().manual_seed(0))
    assert len(both(ones, ones[:3], torch.full((4,), 1e300, dtype=torch.float64), None)[0]) == 12
