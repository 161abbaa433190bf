"""FID and KID obey the laws of distances between distributions, and so do their intervals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.metrics import Absent, Counts, Evidence, Result, Seen
from ganlib.metrics import kid as kid_file
from ganlib.metrics.fid import FrechetDistance
from ganlib.metrics.kid import KernelDistance, mmd_without_each_group
from ganlib.uncertainty import rows_without

seeds = st.integers(0, 1000)
few = settings(max_examples=10, deadline=None)


def seen_from(features: torch.Tensor) -> Seen:
    return Seen("the pictures", features, features, None)


def cloud(seed: int, *, n: int = 60, shift: float = 0.0, dim: int = 5) -> Seen:
    return seen_from(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)) + shift)


def fid_result(generated: Seen, train: Seen) -> Result:
    return FrechetDistance().measure(Evidence(generated, train, heldout=train))["fid"]


def fid(generated: Seen, train: Seen) -> float:
    return float(fid_result(generated, train)["value"])


def kid_result(generated: Seen, train: Seen, *, seed: int = 0, subsets: int = 5) -> Result:
    metric = KernelDistance(kid_subsets=subsets, kid_subset_size=30, seed=seed)
    return metric.measure(Evidence(generated, train, heldout=train))["kid"]


def kid(generated: Seen, train: Seen, *, seed: int = 0) -> float:
    return float(kid_result(generated, train, seed=seed)["value"])


def features_of(seen: Seen) -> np.ndarray:
    return seen.features.double().numpy()


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

    monkeypatch.setattr(np.linalg, "eigvalsh", fail)
    with pytest.raises(Absent, match="did not converge"):
        fid(cloud(0), cloud(1))


def test_fids_interval_is_found_by_measuring_without_each_group() -> None:
    one, other = cloud(0, n=57), cloud(1, n=80)
    result = fid_result(one, other)
    anew = [fid(one.without(group), other) for group in range(20)]
    assert result["replicates"] == pytest.approx(anew, abs=1e-5)  # means of torch-fidelity's are in float32
    assert 0 <= result["low"] < result["value"] < result["high"]


def test_nineteen_in_twenty_intervals_hold_the_fid_of_so_many_pictures() -> None:
    train = cloud(9999, n=500)
    results = [fid_result(cloud(seed, n=100, shift=0.2), train) for seed in range(50)]
    usual = np.mean([result["value"] for result in results])
    assert np.mean([result["low"] <= usual <= result["high"] for result in results]) > 0.88
    spread = np.std([result["value"] for result in results])
    claimed = np.mean([(result["high"] - result["low"]) / 2 / 2.09 for result in results])
    assert 0.8 < claimed / spread < 1.6


def test_of_two_pictures_fid_has_no_interval() -> None:
    result = fid_result(cloud(0, n=2), cloud(1))
    assert (result["low"], result["high"], result["replicates"]) == (0, None, [])


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


def mmd(ones: np.ndarray, others: np.ndarray) -> float:
    """The unbiased estimate (Binkowski et al. 2018, eq. 4) without the part of `others` alone."""
    dim, n = ones.shape[1], len(ones)
    within = (ones @ ones.T / dim + 1) ** 3
    across = (ones @ others.T / dim + 1) ** 3
    return float((within.sum() - np.trace(within)) / (n * (n - 1)) - 2 * across.mean())


@pytest.mark.parametrize("n", [3, 20, 47])
def test_sums_by_group_give_the_mmd_without_each(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kid_file, "ROWS", 8)
    one, other = cloud(0, n=n), cloud(1, n=33, shift=0.3)
    found = mmd_without_each_group(one.features, torch.arange(n) % min(20, n), other.features)
    for group, value in enumerate(found):
        rest = features_of(one)[rows_without(group, n).numpy()]
        assert value == pytest.approx(mmd(rest, features_of(other)), rel=1e-12)
    assert len(found) == min(20, n)


def test_nineteen_in_twenty_intervals_hold_the_kid() -> None:
    train = cloud(9999, n=400)
    results = [kid_result(cloud(seed, n=80, shift=0.3), train, seed=seed) for seed in range(100)]
    truth = np.mean([result["value"] for result in results])
    assert np.mean([result["low"] <= truth <= result["high"] for result in results]) > 0.88
    spread = np.std([result["value"] for result in results])
    claimed = np.mean([(result["high"] - result["low"]) / 2 / 2.09 for result in results])
    assert 0.8 < claimed / spread < 1.4


def test_more_subsets_leave_less_to_luck_and_one_leaves_everything() -> None:
    one, train = cloud(0, shift=0.3), cloud(1)
    wide, narrow = kid_result(one, train, subsets=3), kid_result(one, train, subsets=60)
    assert narrow["high"] - narrow["low"] < wide["high"] - wide["low"]
    alone = kid_result(one, train, subsets=1)
    assert alone["low"] is alone["high"] is None


def test_the_interval_of_a_part_is_brought_to_the_number_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The replicates of half the pictures spread more by the root of two; scaled, about as those of all."""
    ratios = []
    for seed in range(12):
        one, train = cloud(seed, n=800, shift=0.5), cloud(99, n=300)
        whole = kid_result(one, train)
        with monkeypatch.context() as patch:
            patch.setattr(kid_file, "MOST", 400)
            part = kid_result(one, train)
        assert part["value"] == whole["value"] == pytest.approx(np.mean(part["replicates"]))
        ratios.append(np.std(part["replicates"]) / np.std(whole["replicates"]))
    assert np.mean(ratios) == pytest.approx(1, abs=0.15)


@few
@given(seed=seeds)
def test_kid_is_torch_fidelitys(seed: int) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    one, other = cloud(seed), cloud(seed + 1, shift=0.4)
    theirs = kid_features_to_metric(
        one.features, other.features, kid_subsets=5, kid_subset_size=30, rng_seed=3, verbose=False
    )
    ours = kid_result(one, other, seed=3)
    assert ours["value"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert ours["std"] == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)
