"""What a person is told of a game, and that looking changes nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from games import SHORT, pictures, play, rules, start, table

from ganlib import diagnostics
from ganlib.diagnostics import ROWS
from ganlib.networks import Discriminator
from ganlib.prepared import Split
from ganlib.shapes import Features, Images, Labels, Logits
from ganlib.training import play_round

FINE = {"pair_accuracy": 0.7, "feature_spread": 0.9, "overfitting": 0.1}


@pytest.mark.parametrize("network", ["dcgan", "resnet"])
def test_looking_changes_no_bit_of_the_game(network: str) -> None:
    by = rules(penalty="none", loss="hinge")
    game = start(by, network)
    play_round(table(by, game))
    before = {name: tensor.clone() for name, tensor in game.snapshot().tensors.items()}
    diagnostics.bystander(game, by, pictures(), pictures(20)).report()
    for name, tensor in game.snapshot().tensors.items():
        assert torch.equal(tensor, before[name]), name
    assert game.generator.training
    assert game.discriminator.training


def test_the_history_tells_held_out_pictures_from_training_ones(tmp_path: Path) -> None:
    history = play(tmp_path, heldout=pictures(20)).history
    assert all({"heldout_logit", "heldout_accuracy", "overfitting", "feature_spread"} <= set(row) for row in history)
    assert all(0 <= row["heldout_accuracy"] <= 1 for row in history)


def test_spread_is_one_for_a_generator_of_the_held_out_pictures_and_zero_for_one_picture() -> None:
    by = rules()
    game = start(by)
    play_round(table(by, game))
    shown = pictures(diagnostics.LOOKED_AT)
    looks = diagnostics.bystander(game, by, shown, shown)
    real = torch.from_numpy(shown.pixels).float().div(127.5).sub(1)
    for made, expected in ((real, 1.0), (real[:1].expand_as(real), 0.0)):
        game.generator.forward = lambda latents, labels, made=made: made  # type: ignore[method-assign]
        assert looks.report()["feature_spread"] == pytest.approx(expected, abs=1e-4)


class Brightness(Discriminator):
    """Finds bright pictures real."""

    def features(self, images: Images) -> Features:
        return images.mean(dim=(1, 2, 3)).unsqueeze(1)

    def judge(self, features: Features, labels: Labels | None) -> Logits:
        return features.squeeze(1)


@pytest.mark.parametrize(
    ("unseen", "made", "expected"),
    [(255, 0, 0.0), (0, 0, 1.0), (51, 0, 0.8), (0, 255, 0.0)],
    ids=["like those it has seen", "like generated ones", "in between", "nothing to tell apart"],
)
def test_overfitting_is_how_far_held_out_pictures_fall_towards_generated_ones(
    unseen: int, made: int, expected: float
) -> None:
    def plain(grey: int) -> Split:
        return Split(np.full((8, 1, 8, 8), grey, np.uint8), np.zeros(8, np.int64))

    by = rules()
    game = start(by, conditional=False)
    play_round(table(by, game))
    game.discriminator = Brightness()
    game.generator.forward = lambda latents, labels: torch.full((8, 1, 8, 8), made / 127.5 - 1)  # type: ignore[method-assign]
    looks = diagnostics.bystander(game, by, plain(255), plain(unseen))
    assert looks.report()["overfitting"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ({"pair_accuracy": 0.999}, "D has won: .*raise penalty.gamma, or lower train.lr"),
        ({"feature_spread": 0.01}, "G is collapsing: .*train.packing"),
        ({"overfitting": 0.9}, "D overfits: .*set augmentation.name to ada"),
    ],
)
def test_what_goes_wrong_is_said_once_when_it_sets_in(sign: dict[str, float], words: str) -> None:
    history: list[dict[str, Any]] = [dict(FINE) for _ in range(3)]
    said = []
    for row in [*[{**FINE, **sign}] * (2 * ROWS), FINE, *[{**FINE, **sign}] * ROWS]:
        history.append(dict(row))
        said.append(diagnostics.warnings(history, rules()))
    at = [place for place, sentences in enumerate(said) if sentences]
    assert at == [ROWS - 1, 3 * ROWS], "once, and again after it was well for a while"
    assert len(said[at[0]]) == 1
    import re

    assert re.match(words, said[at[0]][0])


def test_a_good_game_is_not_talked_about() -> None:
    assert diagnostics.warnings([dict(FINE)] * 50, rules()) == []


def test_the_way_out_fits_the_rules() -> None:
    history = [{**FINE, "pair_accuracy": 1.0}] * ROWS
    (unpenalised,) = diagnostics.warnings(history, rules(SHORT, penalty="none"))
    assert "set penalty.name to r1_r2" in unpenalised
    history = [{**FINE, "overfitting": 1.0}] * ROWS
    (augmented,) = diagnostics.warnings(history, rules(SHORT, augmentation="ada"))
    assert "raise augmentation.p" in augmented
