"""The game: its rounds, its history, and what happens when it goes wrong."""

import dataclasses
import json
from pathlib import Path

import pytest
from games import SHORT, after, assert_same, pictures, play, rules, start, table

from ganlib import components, steps, training
from ganlib.checkpoint import CheckpointFolder
from ganlib.errors import UserError
from ganlib.losses import GanLoss
from ganlib.shapes import Logits, Scalar
from ganlib.training import train


@pytest.mark.parametrize("rounds", [1, 2, 5, 6, 14])
def test_killed_anywhere_the_result_is_the_same(tmp_path: Path, rounds: int) -> None:
    undisturbed = play(tmp_path / "a")
    killed = train(start(rules()), rules(), pictures(), checkpoints=CheckpointFolder(tmp_path / "b"))
    for _ in range(rounds):
        next(killed)
    killed.close()  # nothing is saved on the way out
    assert_same(play(tmp_path / "b"), undisturbed)


def test_several_discriminator_steps_see_several_batches(tmp_path: Path) -> None:
    settings = dataclasses.replace(SHORT, discriminator_steps=3)
    by = rules(settings)
    played = train(start(by), by, pictures(), checkpoints=CheckpointFolder(tmp_path))
    rounds = [progress.images_seen for progress in played if not progress.notice]
    assert rounds == [24, 48, 72, 96, 120]


def test_each_player_moves_only_itself(tmp_path: Path) -> None:
    game = play(tmp_path, stop=after(1))
    laid = table(rules(), game)
    for name, step in (
        ("discriminator", lambda: steps.discriminator_step(laid, charged=True)),
        ("generator", lambda: steps.generator_step(laid)),
    ):
        before = {key: tensor.clone() for key, tensor in game.snapshot().tensors.items()}
        step()
        moved = {key for key, tensor in game.snapshot().tensors.items() if not before[key].equal(tensor)}
        assert {key.split(".")[0] for key in moved} == {name, f"{name}_optimizer", "sums"}


def test_the_history_has_a_row_for_each_interval_and_no_clock(tmp_path: Path) -> None:
    game = play(tmp_path)
    assert [row["images_seen"] for row in game.history] == [16, 32, 48, 64, 80, 96, 112, 120]
    columns = set(game.history[0])
    assert columns == {
        "images_seen", *training.REPORTED, "discriminator_gradient", "generator_gradient", "augmentation_p",
    }  # fmt: skip
    assert all(set(row) == columns for row in game.history)


def test_unconditional_training_sees_no_labels(tmp_path: Path) -> None:
    game = play(tmp_path, conditional=False)
    assert not any("embedding" in name for name in game.snapshot().tensors)


def test_another_seed_plays_another_game(tmp_path: Path) -> None:
    one = play(tmp_path / "a")
    other = play(tmp_path / "b", by=rules(dataclasses.replace(SHORT, seed=1)))
    assert one.history != other.history


class Poisoned(GanLoss):
    """Turns to NaN at one moment of the first life, or at every moment past it."""

    def __init__(self, at_call: int, *, forever: bool = False) -> None:
        self.honest = components.build(GanLoss, "hinge", {}, section="loss")
        self.calls, self.at_call, self.forever = 0, at_call, forever

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        self.calls += 1
        poisoned = self.calls == self.at_call or (self.forever and self.calls > self.at_call)
        return self.honest.discriminator(real_logits, fake_logits) * (float("nan") if poisoned else 1)

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:
        return self.honest.generator(real_logits, fake_logits)


def test_a_non_finite_loss_rolls_back_once_with_half_the_learning_rate(tmp_path: Path) -> None:
    by = dataclasses.replace(rules(), loss=Poisoned(at_call=9))
    game = start(by)
    played = train(game, by, pictures(), checkpoints=CheckpointFolder(tmp_path))
    notices = [progress.notice for progress in played if progress.notice and "learning rate" in progress.notice]
    assert game.images_seen == by.total
    assert game.non_finite_tensor() is None
    assert game.lr_scale == 0.5
    assert len(notices) == 1
    assert "back at 40 images, learning rate now 0.0005" in notices[0]


def test_no_second_rollback_and_the_last_good_checkpoint_survives(tmp_path: Path) -> None:
    by = dataclasses.replace(rules(), loss=Poisoned(at_call=9, forever=True))
    with pytest.raises(UserError, match=r"discriminator_loss is not finite \(last good checkpoint: 40 images, one"):
        list(train(start(by), by, pictures(), checkpoints=CheckpointFolder(tmp_path)))
    snapshot = CheckpointFolder(tmp_path).latest()
    assert snapshot is not None
    assert all(tensor.isfinite().all() for tensor in snapshot.tensors.values())


def test_where_rollback_is_off_divergence_is_an_error(tmp_path: Path) -> None:
    settings = dataclasses.replace(SHORT, on_non_finite="stop")
    by = dataclasses.replace(rules(settings), loss=Poisoned(at_call=9))
    with pytest.raises(UserError, match=r"diverged at 80 images: discriminator_loss .* lower train\.lr"):
        list(train(start(by), by, pictures(), checkpoints=CheckpointFolder(tmp_path)))


def test_a_non_finite_weight_never_reaches_a_checkpoint(tmp_path: Path) -> None:
    """Even a weight that no reported loss depends on."""
    settings = dataclasses.replace(SHORT, on_non_finite="stop")
    checkpoints = CheckpointFolder(tmp_path)
    game = start(rules(settings))
    with pytest.raises(UserError, match=r"averaged\.hidden\.0\.weight is not finite"):
        for progress in train(game, rules(settings), pictures(), checkpoints=checkpoints):
            if progress.images_seen == 48:
                game.averaged.get_parameter("hidden.0.weight").fill_(float("nan"))
    snapshot = checkpoints.latest()
    assert snapshot is not None
    assert snapshot.values["images_seen"] == 40


GOLDEN = Path(__file__).parent / "golden_trajectory.json"


@pytest.mark.parametrize("network", components.names("networks"))
def test_the_golden_trajectory_of_five_steps(tmp_path: Path, network: str) -> None:
    """A refactor may not change these numbers; what does on purpose writes them anew, and says so."""
    settings = dataclasses.replace(SHORT, kimg=0.04, log_every_kimg=0.008)
    history = play(tmp_path, network=network, by=rules(settings)).history
    golden = json.loads(GOLDEN.read_text())[network]
    assert len(history) == len(golden) == 5
    for row, expected in zip(history, golden, strict=True):
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-6)
