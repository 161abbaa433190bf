"""FID of endlessly many pictures is found from few, with an interval that holds it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.metrics import Absent, Evidence, Result, Seen, fid_infinity
from ganlib.metrics.fid_infinity import FrechetDistanceInfinity, intercept
from ganlib.moments import Moments, frechet_distance


def cloud(seed: int, *, n: int = 60, shift: float = 0.0) -> Seen:
    features = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)) + shift
    return Seen("the pictures", features, features)


def infinity(generated: Seen, train: Seen, *, points: int = 8, seed: int = 0) -> Result:
    metric = FrechetDistanceInfinity(infinity_points=points, seed=seed)
    return metric.measure(Evidence(generated, train, heldout=train))["fid_infinity"]


def test_extrapolation_removes_what_few_pictures_add() -> None:
    """Of generated pictures of the reference's own kind, and of others: the FID of endlessly many is known."""
    train = cloud(9999, n=3000)
    mean, scatter = train.features.double().numpy().mean(axis=0), np.cov(train.features.double().numpy(), rowvar=False)
    reference = Moments(3000, mean, scatter)
    for shift in (0.0, 0.5):
        truth = frechet_distance(Moments(1, np.full(5, shift), np.eye(5)), reference)
        results = [infinity(cloud(seed, n=120, shift=shift), train, seed=seed) for seed in range(40)]
        values = [result["value"] for result in results]
        error = np.std(values) / len(values) ** 0.5
        assert abs(np.mean(values) - truth) < 4 * error
        of_few = frechet_distance(Moments.of(cloud(0, n=120, shift=shift).features), reference)
        assert of_few - truth > 4 * error  # there was something to remove
        assert np.mean([result["low"] <= truth <= result["high"] for result in results]) > 0.88
        claimed = np.mean([(result["high"] - result["low"]) / 2 / 2.09 for result in results])
        assert 0.8 < claimed / np.std(values) < 2


def test_a_pictures_influence_is_what_more_of_it_adds_to_the_distance() -> None:
    one, train = cloud(0, n=300, shift=0.3).features, Moments.of(cloud(1, n=300).features)
    influence = fid_infinity.influence(one, train)
    middle = influence.mean()

    def of(weights: np.ndarray) -> float:
        numbers = one.double().numpy()
        mean = weights @ numbers
        scatter = (weights[:, None] * (numbers - mean)).T @ (numbers - mean) * 300 / 299
        return frechet_distance(Moments(300, mean, scatter), train)

    even = np.full(300, 1 / 300)
    for picture in (0, 17, 200):
        more = even * (1 - 1e-5) + 1e-5 * np.eye(300)[picture]
        assert (of(more) - of(even)) / 1e-5 == pytest.approx(influence[picture] - middle, rel=0.02, abs=0.02)


def test_points_on_a_line_are_followed_to_their_end() -> None:
    sizes = [10, 20, 50, 100]
    line = 3 + 7 / np.array(sizes)
    weights, reach = intercept(sizes, line)
    assert weights @ line == pytest.approx(3)
    assert reach == pytest.approx(0, abs=1e-9)
    bent = line + np.array([0.1, -0.1, 0.2, -0.1])
    assert intercept(sizes, bent)[1] > 0.1
    assert intercept(sizes[:2], line[:2])[1] == math.inf


def test_the_line_is_that_of_least_squares_and_so_is_its_interval() -> None:
    from scipy import stats

    sizes, distances = [10, 20, 50, 100, 300], np.array([4.0, 3.2, 3.3, 2.9, 3.0])
    fitted = stats.linregress(1 / np.array(sizes), distances)
    weights, reach = intercept(sizes, distances)
    assert weights @ distances == pytest.approx(fitted.intercept)
    assert reach == pytest.approx(stats.t.ppf(0.975, 3) * fitted.intercept_stderr)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_extrapolation_does_not_depend_on_chunks(seed: int) -> None:
    one, train = cloud(seed, n=45), cloud(seed + 1)
    whole = infinity(one, train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganlib.moments.ROWS_AT_ONCE", 7)
        patch.setattr(fid_infinity, "ROWS_AT_ONCE", 7)
        chunked = infinity(one, train)
    assert chunked["value"] == pytest.approx(whole["value"], abs=1e-9)
    assert chunked["replicates"] == pytest.approx(whole["replicates"], abs=1e-9)


def test_through_too_few_pictures_no_line_is_drawn() -> None:
    infinity(cloud(0, n=20), cloud(1))
    with pytest.raises(Absent, match=r"are 19, .* from 20 on"):
        infinity(cloud(0, n=19), cloud(1))
    metric = FrechetDistanceInfinity(infinity_points=8, seed=0)
    result = metric.measure(Evidence(cloud(0, n=20), cloud(1), heldout=cloud(2, n=19)))["fid_infinity"]
    assert "from 20 on" in result["floor"]["absent"]
    two = infinity(cloud(0), cloud(1), points=2)
    assert two["low"] is two["high"] is None
