"""Intervals hold what they promise: the true number, nineteen times in twenty."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ganlib.uncertainty import GROUPS, LEVEL, apart, difference, groups_of, jackknife, rows_without, share


@cache
def kept_rows(n: int) -> list[np.ndarray]:
    return [rows_without(group, n).numpy() for group in range(groups_of(n))]


def replicates_of(values: np.ndarray, statistic: str) -> list[float]:
    return [float(getattr(np, statistic)(values[rows])) for rows in kept_rows(len(values))]


@pytest.mark.parametrize(("statistic", "truth"), [("mean", 1.0), ("std", 1.0)])
def test_nineteen_in_twenty_intervals_hold_the_truth(statistic: str, truth: float) -> None:
    """Of draws that are far from normal: exponential ones, whose mean and deviation are both 1."""
    random, held, times = np.random.default_rng(0), 0, 300
    for _ in range(times):
        values = random.exponential(size=400)
        interval = jackknife(float(getattr(np, statistic)(values)), replicates_of(values, statistic))
        held += interval.low <= truth <= interval.high
    # Three standard errors of a share of 300 are 0.038; that of the deviation is known to fall a little short.
    assert 0.89 <= held / times <= 0.99


def test_for_a_mean_it_is_students_interval_of_the_groups_means() -> None:
    values = np.random.default_rng(1).normal(size=20 * 7)
    interval = jackknife(float(values.mean()), replicates_of(values, "mean"))
    means = values.reshape(7, GROUPS).mean(axis=0)
    expected = stats.t.interval(LEVEL, GROUPS - 1, means.mean(), stats.sem(means))
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 3000), part=st.floats(0, 1))
def test_a_share_has_wilsons_interval(n: int, part: float) -> None:
    successes = round(part * n)
    ours = share(successes, n)
    theirs = stats.binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert 0 <= ours.low <= successes / n <= ours.high <= 1


@pytest.mark.parametrize("probability", [0.02, 0.3])
def test_nineteen_in_twenty_shares_intervals_hold_the_probability(probability: float) -> None:
    n = 150
    holds = np.array([interval.low <= probability <= interval.high for interval in (share(k, n) for k in range(n + 1))])
    assert stats.binom.pmf(np.arange(n + 1), n, probability)[holds].sum() == pytest.approx(LEVEL, abs=0.03)


@pytest.mark.parametrize(("successes", "side"), [(0, "low"), (10, "high")])
def test_none_or_all_of_a_few_still_leave_room_for_others(successes: int, side: str) -> None:
    interval = share(successes, 10)
    assert getattr(interval, side) == successes / 10
    assert interval.high - interval.low > 0.2


def test_what_two_generators_have_in_common_cancels_in_their_difference() -> None:
    random = np.random.default_rng(2)
    latents = random.normal(size=400)
    one, other = latents + 0.1 * random.normal(size=400), latents + 0.1 * random.normal(size=400) - 0.05
    ones, others = replicates_of(one, "mean"), replicates_of(other, "mean")
    gap, low, high = difference(float(one.mean()), float(other.mean()), ones, others)
    alone = jackknife(float(one.mean()), ones)
    assert gap == pytest.approx(one.mean() - other.mean())
    assert 0 < low < gap < high  # a difference far smaller than either's own interval is seen
    assert high - low < (alone.high - alone.low) / 3
    strangers = difference(float(one.mean()), float(other.mean()), ones, list(reversed(others)))
    assert strangers[2] - strangers[1] > high - low


def test_nineteen_in_twenty_differences_intervals_hold_the_difference() -> None:
    random, held, times = np.random.default_rng(3), 0, 300
    for _ in range(times):
        latents = random.exponential(size=200)
        one, other = latents**1.5, latents + random.normal(size=200)
        ends = difference(
            float(one.mean()), float(other.mean()), replicates_of(one, "mean"), replicates_of(other, "mean")
        )
        held += ends[1] <= math.gamma(2.5) - 1 <= ends[2]
    assert 0.89 <= held / times <= 0.99


@pytest.mark.parametrize("chances", [(0.0, 0.0), (0.002, 0.0), (0.004, 0.001), (0.5, 0.45)])
def test_nineteen_in_twenty_differences_of_shares_are_between_their_bounds(chances: tuple[float, float]) -> None:
    random, held, times, n = np.random.default_rng(4), 0, 400, 500
    for _ in range(times):
        found = [int(random.binomial(n, chance)) for chance in chances]
        bounds = [share(successes, n) for successes in found]
        one, other = ((interval.low, interval.high) for interval in bounds)
        gap, low, high = apart(found[0] / n, found[1] / n, one, other)
        assert low <= gap <= high
        assert high > low, "two shares of none are not known to be equal"
        held += low <= chances[0] - chances[1] <= high
    assert held / times >= 0.93


@pytest.mark.parametrize("replicates", [[], [0.5]])
def test_with_fewer_than_two_groups_all_that_is_possible_is_possible(replicates: Sequence[float]) -> None:
    assert jackknife(0.4, replicates, lowest=0.0, highest=1.0).low == 0
    assert jackknife(0.4, replicates, lowest=0.0, highest=1.0).high == 1
    assert jackknife(0.4, replicates).high == math.inf


def test_an_interval_ends_where_such_numbers_end() -> None:
    interval = jackknife(0.1, [0.0, 0.3, 0.05, 0.2], lowest=0.0, highest=0.15)
    assert (interval.low, interval.high) == (0, 0.15)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 90))
def test_every_picture_is_left_out_once(n: int) -> None:
    kept = [set(rows_without(group, n).tolist()) for group in range(groups_of(n))]
    assert all(sum(i not in rows for rows in kept) == 1 for i in range(n))
    assert groups_of(n) <= GROUPS
