"""When a game goes wrong: what is no number, memory that runs out, and what a person is told before and meanwhile."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from games import SHORT, after, assert_same, description, pictures, play, rules, start

from ganlib import batches, components
from ganlib.checkpoint import CheckpointFolder
from ganlib.errors import UserError
from ganlib.game import Game, new_game
from ganlib.losses import GanLoss
from ganlib.networks import mlp
from ganlib.penalties import LAZY
from ganlib.prepared import Split
from ganlib.randomness import Purpose
from ganlib.rules import Rules
from ganlib.schedules import Schedule
from ganlib.shapes import Logits, Scalar
from ganlib.training import Progress, train

pytestmark = pytest.mark.timeout(120)  # a rollback that is made again and again has no end

HINGE = rules(loss="hinge")
DIVERGED = (
    r"^Training diverged at {at} images: {culprit} is not finite \(last good checkpoint: {good}\); lower train\.lr, "
    r"raise penalty\.gamma, or use the relativistic loss with r1_r2\.$"
)
AGAIN = "40 images, one rollback was made already"


def notices(played: Iterator[Progress]) -> list[str]:
    return [progress.notice for progress in played if progress.notice]


def assert_good_checkpoints(folder: Path) -> None:
    """Every file, not only the newest."""
    files = list(folder.glob("*.safetensors"))
    for file in files:
        alone = folder / file.stem
        alone.mkdir()
        (alone / file.name).write_bytes(file.read_bytes())
        snapshot = CheckpointFolder(alone).latest()
        assert snapshot is not None
        assert all(tensor.isfinite().all() for tensor in snapshot.tensors.values())
    assert files


@pytest.mark.parametrize(
    ("player", "weight"),
    [("generator", "to_pixels.weight"), ("generator", "hidden.0.bias"), ("discriminator", "to_logit.weight")],
)
def test_a_weight_that_is_no_number_costs_one_rollback_and_then_the_game(
    tmp_path: Path, player: str, weight: str
) -> None:
    game = start(HINGE)
    said = []
    with pytest.raises(UserError, match=DIVERGED.format(at=64, culprit="discriminator_loss", good=AGAIN)):
        for progress in train(game, HINGE, pictures(), checkpoints=CheckpointFolder(tmp_path)):
            said += [progress.notice] if progress.notice else []
            if progress.images_seen == 48:
                getattr(game, player).get_parameter(weight).data.view(-1)[0] = float("nan")
    assert said == [
        "discriminator_loss was not finite at 64 images: back at 40 images, learning rate now 0.0005.",
    ]
    assert_good_checkpoints(tmp_path)


POINTS = 200


def cloud_with_a_hole(position: int) -> Split:
    """Points of which D meets one that is no number at this position of its order."""
    points = np.random.default_rng(0).normal(size=(POINTS, 2, 1, 1)).astype(np.float32)
    (row,) = batches.order(SHORT.seed, Purpose.DISCRIMINATOR_REALS, POINTS, position, 1)
    points[row, 0] = np.nan
    return Split(points, np.full(POINTS, -1, dtype=np.int64))


@pytest.mark.parametrize(("position", "at", "good"), [(50, 64, AGAIN), (3, 16, "none")])
def test_a_batch_that_holds_no_number_ends_the_game_before_a_checkpoint(
    tmp_path: Path, position: int, at: int, good: str
) -> None:
    described = description(conditional=False, shape=(2, 1, 1), kind="points")
    game = new_game(described, SHORT, torch.device("cpu"))
    played = train(game, HINGE, cloud_with_a_hole(position), checkpoints=CheckpointFolder(tmp_path))
    with pytest.raises(UserError, match=DIVERGED.format(at=at, culprit="discriminator_loss", good=good)):
        list(played)
    if good == AGAIN:
        assert_good_checkpoints(tmp_path)


class Poisoned(GanLoss):
    """A generator's loss that is no number at some moment of a game, in its first life or in every one."""

    def __init__(self, *, at: int, always: bool = False) -> None:
        self.honest = components.build(GanLoss, "hinge", {}, section="loss")
        self.at, self.always = at, always
        self.game: Game | None = None

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        return self.honest.discriminator(real_logits, fake_logits)

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:
        assert self.game is not None
        poisoned = self.game.images_seen == self.at and (self.always or self.game.rollbacks == 0)
        return self.honest.generator(real_logits, fake_logits) * (float("nan") if poisoned else 1)


def poisoned(by: Rules, *, always: bool = False) -> tuple[Rules, Game]:
    loss = Poisoned(at=64, always=always)
    by = dataclasses.replace(by, loss=loss)
    loss.game = start(by)
    return by, loss.game


def test_a_generators_loss_that_is_no_number_is_named(tmp_path: Path) -> None:
    by, game = poisoned(rules(), always=True)
    with pytest.raises(UserError, match=DIVERGED.format(at=64, culprit="generator_loss", good=AGAIN)):
        list(train(game, by, pictures(), checkpoints=CheckpointFolder(tmp_path)))
    assert_good_checkpoints(tmp_path)


def test_a_rollback_is_remembered_by_whoever_goes_on(tmp_path: Path) -> None:
    by, game = poisoned(rules())
    for progress in train(game, by, pictures(), checkpoints=CheckpointFolder(tmp_path)):
        if progress.notice and "back at 40 images" in progress.notice:
            break
    by, game = poisoned(rules(), always=True)
    said = []
    with pytest.raises(UserError, match=DIVERGED.format(at=64, culprit="generator_loss", good=AGAIN)):
        for progress in train(game, by, pictures(), checkpoints=CheckpointFolder(tmp_path)):
            said += [progress.notice] if progress.notice else []
    assert said == ["Resumed at 40 of 120 images."], "there is no second rollback, though nobody remembers the first"


MOVING = rules(
    dataclasses.replace(
        SHORT,
        lr=Schedule(start=1e-3, end=2e-4, over_kimg=0.08, shape="linear"),
        beta2=Schedule(start=0.9, end=0.99, over_kimg=0.1),
        ema_half_life_kimg=Schedule(start=0, end=0.05, over_kimg=0.1),
    ),
    penalty_options={"gamma": {"start": 1, "end": 0.1, "over_kimg": 0.1}},
)


@pytest.mark.parametrize("rounds", [8, 9, 12])
def test_a_rollback_goes_back_along_the_schedules_at_half_the_rate(tmp_path: Path, rounds: int) -> None:
    by, undisturbed = poisoned(MOVING)
    said = notices(train(undisturbed, by, pictures(), checkpoints=CheckpointFolder(tmp_path / "a")))
    # At 40 of 80 images the rate is half way from 1e-3 to 2e-4; half of that is 3e-4.
    assert said == ["generator_loss was not finite at 64 images: back at 40 images, learning rate now 0.0003."]
    assert undisturbed.images_seen == by.total
    for player in (undisturbed.generator_player, undisturbed.discriminator_player):
        (group,) = player.optimizer.param_groups
        assert group["lr"] == pytest.approx(1e-4)
    by, killed = poisoned(MOVING)
    list(train(killed, by, pictures(), checkpoints=CheckpointFolder(tmp_path / "b"), stop=after(rounds)))
    by, resumed = poisoned(MOVING)
    list(train(resumed, by, pictures(), checkpoints=CheckpointFolder(tmp_path / "b")))
    assert_same(resumed, undisturbed)


CPU_WORDS = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4294967296 bytes. Error code 12 (Cannot allocate memory)"
)


def failing(error: Exception, *, at_call: int) -> Callable[..., Any]:
    """D's forward pass, which fails once: at the first call when the game is laid out, later within a round."""
    honest, calls = mlp.MlpDiscriminator.features, 0

    def features(self: Any, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at_call:
            raise error
        return honest(self, *arguments)

    return features


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError(CPU_WORDS), MemoryError()]
)
@pytest.mark.parametrize(("at_call", "at", "saved"), [(1, 0, None), (20, 48, 40)])
def test_where_memory_runs_out_a_sentence_says_what_to_lower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, at_call: int, at: int, saved: int | None
) -> None:
    monkeypatch.setattr(mlp.MlpDiscriminator, "features", failing(error, at_call=at_call))
    sentence = (
        rf"^cpu ran out of memory at {at} images; lower train\.batch_size \(now 8\) or network\.width; checkpoints"
    )
    with pytest.raises(UserError, match=sentence) as told:
        play(tmp_path)
    assert told.value.__suppress_context__, "no traceback to scroll past"
    snapshot = CheckpointFolder(tmp_path).latest()
    assert (snapshot and snapshot.values["images_seen"]) == saved
    assert play(tmp_path).images_seen == rules().total, "the same command goes on"


@pytest.mark.parametrize("at_call", [1, 20])
def test_any_other_error_is_a_bug_and_keeps_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_call: int
) -> None:
    bug = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    monkeypatch.setattr(mlp.MlpDiscriminator, "features", failing(bug, at_call=at_call))
    with pytest.raises(RuntimeError, match="mat1 and mat2") as raised:
        play(tmp_path)
    assert raised.value is bug


def test_a_lazy_penalty_is_warned_of_before_anything_else(tmp_path: Path) -> None:
    by = rules(penalty_options={"every": 8})
    first = next(train(start(by), by, pictures(), checkpoints=CheckpointFolder(tmp_path)))
    assert first == Progress(0, notice=LAZY.format(every=8))
    assert "penalty.every is 8" in first.notice
    assert "set it to 1" in first.notice
    switched_off = rules(penalty="none", penalty_options={"every": 8})
    assert not notices(train(start(switched_off), switched_off, pictures(), checkpoints=CheckpointFolder(tmp_path)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ["The penalty takes double backward: matmul with two operands that depend on the images."]),
        ({"penalty_route": "autograd"}, []),
    ],
)
def test_what_forbids_the_exact_route_is_named_unless_double_backward_was_asked_for(
    tmp_path: Path, settings: dict[str, Any], said: list[str]
) -> None:
    by = rules(dataclasses.replace(SHORT, kimg=0.008, **settings))
    game = start(by, "resnet", options={"attention": 8}, shape=(1, 16, 16))
    played = train(game, by, pictures(shape=(1, 16, 16)), checkpoints=CheckpointFolder(tmp_path))
    assert notices(played) == said


class Hopeless(GanLoss):
    """A game from which the generator learns nothing."""

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        return torch.relu(1 - real_logits).mean() + torch.relu(1 + fake_logits).mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:
        return 0 * fake_logits.mean()


def test_a_warning_reaches_whoever_plays_once_and_after_its_row(tmp_path: Path) -> None:
    settings = dataclasses.replace(SHORT, kimg=0.6, lr=3e-3, log_every_kimg=0.04)
    by = dataclasses.replace(rules(settings, penalty="none"), loss=Hopeless())
    played = list(train(start(by), by, pictures(), checkpoints=CheckpointFolder(tmp_path)))
    (place,) = [i for i, progress in enumerate(played) if progress.notice]
    seen = played[place].images_seen
    assert played[place].notice == (
        f"At {seen:,} images: D has won: it ranks more than 99.5 % of real images above generated ones, which leaves "
        f"G hardly a gradient; set penalty.name to r1_r2, or lower train.lr."
    )
    assert played[place - 1].images_seen == seen
    assert played[place - 1].report is not None
    assert played[place - 1].report["pair_accuracy"] > 0.995
