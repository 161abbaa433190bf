"""FID and KID obey the laws of distances between distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.metrics import Absent, Counts, Evidence, Seen
from ganlib.metrics.fid import FrechetDistance
from ganlib.metrics.kid import KernelDistance

seeds = st.integers(0, 1000)
few = settings(max_examples=10, deadline=None)


def seen_from(features: torch.Tensor) -> Seen:
    return Seen("the pictures", features, features, None)


def cloud(seed: int, *, n: int = 60, shift: float = 0.0, dim: int = 5) -> Seen:
    return seen_from(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)) + shift)


def fid(generated: Seen, train: Seen) -> float:
    result = FrechetDistance().measure(Evidence(generated, train, heldout=train))
    return float(result["fid"]["value"])


def kid(generated: Seen, train: Seen, *, seed: int = 0) -> float:
    metric = KernelDistance(kid_subsets=5, kid_subset_size=30, seed=seed)
    return float(metric.measure(Evidence(generated, train, heldout=train))["kid"]["mean"])


@few
@given(seed=seeds)
def test_fid_of_a_set_with_itself_is_zero(seed: int) -> None:
    assert fid(cloud(seed), cloud(seed)) == pytest.approx(0, abs=1e-5)


@few
@given(seed=seeds, shift=st.floats(-2, 2))
def test_fid_is_symmetric(seed: int, shift: float) -> None:
    one, other = cloud(seed), cloud(seed + 1, shift=shift)
    assert fid(one, other) == pytest.approx(fid(other, one), abs=1e-5)


@few
@given(seed=seeds)
def test_fid_does_not_depend_on_the_order(seed: int) -> None:
    one, other = cloud(seed), cloud(seed + 1, shift=0.5)
    mixed = seen_from(one.features[torch.randperm(60, generator=torch.Generator().manual_seed(seed))])
    assert fid(mixed, other) == pytest.approx(fid(one, other), abs=1e-5)


def test_fid_of_shifted_sets_is_the_squared_shift() -> None:
    # Equal covariances: only ||mu1 - mu2||^2 is left, here 5 * 2^2.
    assert fid(cloud(0, shift=2), cloud(0)) == pytest.approx(20, rel=1e-4)


def test_fid_favours_many_pictures_over_few() -> None:
    at_few = [fid(cloud(seed, n=10), cloud(99, n=400)) for seed in range(20)]
    at_many = [fid(cloud(seed, n=200), cloud(99, n=400)) for seed in range(20)]
    assert sum(at_few) > sum(at_many)


def test_fid_is_absent_where_eigenvalues_cannot_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: np.ndarray) -> np.ndarray:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(np.linalg, "eigvals", fail)
    with pytest.raises(Absent, match="did not converge"):
        fid(cloud(0), cloud(1))


def test_kid_of_one_distribution_is_zero_on_average() -> None:
    values = torch.tensor([kid(cloud(2 * seed), cloud(2 * seed + 1), seed=seed) for seed in range(40)])
    standard_error = values.std() / len(values) ** 0.5
    assert abs(values.mean()) < 3 * standard_error
    assert (values < 0).any()  # unbiased: it may fall below zero


def test_kid_tells_two_distributions_apart() -> None:
    assert kid(cloud(0, shift=1), cloud(1)) > 10 * abs(kid(cloud(0), cloud(1)))


def test_kid_needs_subsets_of_two_and_not_more_than_there_are() -> None:
    def obstacles(size: int) -> list[str]:
        return KernelDistance(kid_subsets=1, kid_subset_size=size, seed=0).obstacles(Counts(50, 40, 30))

    assert not obstacles(2)
    assert not obstacles(30)
    assert "set it between 2 and 30" in obstacles(31)[0]
    assert obstacles(1)
