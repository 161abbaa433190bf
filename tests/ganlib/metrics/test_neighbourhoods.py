"""Precision, recall, density and coverage are what their definitions say, with and without each group."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib import distances
from ganlib.metrics import Absent, Counts, Evidence, Metric, Result, Seen, precision_recall
from ganlib.metrics.density_coverage import DensityCoverage
from ganlib.metrics.precision_recall import PrecisionRecall
from ganlib.uncertainty import GROUPS, groups_of, rows_without

METRICS = (PrecisionRecall(neighbours=3), DensityCoverage(density_neighbours=3))
each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
few_or_many = pytest.mark.parametrize("features", [2, 20])


def normal(n: int, features: int, seed: int, *, std: float = 1.0, mean: float = 0.0) -> Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed)) * std + mean


def seen(features: Tensor) -> Seen:
    return Seen("the pictures", features, features)


def measured(generated: Tensor, real: Tensor, k: int = 3) -> dict[str, Result]:
    """All four results; the floor is that of the first real pictures, which matters nowhere here."""
    evidence = Evidence(seen(generated), seen(real), seen(real[: k + 1]))
    found: dict[str, Result] = {}
    for metric in (PrecisionRecall(neighbours=k), DensityCoverage(density_neighbours=k)):
        found |= metric.measure(evidence)
    return found


def values(generated: Tensor, real: Tensor, k: int = 3) -> dict[str, float]:
    return {name: result["value"] for name, result in measured(generated, real, k).items()}


def by_definition(generated: Tensor, real: Tensor, k: int) -> dict[str, float]:
    """In float64, from all distances at once."""
    fake, true = generated.double(), real.double()
    apart = (true[:, None] - fake).square().sum(dim=-1).sqrt()

    def radii(features: Tensor) -> Tensor:
        return (features[:, None] - features).square().sum(dim=-1).sqrt().sort(dim=1).values[:, k]

    in_real = apart <= radii(true)[:, None]
    return {
        "precision": float(in_real.any(dim=0).double().mean()),
        "recall": float((apart <= radii(fake)).any(dim=1).double().mean()),
        "density": float(in_real.double().sum(dim=0).mean() / k),
        "coverage": float(in_real.any(dim=1).double().mean()),
    }


counts = st.integers(6, 60)


@settings(max_examples=15, deadline=None)
@given(n=counts, m=counts, features=st.sampled_from((1, 2, 8, 9, 40)), k=st.integers(1, 5),
       at_once=st.sampled_from((400, 1 << 24)), kept=st.sampled_from((0, 1 << 24)), mean=st.floats(-2, 2),
       seed=st.integers(0, 1000))  # fmt: skip
def test_values_are_those_of_the_definitions(
    n: int, m: int, features: int, k: int, at_once: int, kept: int, mean: float, seed: int
) -> None:
    generated, real = normal(n, features, seed, mean=mean, std=0.8), normal(m, features, seed + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "AT_ONCE", at_once)
        patch.setattr(distances, "KEPT", kept)
        found = values(generated, real, k)
    assert found == pytest.approx(by_definition(generated, real, k), abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(n=counts, m=counts, features=st.sampled_from((1, 3, 8, 9, 64)), k=st.integers(1, 5), std=st.floats(0.3, 2),
       seed=st.integers(0, 1000))  # fmt: skip
def test_precision_and_recall_count_the_pictures_that_torch_fidelity_counts(
    n: int, m: int, features: int, k: int, std: float, seed: int
) -> None:
    """Which takes the mean of its counts in float32."""
    from torch_fidelity.metric_prc import prc_features_to_metric

    generated, real = normal(n, features, seed, std=std), normal(m, features, seed + 1)
    theirs = prc_features_to_metric(
        generated.double(), real.double(), prc_neighborhood=k, prc_batch_size=17, save_cpu_ram=bool(seed % 2),
        verbose=False,
    )  # fmt: skip
    ours = values(generated, real, k)
    assert ours["precision"] == pytest.approx(round(theirs["precision"] * n) / n, abs=1e-9)
    assert ours["recall"] == pytest.approx(round(theirs["recall"] * m) / m, abs=1e-9)


def odd_pictures(kind: str, n: int, features: int, seed: int) -> Tensor:
    spread, groups, rows = normal(n, features, seed), groups_of(n), torch.arange(n)
    # The first picture of each group lies amid the next group, whose leaving takes all its neighbours away.
    place = (rows + (rows < groups)) % groups
    return {
        "spread": spread,
        "copies": spread[rows // 3],
        "amid_another_group": spread * 0.05 + 30 * normal(groups, features, seed)[place],
        "halves_apart": spread + 9.0 * (rows % 2)[:, None],
    }[kind]


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(("spread", "copies", "amid_another_group", "halves_apart")),
    n=st.sampled_from((2, 5, 19, 20, 47, 130)),
    m=st.integers(6, 60),
    features=st.sampled_from((2, 9)),
    k=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_replicates_are_what_would_be_measured_without_each_group(
    kind: str, n: int, m: int, features: int, k: int, seed: int
) -> None:
    generated = odd_pictures(kind, n, features, seed)
    real = torch.cat([normal(m, features, seed + 1), generated[: m // 2] + 0.3])
    if n <= k:
        return
    results = measured(generated, real, k)
    left = [generated[rows_without(group, n)] for group in range(groups_of(n))]
    for name, result in results.items():
        if name == "recall" and min(len(rest) for rest in left) <= k:
            assert result["replicates"] == []
            continue
        expected = [by_definition(rest, real, min(k, len(rest) - 1))[name] if name == "recall" else
                    values_of_real_balls(rest, real, k)[name] for rest in left]  # fmt: skip
        assert result["replicates"] == pytest.approx(expected, abs=1e-12)
        assert result["low"] <= result["value"] <= result["high"]


def values_of_real_balls(generated: Tensor, real: Tensor, k: int) -> dict[str, float]:
    """What needs no balls around generated pictures, so that one of them will do."""
    return by_definition(torch.cat([generated] * (k + 1)), real, k)


def test_radii_are_searched_anew_where_too_many_neighbours_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    real_nearest = precision_recall.nearest

    def counting(queries: Tensor, references: Tensor, k: int, **options: Any) -> Any:
        searched.append(len(queries))
        return real_nearest(queries, references, k, **options)

    monkeypatch.setattr(precision_recall, "nearest", counting)
    for kind in ("spread", "amid_another_group"):
        searched.clear()
        balls = precision_recall.Balls(odd_pictures(kind, 400, 9, 0), 3, torch.device("cpu"))
        balls.radii_without()
        assert searched == ([400] if kind == "spread" else [400] + [1] * GROUPS)


@pytest.mark.parametrize("kind", ["spread", "copies", "amid_another_group"])
def test_radii_without_a_group_are_those_among_the_others(kind: str) -> None:
    generated = odd_pictures(kind, 400, 9, 0)
    grown = precision_recall.Balls(generated, 3, torch.device("cpu")).radii_without()
    for group in range(GROUPS):
        rows = rows_without(group, 400)
        apart = torch.cdist(
            generated[rows].double(), generated[rows].double(), compute_mode="donot_use_mm_for_euclid_dist"
        )
        torch.testing.assert_close(grown[rows, group], apart.sort(dim=1).values[:, 3], rtol=1e-12, atol=0)
        assert set(grown[group::GROUPS, group].tolist()) == {-1.0}


@few_or_many
def test_a_perfect_copy_has_all_that_can_be_had(features: int) -> None:
    real = normal(60, features, 0)
    copied = measured(real.clone(), real)
    for name in ("precision", "recall", "coverage"):
        assert copied[name]["value"] == copied[name]["high"] == 1
    assert copied["density"]["value"] == pytest.approx(1 + 1 / 3)


@few_or_many
def test_copies_of_pictures_with_many_twins_are_inside_their_balls(features: int) -> None:
    """Whose radius is nothing at all."""
    real = normal(5, features, 0, mean=3.0).repeat(6, 1)
    found = values(real[:5].repeat(2, 1), real, k=1)
    assert found == {"precision": 1, "recall": 1, "density": 6, "coverage": 1}


@few_or_many
def test_pictures_from_elsewhere_have_nothing(features: int) -> None:
    found = values(normal(40, features, 0, mean=50.0), normal(50, features, 1))
    assert found == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_half_of_the_pictures_is_precise_but_recalls_and_covers_less() -> None:
    whole = normal(60, 5, 0)
    found = values(whole[whole[:, 0] > 0], whole)
    assert found["precision"] == 1
    assert found["recall"] < 0.9
    assert found["coverage"] < 0.9


def test_outliers_raise_recall_but_not_coverage() -> None:
    """The reason for which Naeem et al. count in the real pictures' balls alone."""
    real, collapsed = normal(100, 12, 0), normal(100, 12, 1, std=0.01)
    strewn = torch.cat([collapsed[:90], normal(10, 12, 2, std=6.0)])
    before, after = values(collapsed, real), values(strewn, real)
    assert after["recall"] > before["recall"] + 0.3
    assert after["coverage"] <= before["coverage"] + 0.05


@few_or_many
def test_density_of_the_same_distribution_is_about_one(features: int) -> None:
    found = [values(normal(150, features, seed), normal(150, features, 50 + seed))["density"] for seed in range(10)]
    mean = math.fsum(found) / 10
    error = math.sqrt(math.fsum((each - mean) ** 2 for each in found) / 90)
    assert abs(mean - 1) < 4 * error + 0.02
    assert error < 0.05


@settings(max_examples=6, deadline=None)
@given(features=st.sampled_from((2, 20)), power=st.integers(-60, 60), seed=st.integers(0, 1000))
def test_order_scale_and_sides_change_nothing(features: int, power: int, seed: int) -> None:
    generated, real = normal(30, features, seed, std=0.7), normal(40, features, seed + 1)
    before = values(generated, real)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
    assert values(generated.flip(0), real[order]) == pytest.approx(before, abs=1e-12)
    assert values(generated * 2.0**power, real * 2.0**power) == before
    assert all(0 <= before[name] <= 1 for name in ("precision", "recall", "coverage"))
    assert 0 <= before["density"] <= 40 / 3
    swapped = values(real, generated)
    assert (swapped["precision"], swapped["recall"]) == (before["recall"], before["precision"])


@few_or_many
def test_sizes_of_blocks_change_nothing(features: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generated, real = normal(50, features, 0, mean=0.4), normal(70, features, 1)
    whole = measured(generated, real)
    assert 0 < whole["precision"]["value"] < 1 or features == 20
    for at_once in (333, 1000):
        monkeypatch.setattr(distances, "AT_ONCE", at_once)
        assert measured(generated, real) == whole


@each_metric
def test_first_pictures_stand_beside_the_floor(metric: Metric) -> None:
    evidence = Evidence(seen(normal(50, 9, 0, std=0.6)), seen(normal(60, 9, 1)), seen(normal(20, 9, 2)))
    first = metric.measure(dataclasses.replace(evidence, generated=evidence.generated.first(20)))
    heldout = metric.measure(dataclasses.replace(evidence, generated=evidence.heldout))
    for name, result in metric.measure(evidence).items():
        assert result["value_at_floor_count"] == first[name]["value"]
        assert (result["floor"], result["floor_low"], result["floor_high"]) == tuple(
            heldout[name][part] for part in ("value", "low", "high")
        )
        assert len(result["replicates"]) == GROUPS


def test_balls_of_a_reference_that_is_kept_are_found_once_and_those_of_a_part_of_it_anew() -> None:
    kept: dict[str, Tensor] = {}
    made: list[str] = []

    def keep(what: str, make: Callable[[], Tensor]) -> Tensor:
        if what not in kept:
            made.append(what)
            kept[what] = make()
        return kept[what]

    real = dataclasses.replace(seen(normal(60, 20, 1)), keep=keep)
    for seed in (2, 3):
        generated = seen(normal(60, 20, seed))
        for metric in (PrecisionRecall(neighbours=3), DensityCoverage(density_neighbours=3)):
            for train in (real, real.first(40)):
                found = metric.measure(Evidence(generated, train, seen(normal(9, 20, 4))))
                plain = Evidence(generated, dataclasses.replace(train, keep=None), seen(normal(9, 20, 4)))
                assert found == metric.measure(plain)
    assert len(made) == 1, "both have the same balls"
    PrecisionRecall(neighbours=4).measure(Evidence(generated, real, seen(normal(9, 20, 4))))
    assert len(made) == 2


def test_precision_without_a_miss_is_not_called_certain() -> None:
    precision = measured(normal(20, 9, 0, std=0.1), normal(60, 9, 1))["precision"]
    assert precision["value"] == precision["high"] == 1
    assert 0.8 < precision["low"] < 0.9


def test_too_few_pictures_meet_an_obstacle() -> None:
    recall, density = PrecisionRecall(neighbours=3), DensityCoverage(density_neighbours=5)
    assert not recall.obstacles(Counts(4, 4, 4))
    assert "evaluate.neighbours is 3" in recall.obstacles(Counts(4, 4, 3))[0]
    assert not density.obstacles(Counts(generated=1, train=6, heldout=1))
    assert "set it to 4 or lower" in density.obstacles(Counts(10, 5, 10))[0]
    assert "there must be two" in density.obstacles(Counts(10, 1, 10))[0]


@each_metric
def test_what_has_no_balls_is_absent(metric: Metric) -> None:
    whole, flat = seen(normal(20, 9, 0)), seen(torch.ones(20, 9))
    spoilt = whole.features.clone()
    spoilt[3, 4] = torch.nan
    with pytest.raises(Absent, match="all look the same"):
        metric.measure(Evidence(whole, flat, whole))
    for evidence in (Evidence(seen(spoilt), whole, whole), Evidence(whole, seen(spoilt), whole)):
        with pytest.raises(Absent, match="not all finite"):
            metric.measure(evidence)
    assert all("absent" in result["floor"] for result in metric.measure(Evidence(whole, whole, seen(spoilt))).values())
