"""Inception score, precision, recall and the discriminator's opinion stay where they must."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.metrics import Absent, Counts, Evidence, Seen, precision_recall
from ganlib.metrics.discriminator import DiscriminatorOpinion
from ganlib.metrics.inception_score import InceptionScore
from ganlib.metrics.precision_recall import PrecisionRecall

MakeSeen = Callable[..., Seen]


@pytest.fixture
def make_seen() -> MakeSeen:
    """n pictures around `shift`, as the networks might see them."""

    def make(n: int, *, seed: int = 0, shift: float = 0.0) -> Seen:
        features = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)) + shift
        return Seen("the pictures", features, 3 * features[:, :4], features.mean(dim=1))

    return make


def isc(class_logits: torch.Tensor, *, splits: int = 2) -> float:
    seen = Seen("pictures", torch.zeros(len(class_logits), 1), class_logits, None)
    return float(InceptionScore(isc_splits=splits, seed=0).measure(Evidence(seen, seen, seen))["isc"]["mean"])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 12), scale=st.floats(0, 50))
def test_inception_score_lies_between_one_and_the_number_of_classes(seed: int, classes: int, scale: float) -> None:
    logits = scale * torch.randn(24, classes, generator=torch.Generator().manual_seed(seed))
    assert 1 - 1e-9 <= isc(logits) <= classes + 1e-9


def test_inception_score_of_certain_and_even_classes_is_their_number() -> None:
    assert isc(100 * torch.eye(6).repeat(50, 1), splits=1) == pytest.approx(6)


def test_inception_score_of_undecided_logits_is_one() -> None:
    assert isc(torch.zeros(20, 7)) == pytest.approx(1)


def test_inception_score_needs_a_picture_for_every_split() -> None:
    metric = InceptionScore(isc_splits=10, seed=0)
    assert not metric.obstacles(Counts(generated=10, train=1, heldout=10))
    assert "set it to 9 or lower" in metric.obstacles(Counts(generated=10, train=20, heldout=9))[0]
    assert "set it to 4 or lower" in metric.obstacles(Counts(generated=4, train=20, heldout=9))[0]


def precision_and_recall(generated: Seen, train: Seen) -> tuple[float, float]:
    results = PrecisionRecall(neighbours=3).measure(Evidence(generated, train, heldout=train))
    return results["precision"]["value"], results["recall"]["value"]


def test_training_pictures_as_generated_ones_have_full_precision_and_recall(make_seen: MakeSeen) -> None:
    assert precision_and_recall(make_seen(40), make_seen(40)) == (1, 1)


def test_pictures_from_elsewhere_have_neither(make_seen: MakeSeen) -> None:
    assert precision_and_recall(make_seen(40, shift=50), make_seen(40)) == (0, 0)


def test_half_of_the_pictures_is_precise_but_recalls_less(make_seen: MakeSeen) -> None:
    whole = make_seen(60)
    side = whole.features[:, 0] > 0
    narrow = Seen("one half", whole.features[side], whole.class_logits[side], None)
    precision, recall = precision_and_recall(narrow, whole)
    assert precision == 1
    assert recall < 0.9


def test_blocks_give_what_the_whole_matrix_gives(make_seen: MakeSeen, monkeypatch: pytest.MonkeyPatch) -> None:
    generated, train = make_seen(50, shift=0.4), make_seen(70, seed=1)
    whole = precision_and_recall(generated, train)
    monkeypatch.setattr(precision_recall, "WHOLE_MATRIX", 10)
    monkeypatch.setattr(precision_recall, "BLOCK", 16)
    assert precision_and_recall(generated, train) == pytest.approx(whole, abs=1e-6)
    assert 0 < whole[0] < 1


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
