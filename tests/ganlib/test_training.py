"""The game: it can be stopped anywhere and goes on as if it had not been."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib import components, training
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.errors import UserError
from ganlib.game import Game, new_game
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.prepared import Split
from ganlib.settings import TrainSettings
from ganlib.shapes import Logits, Scalar
from ganlib.training import Rules, train

CPU = torch.device("cpu")
SHORT = TrainSettings(
    kimg=0.12, batch_size=8, lr=1e-3, log_every_kimg=0.016, checkpoint_every_kimg=0.04, grid_every_kimg=0.04,
    ema_half_life_kimg=0.02,
)  # fmt: skip


def pictures(n: int = 30) -> Split:
    random = np.random.default_rng(0)
    return Split(random.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), np.arange(n, dtype=np.int64) % 3)


def description(network: str = "mlp", *, conditional: bool = True) -> Description:
    classes = ("a", "b", "c") if conditional else ()
    return Description(network, {"width": 4}, (1, 8, 8), 6, "normal", classes, 0, (10, 10, 10) if conditional else ())


def rules(settings: TrainSettings = SHORT, loss: str = "relativistic", penalty: str = "r1_r2") -> Rules:
    return Rules(
        components.build(GanLoss, loss, {}, section="loss"),
        components.build(Penalty, penalty, {"gamma": 0.1}, section="penalty"),
        settings,
    )


def play(
    folder: Path,
    *,
    network: str = "mlp",
    by: Rules | None = None,
    stop: Callable[[], bool] = lambda: False,
    conditional: bool = True,
) -> Game:
    game = start(by or rules(), network, conditional=conditional)
    for _ in train(game, by or rules(), pictures(), checkpoints=CheckpointFolder(folder), stop=stop):
        pass
    return game


def start(by: Rules, network: str = "mlp", *, conditional: bool = True) -> Game:
    return new_game(description(network, conditional=conditional), by.settings, CPU)


def after(rounds: int) -> Callable[[], bool]:
    """A stop that comes after some rounds."""
    asked = iter(range(rounds + 1))
    return lambda: next(asked, None) is None or False


def assert_same(one: Game, other: Game) -> None:
    mine, theirs = one.snapshot(), other.snapshot()
    assert mine.values == theirs.values
    assert mine.tensors.keys() == theirs.tensors.keys()
    for name, tensor in mine.tensors.items():
        assert torch.equal(tensor, theirs.tensors[name]), name


@pytest.mark.parametrize("network", components.names("networks"))
@pytest.mark.parametrize("loss", components.names("losses"))
@pytest.mark.parametrize("penalty", components.names("penalties"))
def test_stopped_and_resumed_equals_undisturbed_bit_for_bit(
    tmp_path: Path, network: str, loss: str, penalty: str
) -> None:
    by = rules(loss=loss, penalty=penalty)
    undisturbed = play(tmp_path / "a", network=network, by=by)
    stopped = play(tmp_path / "b", network=network, by=by, stop=after(4))
    assert 0 < stopped.images_seen < by.total
    assert_same(play(tmp_path / "b", network=network, by=by), undisturbed)


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
    steps = [progress.images_seen for progress in played]
    assert steps == [24, 48, 72, 96, 120]


def test_each_player_moves_only_itself(tmp_path: Path) -> None:
    game = play(tmp_path, stop=after(1))
    by = rules()
    reals = training.RealImages(pictures(), seed=0, conditional=True, device=CPU, cache_bytes=10**9)
    before = {name: tensor.clone() for name, tensor in game.snapshot().tensors.items()}
    training.discriminator_step(game, by, reals)
    moved = {name.split(".")[0] for name, tensor in game.snapshot().tensors.items() if not before[name].equal(tensor)}
    assert moved == {"discriminator", "discriminator_optimizer"}
    before = {name: tensor.clone() for name, tensor in game.snapshot().tensors.items()}
    training.generator_step(game, by, reals)
    moved = {name.split(".")[0] for name, tensor in game.snapshot().tensors.items() if not before[name].equal(tensor)}
    assert moved == {"generator", "generator_optimizer"}


def test_the_history_has_a_row_for_each_interval_and_no_clock(tmp_path: Path) -> None:
    game = play(tmp_path)
    assert [row["images_seen"] for row in game.history] == [16, 32, 48, 64, 80, 96, 112, 120]
    assert set(game.history[0]) == {"images_seen", *training.REPORTED}


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
    notices = [progress.notice for progress in played if progress.notice]
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
        assert row == pytest.approx(expected, rel=1e-4)
