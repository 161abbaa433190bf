"""Modes are counted as PacGAN counts them, and a perfect sampler scores what it is expected to score."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.datasets.gaussians import BLOCK, Layout, draw, mixture
from ganlib.features._stacked import STACKED
from ganlib.features.coordinates import Coordinates
from ganlib.metrics import Absent, Behind, Evidence, Result, Seen
from ganlib.metrics.mode_coverage import ModeCoverage, from_uniform
from ganlib.prepared import PreparedData, Split

CPU = torch.device("cpu")
SAMPLES = 2_500


def points_of(layout: Layout, n: int, *, seed: int = 0) -> np.ndarray:
    blocks = [draw(layout, seed, block)[0] for block in range(math.ceil(n / BLOCK))]
    return np.concatenate(blocks)[:n].astype(np.float32)


def evidence_of(classes: tuple[str, ...], generated: Seen, heldout: Seen, *, shape: tuple[int, ...]) -> Evidence:
    dtype = np.float32 if shape[1:] == (1, 1) else np.uint8
    split = Split(np.zeros((4, *shape), dtype), np.zeros(4, np.int64))
    data = PreparedData(split, split, classes, "")
    return Evidence(generated, heldout, heldout, Behind(split, data, Coordinates(), CPU))


def seen_points(points: np.ndarray, name: str = "the generated points") -> Seen:
    features = torch.from_numpy(points)
    return Seen(name, features, torch.empty(len(features), 0))


def of_points(points: np.ndarray, layout: Layout = "ring", heldout: np.ndarray | None = None) -> dict[str, Result]:
    real = points_of(layout, SAMPLES, seed=1) if heldout is None else heldout
    names = mixture(layout).names
    evidence = evidence_of(names, seen_points(points), seen_points(real, "held-out"), shape=(points.shape[1], 1, 1))
    return ModeCoverage().measure(evidence)


def seen_triples(labels: np.ndarray, name: str = "the generated pictures") -> Seen:
    named = 20 * torch.nn.functional.one_hot(torch.from_numpy(labels), len(STACKED)).float()
    return Seen(name, torch.zeros(len(labels), 2), named, named=named)


def of_triples(labels: np.ndarray, n_heldout: int = 2_000) -> dict[str, Result]:
    heldout = np.random.default_rng(9).integers(1000, size=n_heldout)
    evidence = evidence_of(STACKED, seen_triples(labels), seen_triples(heldout), shape=(3, 28, 28))
    return ModeCoverage().measure(evidence)


@pytest.mark.parametrize(("layout", "modes"), [("ring", 8), ("grid", 25)])
def test_a_perfect_sampler_finds_every_mode_as_evenly_as_chance_allows(layout: Layout, modes: int) -> None:
    found = [of_points(points_of(layout, SAMPLES, seed=seed), layout) for seed in range(2, 22)]
    assert all(each["modes"]["value"] == modes == each["modes"]["of"] for each in found)
    shares = [each["high_quality"]["value"] for each in found]
    # 98.9 %, as published, within four standard errors.
    assert np.mean(shares) == pytest.approx(1 - math.exp(-4.5), abs=4 * math.sqrt(0.011 / (20 * SAMPLES)))
    assert found[0]["high_quality"]["perfect"] == pytest.approx(1 - math.exp(-4.5))
    divergences = [each["mode_kl"]["value"] for each in found]
    floor = (modes - 1) / (2 * SAMPLES)
    # Twice the divergence times n is about chi-square: its variance is twice its degrees of freedom.
    assert np.mean(divergences) == pytest.approx(floor, abs=4 * math.sqrt(2 * (modes - 1) / 20) / (2 * SAMPLES))
    assert found[0]["mode_kl"]["perfect"] == pytest.approx(floor, rel=0.03)
    assert 0 < found[0]["mode_kl"]["floor"] < 5 * floor
    assert found[0]["mode_kl"]["samples"] == SAMPLES


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    found = [of_points(points_of("ring", 1_000, seed=seed))["high_quality"] for seed in range(60)]
    assert np.mean([each["low"] <= 1 - math.exp(-4.5) <= each["high"] for each in found]) > 0.85


def test_a_missing_mode_is_missed_and_costs_what_it_must() -> None:
    mixed = mixture("grid")
    points, modes = draw("grid", 3, 0)
    result = of_points(points[modes < 20].astype(np.float32), "grid")
    assert result["modes"]["value"] == 20
    assert (result["modes"]["low"], result["modes"]["high"]) == (20, 20)
    assert result["mode_kl"]["value"] == pytest.approx(math.log(25 / 20), abs=0.01)
    assert result["mode_kl"]["low"] < math.log(25 / 20) + 0.01 < result["mode_kl"]["high"] + 0.01
    assert len(mixed.means) == 25


def test_a_point_counts_within_three_standard_deviations_and_no_further() -> None:
    centre = mixture("ring").means[2]
    near, far = (centre + np.array([[0.0, reach * 0.01]]) for reach in (2.99, 3.01))
    result = of_points(np.concatenate([near, far, far, far]).astype(np.float32))
    assert result["modes"]["value"] == 1
    assert result["high_quality"]["value"] == 0.25
    assert result["mode_kl"]["value"] == pytest.approx(math.log(8))  # of the one point of high quality


def test_points_of_no_quality_have_no_divergence_but_count_as_none() -> None:
    result = of_points(np.full((30, 2), 7, np.float32))
    assert result["modes"]["value"] == result["high_quality"]["value"] == 0
    assert "none of the generated points is of high quality" in result["mode_kl"]["absent"]


def test_replicates_are_what_is_measured_without_each_group() -> None:
    points = points_of("grid", 210)
    points[::7] += 0.3
    result = of_points(points, "grid")
    for name in ("modes", "high_quality", "mode_kl"):
        assert len(result[name]["replicates"]) == 20
        for group in (0, 7, 19):
            alone = of_points(points[np.arange(210) % 20 != group], "grid")
            assert result[name]["replicates"][group] == pytest.approx(alone[name]["value"], abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(0, 50), min_size=2, max_size=40).filter(any))
def test_divergence_lies_between_none_and_that_of_one_mode(counts: list[int]) -> None:
    value = from_uniform(torch.tensor(counts))
    assert 0 <= value <= math.log(len(counts)) + 1e-12
    p = np.array(counts) / sum(counts)
    assert value == pytest.approx(math.log(len(counts)) + sum(x * math.log(x) for x in p if x), abs=1e-12)


def test_stacked_digits_are_counted_by_their_classifier() -> None:
    result = of_triples(np.array([314] * 30 + [7] * 30))
    assert (result["modes"]["value"], result["modes"]["of"]) == (2, 1000)
    assert result["mode_kl"]["value"] == pytest.approx(math.log(1000 / 2))
    assert "every picture" in result["high_quality"]["absent"]


def test_a_perfect_sampler_of_the_published_number_of_triples_has_the_known_floor() -> None:
    result = of_triples(np.random.default_rng(0).integers(1000, size=26_000))
    assert result["modes"]["value"] == 1000
    assert result["mode_kl"]["perfect"] == pytest.approx(999 / 52_000, rel=0.01)
    assert result["mode_kl"]["value"] == pytest.approx(0.0192, abs=4 * math.sqrt(2 * 999) / 52_000)
    assert result["mode_kl"]["value_at_floor_count"] == pytest.approx(result["mode_kl"]["floor"], rel=0.2)


def test_what_is_expected_of_few_samples_is_exact_too() -> None:
    random = np.random.default_rng(3)
    found = [of_triples(random.integers(1000, size=500), n_heldout=2) for _ in range(20)]
    for name, tolerance in (("modes", 8), ("mode_kl", 0.02)):
        values = [each[name]["value"] for each in found]
        assert np.mean(values) == pytest.approx(found[0][name]["perfect"], abs=tolerance)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_samples_will_do(n: int) -> None:
    result = of_points(points_of("ring", n), heldout=points_of("ring", n, seed=4))
    assert result["modes"]["value"] >= 1
    assert math.isfinite(result["mode_kl"]["value"])


def test_data_whose_modes_are_unknown_says_so() -> None:
    with pytest.raises(Absent, match="run into each other"):
        of_points(points_of("line", 30), "line")
    elsewhere = seen_points(points_of("ring", 9))
    with pytest.raises(Absent, match="from no mixture"):
        ModeCoverage().measure(evidence_of(("a", "b"), elsewhere, elsewhere, shape=(2, 1, 1)))
    pictures = seen_triples(np.arange(9))
    for classes, shape in ((STACKED, (1, 28, 28)), (("cat", "dog"), (3, 8, 8)), ((), (3, 8, 8))):
        with pytest.raises(Absent, match="not known"):
            ModeCoverage().measure(evidence_of(classes, pictures, pictures, shape=shape))
    unnamed = dataclasses.replace(pictures, named=None)
    with pytest.raises(Absent, match="no classifier"):
        ModeCoverage().measure(evidence_of(STACKED, unnamed, unnamed, shape=(3, 28, 28)))
    with pytest.raises(Absent, match="but features"):
        ModeCoverage().measure(Evidence(pictures, pictures, pictures))


def test_points_that_are_no_numbers_are_no_mode(tmp_path: Path) -> None:
    points = points_of("ring", 50)
    points[3, 0] = math.nan
    with pytest.raises(Absent, match="the generated points"):
        of_points(points)
    result = of_points(points_of("ring", 50), heldout=points)
    assert "held-out" in result["modes"]["floor"]["absent"]
    assert result["modes"]["value"] == 8
