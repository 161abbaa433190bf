"""The state of a training as one object: two players, the averaged generator, and how far they have come."""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from .bundle import Description
from .checkpoint import Snapshot
from .networks import Discriminator, Generator
from .randomness import Purpose, stream
from .settings import TrainSettings
from .shapes import Scalar


@dataclass
class Player:
    """A network and the optimiser that moves it."""

    network: nn.Module
    optimizer: Adam

    def update(self, objective: Scalar) -> None:
        """One step down the objective's gradient, with respect to this player's weights alone."""
        parameters = list(self.network.parameters())
        gradients = torch.autograd.grad(objective, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()

    def set_learning_rate(self, lr: float) -> None:
        """Takes effect at the next update."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr


@dataclass
class Game:
    """All that a checkpoint must hold, and nothing else."""

    description: Description
    generator: Generator
    discriminator: Discriminator
    averaged: Generator
    generator_player: Player
    discriminator_player: Player
    images_seen: int = 0
    """Real images shown to the discriminator so far."""
    sums: Tensor = field(default_factory=lambda: torch.zeros(0))
    """Running sums of the reported values since the last row of `history`; stays on the device."""
    rounds_summed: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    """One row for each log point, oldest first."""
    lr_scale: float = 1.0
    """1, or less after a rollback."""
    rollbacks: int = 0

    @property
    def device(self) -> torch.device:
        """Where the players live."""
        return next(self.generator.parameters()).device

    @property
    def conditional(self) -> bool:
        """Whether the players see labels."""
        return bool(self.description.classes)

    def snapshot(self) -> Snapshot:
        """The whole state, named so that a person reading the file knows what is what."""
        tensors = {"sums": self.sums}
        for name, network in self._networks().items():
            tensors |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name, player in self._players().items():
            for index, moments in player.optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        values = {
            "images_seen": self.images_seen,
            "rounds_summed": self.rounds_summed,
            "history": self.history,
            "lr_scale": self.lr_scale,
            "rollbacks": self.rollbacks,
        }
        return Snapshot(tensors, values)

    def restore(self, snapshot: Snapshot) -> None:
        """Becomes what `snapshot` was taken of."""
        for name, network in self._networks().items():
            network.load_state_dict(_below(snapshot.tensors, name))
        for name, player in self._players().items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in _below(snapshot.tensors, name).items():
                index, moment = key.split(".")
                moments.setdefault(int(index), {})[moment] = value
            whole = player.optimizer.state_dict() | {"state": moments}
            player.optimizer.load_state_dict(whole)
        self.sums = snapshot.tensors["sums"].to(self.device)
        for name, value in snapshot.values.items():
            setattr(self, name, copy.deepcopy(value))

    def non_finite_tensor(self) -> str | None:
        """The name of a tensor of the state that holds a NaN or an infinity, or none."""
        tensors = {name: value for name, value in self.snapshot().tensors.items() if value.is_floating_point()}
        verdicts = torch.stack([value.isfinite().all().to(self.device) for value in tensors.values()])
        return next((name for name, finite in zip(tensors, verdicts.tolist(), strict=True) if not finite), None)

    def _networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator, "averaged": self.averaged}

    def _players(self) -> dict[str, Player]:
        return {
            "generator_optimizer": self.generator_player,
            "discriminator_optimizer": self.discriminator_player,
        }


def new_game(description: Description, settings: TrainSettings, device: torch.device) -> Game:
    """Two players with fresh weights, drawn from the seed alone; torch's own random state is left as it was."""
    family = description.family()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(settings.seed, Purpose.INITIAL_WEIGHTS).integers(2**63)))
        generator = family.generator(description.fit).to(device)
        discriminator = family.discriminator(description.fit).to(device)
    averaged = copy.deepcopy(generator).eval().requires_grad_(False)
    return Game(
        description=description,
        generator=generator.train(),
        discriminator=discriminator.train(),
        averaged=averaged,
        generator_player=Player(generator, _adam(generator, settings)),
        discriminator_player=Player(discriminator, _adam(discriminator, settings)),
    )


def _adam(network: nn.Module, settings: TrainSettings) -> Adam:
    betas = (settings.beta1, settings.beta2)
    return Adam(network.parameters(), lr=settings.lr, betas=betas, eps=1e-8, fused=True)


def _below(tensors: Any, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
