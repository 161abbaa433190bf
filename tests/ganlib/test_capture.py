"""A step can be recorded: it reads and writes storage that stays, and what changes comes in through that storage."""

import contextlib
import dataclasses
from typing import Any

import pytest
import torch
from games import CPU, rules, start, table
from torch.fx.experimental.proxy_tensor import make_fx

from ganlib import averaging, components, steps
from ganlib.capture import Recorder
from ganlib.dealing import Hand


def overwrite(hand: Hand, other: Hand) -> None:
    """What the dealer does on CUDA: new content in the same storage."""
    for field in dataclasses.fields(Hand):
        here, there = getattr(hand, field.name), getattr(other, field.name)
        if here is not None:
            here.copy_(there)


@pytest.mark.parametrize(
    ("network", "loss", "penalty", "augmentation"),
    [
        ("dcgan", "relativistic", "r1_r2", "none"),
        ("mlp", "hinge", "wgan_gp", "diffaugment"),
        ("resnet", "hinge", "none", "none"),
        ("r3", "relativistic", "r1_r2", "ada"),
    ],
)
def test_a_recorded_step_replayed_with_another_hand_is_that_hand_played(
    network: str, loss: str, penalty: str, augmentation: str
) -> None:
    """Recorded as a graph of operations, as CUDA records kernels: Python runs once."""
    by = rules(loss=loss, penalty=penalty, augmentation=augmentation)
    games = [table(by, start(by, network)) for _ in range(2)]
    for player in ("discriminator", "generator"):
        outcomes: list[Any] = []
        for laid, recorded in zip(games, (False, True), strict=True):
            first, second = (getattr(laid.dealer, player)(seen) for seen in (0, 8))

            def step(player: str = player, laid: Any = laid, hand: Hand = first) -> list[torch.Tensor]:
                if player == "discriminator":
                    return steps.discriminator_gradients(laid, hand, charged=True)
                return steps.generator_gradients(laid, hand)

            step()
            if recorded:
                state = {name: tensor.clone() for name, tensor in laid.game.snapshot().tensors.items()}
                replay = make_fx(lambda: step())()  # noqa: PLW0108 - it traces functions without arguments
                for name, tensor in laid.game.snapshot().tensors.items():
                    tensor.data.copy_(state[name])  # tracing also computes, recording on CUDA does not
            overwrite(first, second)
            with (
                torch.no_grad() if recorded else contextlib.nullcontext()
            ):  # the recording holds the backward pass itself
                outcomes.append(replay() if recorded else step())
        for played, replayed in zip(*outcomes, strict=True):
            torch.testing.assert_close(replayed, played)
    mine, theirs = (laid.game.sums for laid in games)
    for name, sums in mine.items():
        torch.testing.assert_close(theirs[name], sums)


def test_the_average_can_be_recorded_with_its_rate_on_the_device() -> None:
    game = start(rules(), "dcgan")
    keep = torch.tensor(0.5)
    replay = make_fx(lambda: averaging.update(game.averaged, game.generator, keep))()
    for parameter in game.generator.parameters():
        parameter.data.fill_(1.0)
    for parameter in game.averaged.parameters():
        parameter.fill_(0.0)
    keep.fill_(0.75)
    replay()
    assert all(parameter.allclose(torch.tensor(0.25)) for parameter in game.averaged.parameters())


def test_on_a_cpu_every_step_is_played_as_it_is() -> None:
    recorder = Recorder(CPU)
    calls = []
    for _ in range(6):
        assert recorder.play("step", lambda: calls.append(1) or len(calls)) == len(calls)
    assert len(calls) == 6
    assert not recorder.wanted
    assert recorder.why_not is None


def test_every_network_is_named_in_what_can_be_recorded() -> None:
    assert set(components.names("networks")) == {"mlp", "dcgan", "resnet", "r3"}, "add the new one above"
