"""Class by class: what was asked for is what is shown, and looks as that class looks."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from ganlib.metrics import Absent, Counts, Evidence, Seen, class_fid
from ganlib.metrics.class_accuracy import ClassAccuracy
from ganlib.metrics.class_fid import ClassFrechetDistance
from ganlib.moments import Moments, frechet_distance
from ganlib.uncertainty import share

CLASSES, DIM = 3, 4


def pictures(n: int, seed: int, name: str = "the generated pictures", *, right: float = 1.0) -> Seen:
    """Classes lie apart; the classifier is right about a share of them and takes the others for the next class."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (n,), generator=random)
    centres = 5.0 * torch.eye(DIM)[:CLASSES]
    features = centres[labels] + torch.randn(n, DIM, generator=random)
    says = torch.where(torch.rand(n, generator=random) < right, labels, (labels + 1) % CLASSES)
    return Seen(name, features, torch.zeros(n, 2), labels=labels, named=torch.eye(CLASSES)[says])


def evidence_of(generated: Seen, heldout: Seen | None = None) -> Evidence:
    return Evidence(generated, pictures(90, 1, "train"), heldout or pictures(60, 2, "held-out"))


def accuracy(evidence: Evidence) -> dict[str, Any]:
    return ClassAccuracy().measure(evidence)["class_accuracy"]


def distance(evidence: Evidence) -> dict[str, Any]:
    return ClassFrechetDistance().measure(evidence)["class_fid"]


def without_class(seen: Seen, number: int) -> Seen:
    assert seen.labels is not None
    return seen.rows(torch.nonzero(seen.labels != number).flatten())


def test_accuracy_is_the_share_named_as_asked_for_with_its_floor() -> None:
    result = accuracy(evidence_of(pictures(200, 3, right=0.7), pictures(50, 4, right=0.9)))
    labels, says = (pictures(200, 3, right=0.7).labels, pictures(200, 3, right=0.7).named)
    assert says is not None
    right = int((says.argmax(dim=1) == labels).sum())
    assert result["value"] == right / 200
    assert (result["low"], result["high"]) == (share(right, 200).low, share(right, 200).high)
    assert 0.6 < result["value"] < 0.8 < result["floor"] < 1
    assert sum(entry["accuracy"] * entry["generated"] for entry in result["classes"]) == pytest.approx(right)
    assert result["worst"]["accuracy"] == min(entry["accuracy"] for entry in result["classes"])


def test_accuracys_replicates_are_what_is_measured_without_each_group() -> None:
    generated = pictures(73, 3, right=0.5)
    result = accuracy(evidence_of(generated))
    expected = [accuracy(evidence_of(generated.without(group)))["value"] for group in range(20)]
    assert result["replicates"] == pytest.approx(expected, abs=1e-12)


def test_heldout_pictures_of_a_perfect_generator_score_the_floor() -> None:
    heldout = pictures(60, 5, right=0.8)
    result = accuracy(evidence_of(heldout, heldout))
    assert result["value"] == result["floor"]


def test_a_class_that_was_not_generated_is_named_and_the_others_are_measured() -> None:
    evidence = evidence_of(without_class(pictures(120, 3), 1))
    for result, number in ((accuracy(evidence), "accuracy"), (distance(evidence), "fid")):
        missing = [entry for entry in result["classes"] if "absent" in entry]
        assert [entry["class"] for entry in missing] == ["1"]
        assert number not in missing[0]
        assert math.isfinite(result["value"])
        assert result["worst"]["class"] != "1"


def test_pictures_of_no_class_count_for_nothing() -> None:
    whole = pictures(120, 3, right=0.8)
    assert whole.labels is not None
    partly = dataclasses.replace(whole, labels=torch.where(torch.arange(120) < 40, -1, whole.labels))
    rest = whole.rows(torch.arange(40, 120))
    assert accuracy(evidence_of(partly))["value"] == accuracy(evidence_of(rest))["value"]
    assert distance(evidence_of(partly))["value"] == pytest.approx(distance(evidence_of(rest))["value"], abs=1e-9)


@pytest.mark.parametrize("metric", [ClassAccuracy(), ClassFrechetDistance()])
def test_nothing_is_said_where_no_class_was_asked_for(metric: ClassAccuracy | ClassFrechetDistance) -> None:
    generated = pictures(50, 3)
    assert metric.obstacles(Counts(1, 1, 1)) == []
    with pytest.raises(Absent, match="the data has no classes"):
        metric.measure(evidence_of(dataclasses.replace(generated, labels=None)))
    unconditional = dataclasses.replace(generated, labels=torch.full((50,), -1))
    with pytest.raises(Absent, match="the generated pictures are of no class"):
        metric.measure(evidence_of(unconditional))
    result = next(iter(metric.measure(evidence_of(generated, dataclasses.replace(unconditional, name="h"))).values()))
    assert "absent" in result["floor"]
    assert math.isfinite(result["value"])


@pytest.mark.parametrize("metric", [ClassAccuracy(), ClassFrechetDistance()])
def test_numbers_that_are_none_are_refused_by_the_name_of_their_set(
    metric: ClassAccuracy | ClassFrechetDistance,
) -> None:
    def spoilt(seen: Seen) -> Seen:
        assert seen.named is not None
        bad = {"features": seen.features.clone(), "named": seen.named.clone()}
        for part in bad.values():
            part[3, 0] = math.nan
        return dataclasses.replace(seen, **bad)

    evidence = evidence_of(pictures(60, 3))
    with pytest.raises(Absent, match="the generated pictures"):
        metric.measure(dataclasses.replace(evidence, generated=spoilt(evidence.generated)))
    (result,) = metric.measure(dataclasses.replace(evidence, heldout=spoilt(evidence.heldout))).values()
    assert "held-out" in result["floor"]["absent"]


def test_without_a_classifier_there_is_no_accuracy() -> None:
    with pytest.raises(Absent, match="no classifier"):
        accuracy(evidence_of(dataclasses.replace(pictures(50, 3), named=None)))


def test_the_distance_is_the_mean_of_those_of_the_classes() -> None:
    evidence = evidence_of(pictures(120, 3))
    generated, train = evidence.generated, evidence.train
    expected = [
        frechet_distance(
            Moments.of(generated.features[generated.labels == number]),
            Moments.of(train.features[train.labels == number]),
        )
        for number in range(CLASSES)
    ]
    result = distance(evidence)
    assert [entry["fid"] for entry in result["classes"]] == pytest.approx(expected, rel=1e-5)
    assert result["value"] == pytest.approx(np.mean(expected), rel=1e-5)
    assert result["worst"]["fid"] == max(entry["fid"] for entry in result["classes"])


def test_classes_that_are_mixed_up_are_seen_class_by_class_alone() -> None:
    honest = pictures(120, 3)
    assert honest.labels is not None
    mixed = dataclasses.replace(honest, labels=(honest.labels + 1) % CLASSES)
    assert distance(evidence_of(mixed))["value"] > 10 * distance(evidence_of(honest))["value"]


def test_real_pictures_score_the_floor_of_as_many() -> None:
    """Both of the same kind: what is left is luck, which the intervals know of."""
    result = distance(evidence_of(pictures(120, 3), pictures(60, 4)))
    assert result["value"] < result["value_at_floor_count"]  # fewer pictures score higher
    assert result["value_at_floor_count"] == pytest.approx(result["floor"], rel=1)
    assert result["floor_low"] < result["floor"] < result["floor_high"]
    for entry in result["classes"]:
        assert entry["floor_count"] == min(entry["generated"], entry["heldout"])


def test_each_class_is_compared_with_its_floor_at_the_lesser_count() -> None:
    generated = pictures(150, 3)
    result = distance(evidence_of(generated, pictures(60, 4)))
    count = result["classes"][0]["floor_count"]
    assert count < result["classes"][0]["generated"]
    few = generated.rows(torch.nonzero(generated.labels == 0).flatten()[:count])
    alone = distance(evidence_of(few))
    assert alone["classes"][0]["fid"] == pytest.approx(result["classes"][0]["fid_at_floor_count"], rel=1e-9)


def test_the_distances_replicates_are_what_is_measured_without_each_group() -> None:
    generated = pictures(120, 3)
    result = distance(evidence_of(generated))
    for group in (0, 11):
        alone = distance(evidence_of(generated.without(group)))
        assert result["replicates"][group] == pytest.approx(alone["value"], rel=1e-9)


def test_the_order_of_pictures_changes_no_distance() -> None:
    generated = pictures(120, 3)
    shuffled = generated.rows(torch.randperm(120, generator=torch.Generator().manual_seed(0)))
    assert distance(evidence_of(shuffled))["value"] == pytest.approx(
        distance(evidence_of(generated))["value"], abs=1e-9
    )


def test_one_picture_over_and_over_in_each_class_is_far_from_all() -> None:
    generated = pictures(120, 3)
    assert generated.labels is not None
    same = dataclasses.replace(generated, features=5.0 * torch.eye(DIM)[generated.labels])
    assert distance(evidence_of(same))["value"] > 2
    huge = dataclasses.replace(generated, features=generated.features * 1e30)
    assert 1e50 < distance(evidence_of(huge))["value"] < math.inf


def test_more_classes_than_pictures_or_than_can_be_paid_for_give_no_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    few = pictures(3, 8)
    alone = dataclasses.replace(few, labels=torch.arange(3))
    with pytest.raises(Absent, match="no class has two generated"):
        distance(evidence_of(alone))
    assert distance(evidence_of(pictures(12, 3)))["replicates"] == []  # a group leaves a class with one picture
    monkeypatch.setattr(class_fid, "DEAREST", 10 * CLASSES * DIM**3)  # a number of each, but not one for each group
    unsure = distance(evidence_of(pictures(120, 3)))
    assert (unsure["replicates"], unsure["high"]) == ([], None)
    monkeypatch.setattr(class_fid, "DEAREST", 1)
    with pytest.raises(Absent, match="3 classes in 4 features would take too long"):
        distance(evidence_of(pictures(120, 3)))
