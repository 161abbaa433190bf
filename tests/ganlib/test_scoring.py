"""What generators are scored by while they train: the right numbers, the same ones whatever the clock says."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from games import CPU, description

from ganlib import scoring
from ganlib.errors import UserError
from ganlib.feature_cache import FeatureCache
from ganlib.features import ClassLogits, FeatureExtractor, Features
from ganlib.features.coordinates import Coordinates
from ganlib.game import Game, new_game
from ganlib.prepared import PreparedData, Split
from ganlib.scoring import HeldoutScorer, drawn, refer, scores
from ganlib.settings import TrainSettings
from ganlib.shapes import Stored

SETTINGS = TrainSettings(evaluate_every_kimg=1.0, evaluate_samples=50)


class Pixels(FeatureExtractor):
    """Sees each picture's first 12 pixels; only as fast as the test lets it."""

    def __init__(self, gate: threading.Event | None = None, *, worth: float = 1.0) -> None:
        super().__init__(name="pixels", digest=sha256(b"pixels").hexdigest(), preprocessing="none")
        self.gate, self.worth, self.pictures = gate, worth, 0

    def forward(self, pixels: Stored) -> tuple[Features, ClassLogits]:
        if self.gate is not None:
            self.gate.wait()
        self.pictures += len(pixels)
        return pixels.flatten(1)[:, :12].float() * self.worth, torch.empty(len(pixels), 0)


def data(kind: str = "pictures", heldout: int = 40) -> PreparedData:
    random = np.random.default_rng(0)
    if kind == "points":
        points = random.normal(size=(60, 2, 1, 1)).astype(np.float32)
        return PreparedData(Split(points[:20], np.full(20, -1)), Split(points[20:], np.full(40, -1)), (), "d" * 64)
    pixels = random.integers(0, 256, (20 + heldout, 1, 8, 8), dtype=np.uint8)
    labels = np.arange(20 + heldout) % 3
    names = ("a", "b", "c")
    return PreparedData(Split(pixels[:20], labels[:20]), Split(pixels[20:], labels[20:]), names, "d" * 64)


def game(kind: str = "pictures") -> Game:
    if kind == "points":
        return new_game(description(conditional=False, shape=(2, 1, 1), kind="points"), SETTINGS, CPU)
    return new_game(description(), SETTINGS, CPU)


@contextmanager
def opened(extractor: FeatureExtractor, kind: str = "pictures", **more: Any) -> Iterator[HeldoutScorer]:
    with closing(HeldoutScorer(extractor, data(kind), SETTINGS, CPU, **more)) as scorer:
        yield scorer


def never() -> bool:
    return False


@pytest.mark.parametrize(("kind", "extractor"), [("pictures", Pixels()), ("points", Coordinates())])
def test_the_score_is_of_pictures_of_the_averaged_generator_against_the_held_out_ones(
    kind: str, extractor: FeatureExtractor
) -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    played = game(kind)
    with opened(extractor, kind) as scorer:
        found = scorer(played, never)
    assert found is not None
    made = extractor(torch.cat(list(drawn(played, 0, 50))))[0]
    real = extractor(torch.from_numpy(data(kind).heldout.pixels))[0]
    fid = fid_statistics_to_metric(fid_features_to_statistics(made), fid_features_to_statistics(real), False)
    shares = prc_features_to_metric(made, real, prc_neighborhood=3, prc_batch_size=100, verbose=False)
    assert found["fid"] == pytest.approx(fid["frechet_inception_distance"], rel=1e-6)
    assert found["precision"] == pytest.approx(shares["precision"])
    assert found["recall"] == pytest.approx(shares["recall"])


def test_real_pictures_score_perfectly_and_others_do_not() -> None:
    real = torch.randn(60, 12, generator=torch.Generator().manual_seed(0))
    perfect = scores(real, refer(real, CPU), CPU)
    assert perfect["fid"] == pytest.approx(0, abs=1e-9)
    assert (perfect["precision"], perfect["recall"]) == (1.0, 1.0)
    apart = scores(real + 100, refer(real, CPU), CPU)
    assert apart["fid"] > 1000
    assert (apart["precision"], apart["recall"]) == (0.0, 0.0)


def test_it_draws_with_exact_class_shares_and_from_no_global_state() -> None:
    played = game()
    before = torch.get_rng_state()
    one, other = (torch.cat(list(drawn(played, 3, 50))) for _ in range(2))
    assert one.equal(other)
    assert torch.get_rng_state().equal(before)
    assert torch.cat(list(drawn(played, 3, 20))).shape == (20, 1, 8, 8)
    assert not torch.cat(list(drawn(played, 4, 50))).equal(one)


def test_slow_held_out_pictures_hold_nothing_up_until_a_score_is_due(tmp_path: Path) -> None:
    gate = threading.Event()
    played, quick = game(), Pixels()
    with opened(quick) as scorer:
        at_once = scorer(played, never)
    with opened(Pixels(gate)) as scorer:
        threading.Timer(0.2, gate.set).start()
        assert scorer(played, never) == at_once, "the same score, only later"


def test_waiting_for_them_ends_where_the_training_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "ASK_EVERY_SECONDS", 0.01)
    gate, asked = threading.Event(), iter([False, False, True])
    slow = Pixels(gate)
    scorer = HeldoutScorer(slow, data(), SETTINGS, CPU)
    assert scorer(game(), lambda: next(asked)) is None
    threading.Timer(0.1, gate.set).start()
    scorer.close()
    assert slow.pictures == scoring.ROWS, "it is not looked at any further"


def test_a_stop_between_two_batches_ends_the_scoring() -> None:
    with opened(Pixels()) as scorer:
        scorer._reference.result()
        asked = iter([False, True])
        assert scorer(game(), lambda: next(asked)) is None


def test_held_out_pictures_are_looked_at_once_and_for_all(tmp_path: Path) -> None:
    first, second = Pixels(), Pixels()
    with opened(first, cache=FeatureCache(tmp_path)) as scorer:
        one = scorer(game(), never)
    with opened(second, cache=FeatureCache(tmp_path)) as scorer:
        other = scorer(game(), never)
    assert one == other
    assert (first.pictures, second.pictures) == (40 + 50, 50)


def test_features_that_are_no_numbers_make_scores_that_are_none() -> None:
    real = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    assert all(np.isnan(score) for score in scores(real / 0, refer(real, CPU), CPU).values())
    with (
        opened(Pixels(worth=float("inf"))) as scorer,
        pytest.raises(UserError, match=r"held-out .* train"),
    ):
        scorer(game(), never)


@pytest.mark.parametrize("kind", ["pictures", "points"])
def test_what_needs_another_stage_or_other_data_is_not_offered(kind: Any) -> None:
    offered = scoring.extractors(kind)
    assert "classifier" not in offered
    assert offered == ["coordinates"] if kind == "points" else {"random", "inception"} <= set(offered)


def test_one_that_cannot_be_opened_is_a_sentence_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    weights = tmp_path / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
    weights.parent.mkdir()
    weights.write_bytes(b"others")
    with pytest.raises(UserError, match=rf"^train\.evaluate_through is inception but {weights} .*put the file"):
        scoring.open_judge("inception", data(), CPU)
