"""Inception score and the discriminator's opinion stay where they must."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.metrics import Absent, Counts, Evidence, Result, Seen, inception_score
from ganlib.metrics.discriminator import DiscriminatorOpinion
from ganlib.metrics.inception_score import InceptionScore, scores_without_each_group
from ganlib.uncertainty import rows_without

MakeSeen = Callable[..., Seen]


@pytest.fixture
def make_seen() -> MakeSeen:
    """n pictures around `shift`, as the networks might see them."""

    def make(n: int, *, seed: int = 0, shift: float = 0.0) -> Seen:
        features = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)) + shift
        return Seen("the pictures", features, 3 * features[:, :4], features.mean(dim=1))

    return make


def isc_result(class_logits: torch.Tensor, *, splits: int = 2, seed: int = 0) -> Result:
    seen = Seen("pictures", torch.zeros(len(class_logits), 1), class_logits, None)
    return InceptionScore(isc_splits=splits, seed=seed).measure(Evidence(seen, seen, seen))["isc"]


def isc(class_logits: torch.Tensor, *, splits: int = 2) -> float:
    return float(isc_result(class_logits, splits=splits)["value"])


def draws(seed: int, n: int = 47, classes: int = 6) -> torch.Tensor:
    return 3 * torch.randn(n, classes, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 12), scale=st.floats(0, 50))
def test_inception_score_lies_between_one_and_the_number_of_classes(seed: int, classes: int, scale: float) -> None:
    logits = scale * torch.randn(24, classes, generator=torch.Generator().manual_seed(seed))
    assert 1 - 1e-9 <= isc(logits) <= classes + 1e-9


def test_inception_score_of_certain_and_even_classes_is_their_number() -> None:
    assert isc(100 * torch.eye(6).repeat(50, 1), splits=1) == pytest.approx(6)


def test_inception_score_of_undecided_logits_is_one() -> None:
    assert isc(torch.zeros(20, 7)) == pytest.approx(1)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), splits=st.integers(1, 6))
def test_inception_score_is_torch_fidelitys(seed: int, splits: int) -> None:
    from torch_fidelity.metric_isc import isc_features_to_metric

    theirs = isc_features_to_metric(draws(seed), splits=splits, shuffle=True, rng_seed=seed)
    ours = isc_result(draws(seed), splits=splits, seed=seed)
    assert ours["value"] == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert ours["std"] == pytest.approx(theirs["inception_score_std"], abs=1e-12)


def test_sums_by_group_give_the_inception_score_without_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inception_score, "ROWS_AT_ONCE", 7)
    found = scores_without_each_group(draws(1), 1, 0)
    anew = [isc(draws(1)[rows_without(group, 47)], splits=1) for group in range(20)]
    assert found == pytest.approx(anew, rel=1e-12)


def test_a_split_without_pictures_does_not_count() -> None:
    """Of two pictures in two splits one stays, which is certain of nothing but itself."""
    assert scores_without_each_group(draws(2, n=2), 2, 0) == pytest.approx([1, 1])
    assert scores_without_each_group(draws(2, n=1), 1, 0) == []


def test_nineteen_in_twenty_intervals_hold_the_inception_score() -> None:
    results = [isc_result(draws(seed, n=200), splits=4) for seed in range(60)]
    usual = torch.tensor([result["value"] for result in results]).mean()
    held = [result["low"] <= usual <= result["high"] for result in results]
    assert sum(held) / len(held) > 0.88
    claimed = torch.tensor([(result["high"] - result["low"]) / 2 / 2.09 for result in results]).mean()
    assert 0.7 < claimed / torch.tensor([result["value"] for result in results]).std() < 1.4
    assert all(1 <= result["low"] < result["high"] <= 6 for result in results)


def test_inception_score_needs_a_picture_for_every_split() -> None:
    metric = InceptionScore(isc_splits=10, seed=0)
    assert not metric.obstacles(Counts(generated=10, train=1, heldout=10))
    assert "set it to 9 or lower" in metric.obstacles(Counts(generated=10, train=20, heldout=9))[0]
    assert "set it to 4 or lower" in metric.obstacles(Counts(generated=4, train=20, heldout=9))[0]


def opinion(train: torch.Tensor, heldout: torch.Tensor, generated: torch.Tensor) -> dict[str, float]:
    def seen(logits: torch.Tensor) -> Seen:
        return Seen("pictures", torch.zeros(len(logits), 1), torch.zeros(len(logits), 1), logits)

    return DiscriminatorOpinion().measure(Evidence(seen(generated), seen(train), seen(heldout)))["discriminator"]


def test_a_discriminator_that_cannot_tell_says_one_half() -> None:
    said = opinion(torch.zeros(5), torch.zeros(3), torch.zeros(4))
    assert said.pop("distance_from_half") == 0
    assert set(said.values()) == {0.5}


def test_distance_from_half_is_the_greater_of_both_sides() -> None:
    said = opinion(torch.full((5,), 1.0), torch.zeros(3), torch.full((4,), -2.0))
    assert said["distance_from_half"] == pytest.approx(0.5 - said["generated"])
    assert said["distance_from_half"] > said["train"] - 0.5 > 0


@settings(max_examples=10, deadline=None)
@given(shift=st.floats(-20, 20), seed=st.integers(0, 100))
def test_what_a_relativistic_game_leaves_open_changes_no_comparison(shift: float, seed: int) -> None:
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(seed))
    said, moved = opinion(*logits), opinion(*(logits + shift))
    for name in ("train_over_generated", "heldout_over_generated"):
        assert moved[name] == pytest.approx(said[name], abs=1e-5)


def test_real_over_generated_rises_where_real_pictures_look_more_real() -> None:
    said = opinion(torch.full((5,), 4.0), torch.full((7,), 1.0), torch.zeros(3))
    assert said["train_over_generated"] > said["heldout_over_generated"] > 0.5


def test_every_picture_has_its_say_in_the_pairs() -> None:
    train, generated = torch.tensor([1.0, 2.0]), torch.tensor([0.0, -1.0, 5.0])
    said = opinion(train, train, generated)
    pairs = torch.tensor([1.0, 2.0, 1.0]) - generated
    assert said["train_over_generated"] == pytest.approx(float(torch.sigmoid(pairs).mean()))


def test_without_a_discriminator_its_opinion_is_absent(make_seen: MakeSeen) -> None:
    silent = dataclasses.replace(make_seen(9), realness=None)
    with pytest.raises(Absent, match="discriminator"):
        DiscriminatorOpinion().measure(Evidence(silent, make_seen(9), make_seen(9)))
