"""What two processes find out about each other: a program, started twice, that writes what it saw as JSON.

Every reference is computed here, too, by one process on the whole batch. Differences are the largest absolute ones.
"""

import copy
import dataclasses
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import games as small
import torch
from torch import Tensor, nn

from ganlib import steps
from ganlib.checkpoint import CheckpointFolder
from ganlib.dealing import Hand
from ganlib.distributed import MEETING, Team, join, leave, synchronised
from ganlib.errors import PeerLost
from ganlib.images import to_unit_range
from ganlib.losses.hinge import Hinge
from ganlib.networks import Fit
from ganlib.networks.dcgan import Dcgan
from ganlib.networks.resnet import Resnet
from ganlib.selection import Selection
from ganlib.training import train

BATCH = 8
CHECKS: list[Callable[[Team], dict[str, Any]]] = []


def check(function: Callable[[Team], dict[str, Any]]) -> Callable[[Team], dict[str, Any]]:
    CHECKS.append(function)
    return function


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def furthest(these: Any, those: Any) -> float:
    pairs = list(zip(these, those, strict=True))
    assert all(this.shape == that.shape for this, that in pairs)
    return max((this - that).abs().max().item() for this, that in pairs)


@check
def average(team: Team) -> dict[str, Any]:
    def of(rank: int) -> list[Tensor]:
        tensors = [random(5, seed=rank), random(2, 3, 4, 4, seed=rank), random(seed=rank), random(7, 1, seed=rank)]
        if rank == team.rank == 1:  # another memory format, as a convolution's gradient may have in one process
            tensors[1] = tensors[1].contiguous(memory_format=torch.channels_last)
        return [*tensors, random(3, seed=rank).float(), random(0, seed=rank)]

    mine = of(team.rank)
    there = [tensor.data_ptr() for tensor in mine]
    team.average_(mine)
    expected = [(this + that) / 2 for this, that in zip(of(0), of(1), strict=True)]
    digest = hashlib.sha256(b"".join(tensor.contiguous().numpy().tobytes() for tensor in mine)).hexdigest()
    exact = all(torch.equal(this, that) for this, that in zip(mine, expected, strict=True))
    return {"exact": exact, "in_place": there == [tensor.data_ptr() for tensor in mine], "digest": digest}


@check
def agreement(team: Team) -> dict[str, Any]:
    answers = [team.anyone(raised) for raised in (False, team.rank == 1, False, True, team.rank == 0, False)]
    team.barrier()
    return {"answers": answers, "share": [team.share(BATCH).start, team.share(BATCH).stop]}


def compared(team: Team, network: nn.Module, inputs: Tensor, *, passes: int = 2) -> dict[str, float]:
    """One process with all rows against the team with its shares: a few passes, then the gradients of a loss."""
    alone, together = network, synchronised(copy.deepcopy(network), team)
    rows, target = team.share(len(inputs)), random(*inputs.shape, seed=9)
    whole, part = inputs.clone().requires_grad_(), inputs[rows].clone().requires_grad_()
    for number in range(passes):
        alone_made, together_made = alone(whole * (1 + number)), together(part * (1 + number))
    loss = (alone_made - target).pow(4).mean()
    share_of_loss = (together_made - target[rows]).pow(4).mean()
    expected = torch.autograd.grad(loss, [whole, *alone.parameters()])
    of_input, *of_weights = torch.autograd.grad(share_of_loss, [part, *together.parameters()])
    team.average_(of_weights)
    states = [{name: value.double() for name, value in each.state_dict().items()} for each in (alone, together)]
    assert list(states[0]) == list(states[1])
    return {
        "output": furthest([alone_made[rows]], [together_made]),
        "input_gradient": furthest([expected[0][rows]], [of_input / team.size]),
        "weight_gradients": furthest(expected[1:], of_weights) if of_weights else 0.0,
        "state": furthest(states[0].values(), states[1].values()) if states[0] else 0.0,
    }


@check
def batch_norm(team: Team) -> dict[str, Any]:
    # The shares differ in mean and spread, so that no process alone could do.
    inputs = random(BATCH, 3, 4, 5) + torch.arange(BATCH, dtype=torch.float64).view(-1, 1, 1, 1)
    makers: dict[str, dict[str, Any]] = {
        "plain": {}, "without_weights": {"affine": False}, "cumulative": {"momentum": None},
        "forgetful": {"track_running_stats": False},
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name, options in makers.items():
        torch.manual_seed(0)
        module = nn.BatchNorm2d(3, **options).double()
        for parameter in module.parameters():
            nn.init.normal_(parameter)
        found[name] = compared(team, module, inputs)
    single = random(team.size, 3, 1, 1)
    found["one_value_each"] = compared(team, nn.BatchNorm2d(3).double(), single)
    return found


@check
def small_numbers(team: Team) -> dict[str, Any]:
    """Far from zero in float32, and in bfloat16, against float64."""
    inputs = random(BATCH, 3, 8, 8) + 300 * torch.arange(1, 4, dtype=torch.float64).view(-1, 1, 1)
    module = synchronised(nn.BatchNorm2d(3), team)
    part = inputs[team.share(BATCH)]
    expected = nn.BatchNorm2d(3).double()(inputs.float().double())[team.share(BATCH)]
    made = module(part.float().contiguous(memory_format=torch.channels_last))
    low = (part - part.mean()).bfloat16().requires_grad_()
    low_made = module(low)
    (gradient,) = torch.autograd.grad(low_made.float().square().sum(), low)
    return {
        "float32": furthest([expected], [made.double()]),
        "channels_last": made.is_contiguous(memory_format=torch.channels_last),
        "dtypes": [str(low_made.dtype), str(gradient.dtype), str(module.running_mean.dtype)],
    }


def doubled(hand: Hand) -> Hand:
    """The same hand in float64."""
    assert hand.real is not None
    real = to_unit_range(hand.real).double()
    wide = {name: getattr(hand, name).double() for name in ("latents", "real_numbers", "fake_numbers", "mixing")}
    return dataclasses.replace(hand, real=real, **wide)


@check
def engine(team: Team) -> dict[str, Any]:
    """The real step of each player, with everything that goes through it."""
    found = {}
    for network, loss, penalty, augmentation in (
        ("dcgan", "relativistic", "r1_r2", "ada"), ("resnet", "hinge", "none", "diffaugment"),
        ("r3", "least_squares", "wgan_gp", "none"),
    ):  # fmt: skip
        by = small.rules(loss=loss, penalty=penalty, augmentation=augmentation)
        gradients = []
        for players in (Team(), team):
            game = small.start(by, network)
            laid = small.table(by, game, team=players)
            for player in (game.generator, game.discriminator):
                player.double()
            hands = doubled(laid.dealer.discriminator(8)), laid.dealer.generator(8)
            of_discriminator = steps.discriminator_gradients(laid, hands[0], charged=True)
            generator_hand = doubled(hands[1]) if hands[1].real is not None else without_pictures(hands[1])
            both = [*of_discriminator, *steps.generator_gradients(laid, generator_hand)]
            players.average_(both)
            gradients.append(both)
        found[network] = furthest(*gradients)
    return found


def without_pictures(hand: Hand) -> Hand:
    return dataclasses.replace(doubled(dataclasses.replace(hand, real=torch.zeros(1, 1, 1, 1))), real=None)


@check
def rounds(team: Team) -> dict[str, Any]:
    """A training of five rounds: the same weights everywhere, and those of one process but for rounding."""
    by = small.rules(
        dataclasses.replace(small.SHORT, kimg=0.04), augmentation="ada", augmentation_options={"target": 0.3}
    )
    weights, histories = [], []
    for players in (Team(), team):
        game = small.start(by, "dcgan")
        folder = CheckpointFolder(Path(sys.argv[1]) / f"rounds-{players.size}-{players.rank * (players.size > 1)}")
        for _ in train(game, by, small.pictures(), heldout=small.pictures(16), checkpoints=folder, team=players):
            pass
        weights.append(torch.cat([weight.flatten() for weight in game.averaged.parameters()]))
        histories.append(game.history)
    shared = [float(row["discriminator_loss"]) for row in histories[1]]
    return {
        "difference": furthest([weights[0]], [weights[1]]),
        "digest": hashlib.sha256(weights[1].numpy().tobytes()).hexdigest(),
        "losses": shared,
        "losses_alone": [float(row["discriminator_loss"]) for row in histories[0]],
        "saved": sorted(path.name for path in (Path(sys.argv[1]) / f"rounds-2-{team.rank}").glob("*")),
    }


@check
def scores(team: Team) -> dict[str, Any]:
    """Only the first process scores, and takes its time; what it finds decides in both."""
    settings = dataclasses.replace(small.SHORT, kimg=0.04)
    asked: list[bool] = []

    def scorer(game: Any, stop: Callable[[], bool]) -> dict[str, float]:
        asked.extend(stop() for _ in range(3))
        return {"fid": 1 / (game.images_seen % 24 + 3), "precision": 0.1, "recall": 0.2}

    selection = Selection(0.016, "fid", 10, scorer if team.rank == 0 else None)
    game = small.start(small.rules(settings))
    folder = CheckpointFolder(Path(sys.argv[1]) / "scores")
    by = small.rules(settings)
    for _ in train(game, by, small.pictures(), selection=selection, checkpoints=folder, team=team):
        pass
    best = b"".join(tensor.numpy().tobytes() for tensor in game.best.values())
    return {
        "scores": [[row["images_seen"], row["fid"]] for row in game.history if "fid" in row],
        "best": [selection.best(game.history)["images_seen"], hashlib.sha256(best).hexdigest()],
        "asked": len(asked),
    }


@check
def second_order(team: Team) -> dict[str, Any]:
    module = synchronised(nn.BatchNorm2d(2), team)
    images = torch.randn(2, 2, 3, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(module(images).square().sum(), images, create_graph=True)
    try:
        gradient.sum().backward()
    except RuntimeError as error:
        return {"refused": str(error)}
    return {"refused": ""}


@check
def evaluation_alone(team: Team) -> dict[str, Any]:
    """Only the first process draws a picture; were it to wait for the other, it would wait for ever."""
    plain = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2, track_running_stats=False))
    module = copy.deepcopy(synchronised(copy.deepcopy(plain), team)).eval()
    images = random(4, 2, 3, 3).float()
    difference = furthest([plain.eval()(images)], [module(images)]) if team.rank == 0 else 0.0
    return {"difference": difference, "class": type(module[0]).__name__}


@check
def games(team: Team) -> dict[str, Any]:
    """A step of each player: dcgan without and with batch normalisation in D, resnet with labels."""
    labelled = Fit((3, 8, 8), 4, n_classes=3)
    return {
        "dcgan": differences_of_a_game(team, Dcgan(width=4), Fit((3, 8, 8), 4)),
        "dcgan_2015": differences_of_a_game(team, Dcgan(width=4, discriminator_norm="batch"), labelled),
        "resnet": differences_of_a_game(team, Resnet(width=4), labelled),
    }


def differences_of_a_game(team: Team, family: Any, fit: Fit) -> dict[str, float]:
    torch.manual_seed(1)
    players = nn.ModuleList([family.generator(fit), family.discriminator(fit)]).double().train()
    labels = torch.arange(BATCH) % fit.n_classes if fit.n_classes else None
    batch = random(BATCH, *fit.image_shape, seed=2), random(BATCH, fit.latent_dim, seed=3), labels
    rows = team.share(BATCH)
    share = batch[0][rows], batch[1][rows], None if labels is None else labels[rows]
    shared_players = synchronised(copy.deepcopy(players), team)
    expected, found = gradients(players, *batch), gradients(shared_players, *share)
    for ours in found:
        team.average_(ours)
    buffers = furthest((b.double() for b in players.buffers()), (b.double() for b in shared_players.buffers()))
    sides = zip(("discriminator", "generator"), expected, found, strict=True)
    return {name: furthest(theirs, ours) for name, theirs, ours in sides} | {"buffers": buffers}


def gradients(players: Any, real: Tensor, latents: Tensor, labels: Tensor | None) -> list[list[Tensor]]:
    generator, discriminator = players
    with torch.no_grad():
        fake = generator(latents, labels)
    loss = Hinge().discriminator(discriminator(real, labels), discriminator(fake, labels))
    of_discriminator = torch.autograd.grad(loss, list(discriminator.parameters()))
    loss = Hinge().generator(None, discriminator(generator(latents, labels), labels))
    return [list(of_discriminator), list(torch.autograd.grad(loss, list(generator.parameters())))]


def silent_peer(port: str) -> dict[str, Any]:
    os.environ["MASTER_PORT"] = port
    team, said = join("cpu", timeout_seconds=1.0), ""
    if team.rank == 1:
        time.sleep(2.0)
    else:
        try:
            team.anyone(False)
        except PeerLost as lost:
            said = str(lost)
    leave(team)
    return {"said": said}


def dead_peer(port: str) -> dict[str, Any]:
    os.environ["MASTER_PORT"] = port
    team = join("cpu")
    network = synchronised(nn.BatchNorm2d(2), team)
    said = []
    team.barrier()
    if team.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    calls = lambda: team.average_([torch.ones(3)]), lambda: team.anyone(True), lambda: network(torch.ones(2, 2, 3, 3))
    for call in calls:
        try:
            call()
        except PeerLost as lost:
            said.append(str(lost))
    return {"said": said}


def main(folder: Path, *ports: str) -> None:
    os.environ["MASTER_PORT"] = ports[0]
    team = join("cpu", timeout_seconds=60.0)
    facts = {function.__name__: function(team) for function in CHECKS} | {"team": [team.rank, team.size]}
    leave(team)
    del os.environ[MEETING]
    facts["silent_peer"] = silent_peer(ports[1])
    path = folder / f"{team.rank}.json"
    path.write_text(json.dumps(facts))
    facts["dead_peer"] = dead_peer(ports[2])
    path.write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
