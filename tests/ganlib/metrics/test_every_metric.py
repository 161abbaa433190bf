"""What holds for every file of ganlib/metrics: a new one is tested by existing."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib import components
from ganlib.bundle import Description
from ganlib.features import ClassLogits, FeatureExtractor, Features
from ganlib.metrics import Absent, Behind, Counts, Evidence, Metric, Seen, selected
from ganlib.prepared import PreparedData, Split
from ganlib.settings import EvaluateSettings
from ganlib.shapes import Pixels

SMALL = EvaluateSettings(
    isc_splits=2, kid_subsets=4, kid_subset_size=6, neighbours=2, density_neighbours=2, infinity_points=3,
    copy_cells=2, path_samples=8,
)  # fmt: skip
EVERY = selected(SMALL)
SETS = ("generated", "train", "heldout")
NAMES = ("a", "b", "c")
CPU = torch.device("cpu")
NEEDS_KNOWN_MODES = ("modes", "high_quality", "mode_kl")

each_metric = pytest.mark.parametrize("metric", EVERY, ids=lambda metric: type(metric).__name__)


class Moments(FeatureExtractor):
    """Five simple features of a picture."""

    def __init__(self) -> None:
        super().__init__(name="moments", digest="a" * 64, preprocessing="none")

    def forward(self, pixels: Pixels) -> tuple[Features, ClassLogits]:
        rows = pixels.float().flatten(1)
        return rows[:, :5] / 255, rows[:, 5:9] / 255


def split(n: int, seed: int) -> Split:
    random = np.random.default_rng(seed)
    return Split(random.integers(0, 256, (n, 1, 8, 8)).astype(np.uint8), np.arange(n) % 3)


def random_seen(n: int, seed: int, *, dim: int = 5) -> Seen:
    features = torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))
    return Seen(
        f"set {seed}", features, 3 * features[:, :4], features.mean(dim=1),
        labels=torch.arange(n) % 3, named=2 * features[:, :3] + torch.eye(3)[torch.arange(n) % 3],
    )  # fmt: skip


def evidence_of(generated: int = 60, train: int = 66, heldout: int = 45) -> Evidence:
    data = PreparedData(split(train, 2), split(heldout, 3), NAMES, digest="d" * 64)
    description = Description("mlp", {"width": 1, "depth": 1}, (1, 8, 8), 3, "normal", NAMES, 0, (1, 1, 1))
    torch.manual_seed(0)
    generator = description.family().generator(description.fit).eval().requires_grad_(False)
    behind = Behind(split(generated, 1), data, Moments(), CPU, generator, description)
    return Evidence(random_seen(generated, 1), random_seen(train, 2), random_seen(heldout, 3), behind)


OWN_FLOOR = {"discriminator", "copies", "c_t", "class_fid", "c2st", "path_length"}
"""Results whose floor, if any, is not what held-out pictures score in the place of generated ones."""

OF_LOGITS = {"isc", "discriminator", "class_accuracy"}
"""Results that look at no features."""

NO_REFERENCE = {"isc", "class_accuracy", "path_length"}
"""Results that look at no training pictures."""


def numbers_in(result: Any) -> list[float]:
    if isinstance(result, dict):
        return [number for value in result.values() for number in numbers_in(value)]
    if isinstance(result, list):
        return [number for value in result for number in numbers_in(value)]
    return [] if isinstance(result, str | None) else [result]


def measured(metric: Metric, evidence: Evidence) -> dict[str, Any]:
    """The results that are there."""
    try:
        results = metric.measure(evidence)
    except Absent:
        return {}
    return {name: result for name, result in results.items() if "absent" not in result}


def instead(evidence: Evidence, generated: Seen, pictures: Split) -> Evidence:
    """With other pictures in the place of the generated ones."""
    assert evidence.behind is not None
    behind = dataclasses.replace(evidence.behind, generated=pictures)
    return dataclasses.replace(evidence, generated=generated, behind=behind)


def with_everything(seen: Seen, change: Any) -> Seen:
    parts = {name: change(getattr(seen, name)) for name in ("features", "class_logits", "realness", "named")}
    return dataclasses.replace(seen, **parts)


def test_there_is_one_metric_in_each_file() -> None:
    assert len(EVERY) == len(components.names("metrics")) >= 13
    names = [name for metric in EVERY for name in metric.results]
    assert len(names) == len(set(names))


def test_what_is_left_out_is_not_computed() -> None:
    without = dataclasses.replace(SMALL, leave_out=("kid", "path_length"))
    left = {name for metric in selected(without) for name in metric.results}
    assert left == {name for metric in EVERY for name in metric.results} - {"kid", "path_length"}


@each_metric
def test_results_are_the_promised_ones_and_finite(metric: Metric) -> None:
    evidence = evidence_of()
    if metric.results == NEEDS_KNOWN_MODES:
        with pytest.raises(Absent, match="modes"):
            metric.measure(evidence)
        return
    results = metric.measure(evidence)
    assert set(results) == set(metric.results)
    for result in results.values():
        assert numbers_in(result)
        assert all(math.isfinite(number) for number in numbers_in(result))
        if "value" in result and result["low"] is not None and result["high"] is not None:
            assert result["low"] <= result["value"] <= result["high"]


@each_metric
def test_same_evidence_gives_same_bytes(metric: Metric) -> None:
    once, again = (json.dumps(measured(metric, evidence_of())) for _ in range(2))
    assert once == again


@each_metric
def test_floor_is_what_heldout_pictures_score_as_generated_ones(metric: Metric) -> None:
    evidence = evidence_of(generated=60, heldout=45)
    as_generated = measured(metric, instead(evidence, evidence.heldout, split(45, 3)))
    for name, result in measured(metric, evidence).items():
        if name not in OWN_FLOOR:
            for bound, of_value in (("floor", "value"), ("floor_low", "low"), ("floor_high", "high")):
                assert result[bound] == pytest.approx(as_generated[name][of_value], rel=1e-9)


@each_metric
def test_value_at_floor_count_is_that_of_the_first_pictures(metric: Metric) -> None:
    evidence = evidence_of(generated=60, heldout=45)
    pictures = split(60, 1)
    first_pictures = Split(pictures.pixels[:45], pictures.labels[:45])
    first = measured(metric, instead(evidence, evidence.generated.first(45), first_pictures))
    for name, result in measured(metric, evidence).items():
        if "value_at_floor_count" in result and name not in OWN_FLOOR:
            assert result["value_at_floor_count"] == pytest.approx(first[name]["value"], rel=1e-9)


@each_metric
@pytest.mark.parametrize("spoilt", SETS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_none_never_becomes_one(metric: Metric, spoilt: str, bad: float) -> None:
    evidence = evidence_of()
    seen: Seen = getattr(evidence, spoilt)
    broken = with_everything(seen, lambda part: part.clone().index_fill_(0, torch.tensor([3]), bad))
    results = measured(metric, dataclasses.replace(evidence, **{spoilt: broken}))
    assert all(math.isfinite(number) for number in numbers_in(results))
    for name, result in results.items():
        if spoilt == "generated":
            assert name == "path_length", "which looks at pictures of its own"
        elif spoilt == "train":
            assert name in NO_REFERENCE
        elif "floor" in result:
            assert seen.name in result["floor"]["absent"]


@each_metric
@settings(max_examples=15, deadline=None)
@given(counts=st.tuples(*[st.integers(1, 14)] * 3))
def test_what_meets_no_obstacle_is_computed_or_absent(metric: Metric, counts: tuple[int, int, int]) -> None:
    generated, train, heldout = counts
    sentences = metric.obstacles(Counts(generated, train, heldout))
    if not sentences and train > 1:
        assert all(math.isfinite(number) for number in numbers_in(measured(metric, evidence_of(*counts))))
    for sentence in sentences:
        assert sentence.endswith(".")
        assert "evaluate." in sentence or "sample.n" in sentence or "data." in sentence


@each_metric
def test_a_number_too_large_for_floats_is_absent(metric: Metric) -> None:
    evidence = evidence_of()
    huge = dataclasses.replace(evidence.generated, features=evidence.generated.features * 1e30)
    overflowing = dataclasses.replace(evidence, generated=huge)
    assert all(math.isfinite(number) for number in numbers_in(measured(metric, overflowing)))


@each_metric
def test_a_constant_reference_gives_no_comparison(metric: Metric) -> None:
    evidence = evidence_of()
    flat = evidence.train.features[:1].expand(66, -1).clone()
    constant = dataclasses.replace(evidence, train=dataclasses.replace(evidence.train, features=flat))
    if set(metric.results) <= OF_LOGITS | NO_REFERENCE:
        assert numbers_in(metric.measure(constant))
    elif metric.results != NEEDS_KNOWN_MODES:
        with pytest.raises(Absent, match="all look the same"):
            metric.measure(constant)


@each_metric
def test_a_collapsed_generator_is_punished_with_numbers(metric: Metric) -> None:
    evidence = evidence_of()
    collapsed = with_everything(evidence.generated, lambda part: part[:1].expand(60, *part.shape[1:]).clone())
    results = measured(metric, dataclasses.replace(evidence, generated=collapsed))
    assert all(math.isfinite(number) for number in numbers_in(results))
    honest = measured(metric, evidence)
    for name in {"recall", "coverage", "class_accuracy"} & set(honest):
        assert results[name]["value"] < honest[name]["value"]
    for name in {"fid", "kid", "c2st", "class_fid", "fid_infinity"} & set(results):
        assert results[name]["value"] > honest[name]["value"]
    if "isc" in results:
        assert results["isc"]["value"] == pytest.approx(1)


@each_metric
def test_metrics_know_what_to_say_of_features_alone(metric: Metric) -> None:
    """Without pictures, labels, classifier and networks there is a number or a reason."""
    evidence = evidence_of()
    bare = {name: Seen(name, getattr(evidence, name).features, getattr(evidence, name).class_logits) for name in SETS}
    results = measured(metric, Evidence(**bare))
    assert all(math.isfinite(number) for number in numbers_in(results))
    assert bool(results) == (
        not {"discriminator", "class_fid", "class_accuracy", "modes", "path_length"} & set(metric.results)
    )
