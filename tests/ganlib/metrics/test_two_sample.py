"""A test that tells two samples apart when they differ, and only then."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.stats import fisher_exact

from ganlib.datasets.gaussians import Layout, draw
from ganlib.metrics import Absent, Counts, Evidence, Result, Seen, two_sample
from ganlib.metrics.two_sample import TwoSampleTest, by_chance

METRIC = TwoSampleTest(seed=0)


def seen(features: torch.Tensor, name: str = "the generated pictures") -> Seen:
    return Seen(name, features.float(), torch.empty(len(features), 0))


def normal(n: int, seed: int, *, dim: int = 6) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def points(layout: Layout, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    places, modes = draw(layout, seed, 0)
    return torch.from_numpy(places).float(), torch.from_numpy(modes)


def c2st(
    generated: torch.Tensor, train: torch.Tensor, heldout: torch.Tensor | None = None, metric: TwoSampleTest = METRIC
) -> Result:
    evidence = Evidence(seen(generated), seen(train, "train"), seen(train if heldout is None else heldout, "held-out"))
    return metric.measure(evidence)["c2st"]


def test_two_samples_of_one_kind_are_told_apart_by_chance_alone() -> None:
    found = [c2st(normal(60, 2 * k), normal(60, 2 * k + 1), normal(2, 99)) for k in range(24)]
    accuracies, chances = ([each[name] for each in found] for name in ("value", "p_value"))
    assert np.mean(accuracies) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(24 * 60))
    # A test of level 5 % rejects 5 % of them: more than 5 of 24 would happen once in a thousand such tests.
    assert sum(chance < 0.05 for chance in chances) <= 5
    assert sum(each["low"] <= 0.5 <= each["high"] for each in found) >= 19


def test_the_floor_of_real_against_real_pictures_is_one_half() -> None:
    result = c2st(normal(400, 1) + 3, normal(500, 2), normal(400, 3))
    assert result["value"] > 0.99
    assert 0.4 < result["floor"] < 0.6
    assert result["floor_low"] < 0.5 < result["floor_high"]
    assert result["p_value"] < 1e-50
    assert result["samples"] == 400


@pytest.mark.parametrize("layout", ["ring", "grid"])
def test_modes_that_are_missing_or_too_wide_are_told(layout: Layout) -> None:
    train, other = points(layout, 1)[0][:2000], points(layout, 3)[0][:2000]
    drawn, modes = points(layout, 2)
    missing = drawn[modes % 4 > 0][:2000]
    assert c2st(drawn[:2000], train, other)["p_value"] > 0.01
    assert c2st(missing, train, other)["p_value"] < 1e-3
    spread = drawn[:2000] + (0.02 if layout == "ring" else 0.08) * normal(2000, 5, dim=2)
    assert c2st(spread, train, other)["p_value"] < 1e-3


def test_what_a_straight_cut_cannot_see_is_seen() -> None:
    """The same means and covariances, and other shapes."""
    shell = torch.nn.functional.normalize(normal(600, 4), dim=1) * math.sqrt(6)
    assert c2st(shell, normal(600, 5))["p_value"] < 1e-4


def test_the_order_of_classes_does_not_part_the_learner_from_what_it_is_asked() -> None:
    """Classes in turns, two of them: every second picture would be of one class."""
    shifts = 10.0 * (torch.arange(200) % 2)[:, None]
    assert c2st(normal(200, 1) + shifts, normal(200, 2) + shifts)["value"] == pytest.approx(0.5, abs=0.15)


def test_another_scale_and_unit_of_each_feature_changes_nothing() -> None:
    scale = torch.tensor([1.0, 2.0, 4.0, 0.5, 8.0, 16.0])
    generated, train = normal(100, 1) + 0.4, normal(100, 2)
    assert c2st(generated * scale, train * scale)["value"] == c2st(generated, train)["value"]


def test_copies_of_training_pictures_come_out_below_one_half() -> None:
    train = normal(300, 1, dim=2)
    assert c2st(train, train)["value"] <= 0.5


def test_no_more_pictures_are_looked_at_than_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_sample, "MOST", 30)
    assert c2st(normal(200, 1), normal(90, 2))["samples"] == 30


def test_replicates_leave_out_a_group_of_the_generated_pictures() -> None:
    result = c2st(normal(200, 1) + 0.5, normal(200, 2))
    assert len(result["replicates"]) == 20
    assert np.mean(result["replicates"]) == pytest.approx(result["value"], abs=0.01)
    assert len(set(result["replicates"])) > 1


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_pictures_give_a_number_that_is_not_sure(n: int) -> None:
    result = c2st(normal(n, 1), normal(n, 2))
    assert 0 <= result["value"] <= 1
    assert result["high"] - result["low"] > 0.3
    assert result["p_value"] > 0.01


def test_one_picture_is_an_obstacle_that_names_its_setting() -> None:
    assert METRIC.obstacles(Counts(generated=2, train=9, heldout=2)) == []
    (sentence,) = METRIC.obstacles(Counts(generated=1, train=9, heldout=2))
    assert "raise sample.n." in sentence
    (sentence,) = METRIC.obstacles(Counts(generated=2, train=9, heldout=1))
    assert "raise data.heldout_share." in sentence


def test_the_chance_is_that_of_fishers_exact_test() -> None:
    for right, right_of_train, held_back in ((7, 9, 10), (3, 4, 8), (10, 10, 10), (0, 10, 10)):
        table = [[right, held_back - right], [held_back - right_of_train, right_of_train]]
        assert by_chance(right, right_of_train, held_back) == pytest.approx(fisher_exact(table, "greater").pvalue)


def test_pictures_that_all_look_the_same_are_told_and_numbers_that_are_none_refused() -> None:
    collapsed = c2st(normal(1, 1).expand(60, -1).clone(), normal(60, 2))
    assert collapsed["value"] > 0.9
    with pytest.raises(Absent, match="all look the same"):
        c2st(normal(60, 2), normal(1, 1).expand(60, -1).clone())
    broken = normal(60, 1)
    broken[4, 2] = math.nan
    with pytest.raises(Absent, match="generated pictures"):
        c2st(broken, normal(60, 2))
    assert "held-out" in c2st(normal(60, 1), normal(60, 2), broken)["floor"]["absent"]
    assert math.isfinite(c2st(normal(60, 1) * 1e30, normal(60, 2))["value"])


def test_another_seed_draws_other_halves() -> None:
    generated, train = normal(100, 1) + 0.3, normal(100, 2)
    other = c2st(generated, train, metric=dataclasses.replace(METRIC, seed=1))
    assert c2st(generated, train) == c2st(generated, train) != other
