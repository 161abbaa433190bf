"""Moments add up, and the Frechet distance is torch-fidelity's number, found faster."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib import moments
from ganlib.moments import Moments, frechet_distance, without_each_group
from ganlib.uncertainty import groups_of, rows_without

seeds = st.integers(0, 1000)
few = settings(max_examples=10, deadline=None)


def cloud(seed: int, *, n: int = 60, dim: int = 5, shift: float = 0.0) -> torch.Tensor:
    """Features of unequal and dependent variances."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dim, dim, generator=generator) / dim**0.5 + torch.eye(dim)
    features: torch.Tensor = torch.randn(n, dim, generator=generator) @ mixing + shift
    return features


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return frechet_distance(Moments.of(one), Moments.of(other))


def theirs(one: torch.Tensor, other: torch.Tensor) -> float:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    statistics = [fid_features_to_statistics(features) for features in (one, other)]
    return float(fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"])


@few
@given(seed=seeds, dim=st.integers(2, 12), shift=st.floats(-2, 2))
def test_the_distance_is_torch_fidelitys(seed: int, dim: int, shift: float) -> None:
    one, other = cloud(seed, dim=dim, n=80), cloud(seed + 1, dim=dim, shift=shift)
    assert distance(one, other) == pytest.approx(theirs(one, other), rel=1e-9, abs=1e-9)


@few
@given(seed=seeds)
def test_with_fewer_pictures_than_features_it_is_theirs_as_far_as_theirs_goes(seed: int) -> None:
    one, other = cloud(seed, dim=40, n=15), cloud(seed + 1, dim=40, n=25)
    assert distance(one, other) == pytest.approx(theirs(one, other), abs=1e-4)


@pytest.mark.parametrize("n", [2, 15, 40, 41, 200])
def test_a_set_is_at_no_distance_from_itself(n: int) -> None:
    features = cloud(3, dim=40, n=n)
    assert distance(features, features) == pytest.approx(0, abs=1e-7)


@few
@given(seed=seeds, n=st.sampled_from([8, 60]))
def test_the_distance_is_symmetric(seed: int, n: int) -> None:
    one, other = cloud(seed, n=n, dim=10), cloud(seed + 1, dim=10, shift=0.5)
    assert distance(one, other) == pytest.approx(distance(other, one), rel=1e-9)


@few
@given(seed=seeds, n=st.sampled_from([8, 60]))
def test_the_distance_is_the_same_in_turned_coordinates(seed: int, n: int) -> None:
    one, other = cloud(seed, n=n, dim=10), cloud(seed + 1, dim=10, shift=0.5)
    turn = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(seed))).Q
    assert distance(one @ turn, other @ turn) == pytest.approx(distance(one, other), rel=1e-4)


@few
@given(seed=seeds)
def test_neither_order_nor_chunks_matter(seed: int) -> None:
    one, other = cloud(seed), cloud(seed + 1)
    mixed = Moments.of(one[torch.randperm(60, generator=torch.Generator().manual_seed(seed))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "ROWS_AT_ONCE", 7)
        chunked = Moments.of(one)
    whole = Moments.of(one)
    for others in (mixed, chunked):
        np.testing.assert_allclose(others.mean, whole.mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(others.covariance, whole.covariance, rtol=0, atol=1e-12)
    assert frechet_distance(chunked, Moments.of(other)) == pytest.approx(distance(one, other), abs=1e-9)


def gaussian(mean: list[float], deviations: list[float]) -> Moments:
    return Moments(100, np.array(mean), np.diag(np.square(deviations)))


def test_the_distance_of_independent_gaussians_is_that_of_means_and_deviations() -> None:
    one, other = gaussian([1.0, 2.0, 0.0], [1.0, 0.0, 3.0]), gaussian([0.0, 0.0, 0.0], [4.0, 2.0, 0.5])
    assert frechet_distance(one, other) == pytest.approx(1 + 4 + 3**2 + 2**2 + 2.5**2, rel=1e-12)


@pytest.mark.parametrize("n", [6, 40])
def test_the_factor_makes_the_covariance(n: int) -> None:
    features = cloud(5, n=n, dim=12)
    features[:, 3] = 0.25  # never varies, as dead units do
    of_some = Moments.of(features)
    np.testing.assert_allclose(of_some.factor @ of_some.factor.T, of_some.covariance, atol=1e-12)
    np.testing.assert_allclose(of_some.covariance, np.cov(features.numpy(), rowvar=False), atol=1e-12)


@pytest.mark.parametrize("n", [3, 9, 13, 57])
@pytest.mark.parametrize("far", [0.0, 1000.0])
def test_without_a_group_they_are_those_of_the_others(n: int, far: float) -> None:
    features = cloud(7, n=n, dim=12) + far
    left = list(without_each_group(features, Moments.of(features)))
    assert len(left) == groups_of(n)
    for group, rest in enumerate(left):
        expected = Moments.of(features[rows_without(group, n)])
        assert rest.count == expected.count
        np.testing.assert_allclose(rest.mean, expected.mean, atol=1e-9)
        np.testing.assert_allclose(rest.covariance, expected.covariance, atol=1e-9)


def test_nothing_can_be_left_out_of_two() -> None:
    features = cloud(0, n=2)
    assert list(without_each_group(features, Moments.of(features))) == []
