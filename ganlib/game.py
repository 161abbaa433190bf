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
from .schedules import Schedule, value
from .settings import TrainSettings
from .shapes import Scalar
from .uncompiled import lighten_optimisers, step


@dataclass
class Player:
    """A network and the optimiser that moves it."""

    network: nn.Module
    optimizer: Adam

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The weights that it may move, always in the same order."""
        return list(self.network.parameters())

    def gradients(self, objective: Scalar) -> list[Tensor]:
        """Of the objective, with respect to this player's weights alone."""
        return list(torch.autograd.grad(objective, self.parameters))

    def update(self, gradients: list[Tensor]) -> None:
        """One step of the optimiser."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            # Fused Adam pairs numbers by their places in memory, without a word where the two lie otherwise.
            alike = gradient.stride() == parameter.stride()
            parameter.grad = gradient if alike else torch.empty_like(parameter).copy_(gradient)
        step(self.optimizer)

    def set_rates(self, lr: float, beta2: float) -> None:
        """Take effect at the next update; a learning rate on the device is filled there."""
        for group in self.optimizer.param_groups:
            group["betas"] = (group["betas"][0], beta2)
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def gradient_norm(self) -> Scalar:
        """Euclidean norm of the gradient of the last update."""
        return torch.nn.utils.get_total_norm([parameter.grad for parameter in self.parameters])  # type: ignore[misc]


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
    sums: dict[str, Tensor] = field(default_factory=dict)
    """What adds up on the device until somebody asks: of D's steps and of G's since the last row of `history`, and
    of the signs that an adapting augmentation watches."""
    strength: Tensor = field(default_factory=lambda: torch.zeros(()))
    """The p of an augmentation that adapts itself."""
    steps_summed: dict[str, int] = field(default_factory=dict)
    """How many steps `sums` holds, of each player."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row for each log point, oldest first."""
    lr_scale: float = 1.0
    """1, or less after a rollback."""
    rollbacks: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    """The averaged generator's state where it scored best, on the CPU; empty as long as nothing was scored."""

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
        tensors = {"strength": self.strength} | {f"sums.{name}": sums for name, sums in self.sums.items()}
        for name, network in self._networks().items():
            tensors |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        tensors |= {f"best.{key}": value for key, value in self.best.items()}
        for name, player in self._players().items():
            for index, moments in player.optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        values = {
            "images_seen": self.images_seen,
            "steps_summed": self.steps_summed,
            "history": self.history,
            "lr_scale": self.lr_scale,
            "rollbacks": self.rollbacks,
        }
        return Snapshot(tensors, values)

    def restore(self, snapshot: Snapshot) -> None:
        """Becomes what `snapshot` was taken of, in the storage that it has where it has any."""
        for name, network in self._networks().items():
            network.load_state_dict(_below(snapshot.tensors, name))
        for name, player in self._players().items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, tensor in _below(snapshot.tensors, name).items():
                index, moment = key.split(".")
                moments.setdefault(int(index), {})[moment] = tensor
            _restore_moments(player.optimizer, moments)
        for name, sums in self.sums.items():
            sums.copy_(snapshot.tensors[f"sums.{name}"])
        self.strength.copy_(snapshot.tensors["strength"])
        self.best = _below(snapshot.tensors, "best")
        for name, plain in snapshot.values.items():
            setattr(self, name, copy.deepcopy(plain))

    def keep_averaged(self) -> None:
        """The averaged generator as it is becomes the best."""
        state = self.averaged.state_dict()
        self.best = {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}

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
    packs = description.fit.packs(description.packing)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(settings.seed, Purpose.INITIAL_WEIGHTS).integers(2**63)))
        generator = family.generator(description.fit).to(device)
        discriminator = family.discriminator(packs).to(device)
    averaged = copy.deepcopy(generator).eval().requires_grad_(False)
    return Game(
        description=description,
        generator=generator.train(),
        discriminator=discriminator.train(),
        averaged=averaged,
        generator_player=Player(generator, _adam(generator, settings)),
        discriminator_player=Player(discriminator, _adam(discriminator, settings)),
        strength=torch.zeros((), device=device),
    )


def _adam(network: nn.Module, settings: TrainSettings) -> Adam:
    """On CUDA it can be recorded with the step, unless beta2 changes, which a recording would not see."""
    lr: float | Tensor = value(settings.lr, 0)
    recorded = next(network.parameters()).is_cuda and not isinstance(settings.beta2, Schedule)
    if recorded:
        lr = torch.tensor(lr, device=next(network.parameters()).device)
    betas = (settings.beta1, value(settings.beta2, 0))
    lighten_optimisers()
    return Adam(network.parameters(), lr=lr, betas=betas, eps=1e-8, fused=True, capturable=recorded)


def _restore_moments(optimizer: Adam, moments: dict[int, dict[str, Tensor]]) -> None:
    held = optimizer.state_dict()["state"]
    if held.keys() == moments.keys() and held:
        for index, values in held.items():
            for name, tensor in values.items():
                tensor.copy_(moments[index][name])
    else:
        rates = [group["lr"] for group in optimizer.param_groups]
        optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
        for group, lr in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = lr  # the very tensor, where a recording reads it


def _below(tensors: Any, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
