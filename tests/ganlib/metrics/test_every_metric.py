"""What holds for every file of ganlib/metrics: a new one is tested by existing."""

import dataclasses
import json
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib import components
from ganlib.metrics import Absent, Counts, Evidence, Metric, Seen, selected
from ganlib.settings import EvaluateSettings

SMALL = EvaluateSettings(isc_splits=2, kid_subsets=4, kid_subset_size=6, neighbours=2)
EVERY = selected(SMALL)
SETS = ("generated", "train", "heldout")

each_metric = pytest.mark.parametrize("metric", EVERY, ids=lambda metric: type(metric).__name__)


def random_seen(n: int, seed: int, *, dim: int = 5) -> Seen:
    features = torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))
    return Seen(f"set {seed}", features, 3 * features[:, :4], features.mean(dim=1))


def evidence_of(generated: int = 20, train: int = 24, heldout: int = 12) -> Evidence:
    return Evidence(random_seen(generated, 1), random_seen(train, 2), random_seen(heldout, 3))


def numbers_in(result: Any) -> list[float]:
    if isinstance(result, dict):
        return [number for value in result.values() for number in numbers_in(value)]
    return [] if isinstance(result, str) else [result]


def test_there_is_one_metric_in_each_file() -> None:
    assert len(EVERY) == len(components.names("metrics")) >= 5
    names = [name for metric in EVERY for name in metric.results]
    assert len(names) == len(set(names))


@each_metric
def test_results_are_the_promised_ones_and_finite(metric: Metric) -> None:
    results = metric.measure(evidence_of())
    assert set(results) == set(metric.results)
    assert numbers_in(results)
    assert all(isinstance(number, float) and math.isfinite(number) for number in numbers_in(results))


@each_metric
def test_same_evidence_gives_same_bytes(metric: Metric) -> None:
    once, again = (json.dumps(metric.measure(evidence_of())) for _ in range(2))
    assert once == again


@each_metric
def test_floor_is_what_heldout_pictures_score_as_generated_ones(metric: Metric) -> None:
    evidence = evidence_of(generated=20, heldout=12)
    as_generated = metric.measure(dataclasses.replace(evidence, generated=evidence.heldout))
    for name, result in metric.measure(evidence).items():
        if "floor" in result:
            assert result["floor"] == as_generated[name]["value"]
        elif "floor_mean" in result:
            assert result["floor_mean"] == as_generated[name]["mean"]
            assert result["floor_std"] == as_generated[name]["std"]
        else:
            assert name == "discriminator"


@each_metric
def test_value_at_floor_count_is_that_of_the_first_pictures(metric: Metric) -> None:
    evidence = evidence_of(generated=20, heldout=12)
    first = metric.measure(dataclasses.replace(evidence, generated=evidence.generated.first(12)))
    for name, result in metric.measure(evidence).items():
        for number in ("value", "mean", "std"):
            if f"{number}_at_floor_count" in result:
                assert result[f"{number}_at_floor_count"] == first[name][number]


@each_metric
@pytest.mark.parametrize("spoilt", SETS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_none_never_becomes_one(metric: Metric, spoilt: str, bad: float) -> None:
    evidence = evidence_of()
    seen: Seen = getattr(evidence, spoilt)
    broken = {
        field: getattr(seen, field).clone().index_fill_(0, torch.tensor([3]), bad)
        for field in ("features", "class_logits", "realness")
    }
    spoilt_evidence = dataclasses.replace(evidence, **{spoilt: dataclasses.replace(seen, **broken)})
    if spoilt == "heldout" and metric.results != ("discriminator",):
        results = metric.measure(spoilt_evidence)
        assert all(seen.name in result["floor"]["absent"] for result in results.values())
        assert all(math.isfinite(number) for number in numbers_in(results))
    elif spoilt == "train" and metric.results == ("isc",):  # which looks at no reference
        assert metric.measure(spoilt_evidence) == metric.measure(evidence)
    else:
        with pytest.raises(Absent, match=seen.name):
            metric.measure(spoilt_evidence)


@each_metric
@settings(max_examples=15, deadline=None)
@given(counts=st.tuples(*[st.integers(1, 14)] * 3))
def test_what_meets_no_obstacle_is_computed(metric: Metric, counts: tuple[int, int, int]) -> None:
    generated, train, heldout = counts
    sentences = metric.obstacles(Counts(generated, train, heldout))
    if not sentences and train > 1:
        results = metric.measure(evidence_of(generated, train, heldout))
        assert all(math.isfinite(number) for number in numbers_in(results))
    for sentence in sentences:
        assert sentence.endswith(".")
        assert "evaluate." in sentence or "sample.n" in sentence or "data." in sentence


@each_metric
def test_the_floor_of_few_pictures_is_spread_over_all_heldout_ones(metric: Metric) -> None:
    """They may be in the order of their classes, so that the first ones would be of one class."""
    evidence = evidence_of(generated=10, heldout=20)
    spread = dataclasses.replace(evidence, heldout=evidence.heldout.spread(10))
    first = dataclasses.replace(evidence, heldout=evidence.heldout.first(10))
    if metric.results != ("discriminator",):
        assert metric.measure(evidence) == metric.measure(spread) != metric.measure(first)


@each_metric
def test_a_number_too_large_for_floats_is_absent(metric: Metric) -> None:
    evidence = evidence_of()
    huge = dataclasses.replace(evidence.generated, features=evidence.generated.features * 1e30)
    overflowing = dataclasses.replace(evidence, generated=huge)
    if metric.results in (("fid",), ("kid",)):
        with pytest.raises(Absent, match="came out as"):
            metric.measure(overflowing)
    else:
        assert all(math.isfinite(number) for number in numbers_in(metric.measure(overflowing)))


@each_metric
def test_a_constant_reference_gives_no_comparison(metric: Metric) -> None:
    evidence = evidence_of()
    flat = evidence.train.features[:1].expand(24, -1).clone()
    constant = dataclasses.replace(evidence, train=dataclasses.replace(evidence.train, features=flat))
    if metric.results in (("isc",), ("discriminator",)):
        assert numbers_in(metric.measure(constant))
    else:
        with pytest.raises(Absent, match="all look the same"):
            metric.measure(constant)


@each_metric
def test_a_collapsed_generator_is_punished_with_numbers(metric: Metric) -> None:
    evidence = evidence_of()
    collapsed = Seen(
        "generated",
        *(
            part[:1].expand(20, *part.shape[1:]).clone()
            for part in (evidence.generated.features, evidence.generated.class_logits, evidence.generated.realness)
        ),
    )
    results = metric.measure(dataclasses.replace(evidence, generated=collapsed))
    assert all(math.isfinite(number) for number in numbers_in(results))
    honest = metric.measure(evidence)
    if "recall" in results:
        assert results["recall"]["value"] < honest["recall"]["value"]
    if "isc" in results:
        assert results["isc"]["mean"] == pytest.approx(1)
    if "fid" in results:
        assert results["fid"]["value"] > honest["fid"]["value"]
