"""A trained pair on disk: weights as safetensors, and a description that builds the networks to hold them."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from . import components, files
from .errors import UserError
from .latents import Distribution
from .networks import Discriminator, Fit, Generator, NetworkFamily
from .shapes import Kind
from .uncompiled import Unfilled

Player = TypeVar("Player", Generator, Discriminator)

DESCRIPTION = "gan.json"
GENERATOR = "generator.safetensors"
DISCRIMINATOR = "discriminator.safetensors"


@dataclass(frozen=True)
class Chosen:
    """Why this generator of its training was kept, and not the last one."""

    by: str
    """The score that it had the best of."""
    score: float
    of: int
    """How many generators were looked at."""
    through: str
    """The extractor that looked at them, with the beginning of its digest."""
    samples: int
    """How many pictures each of them made, to be compared with all held-out ones."""
    trained_to: int
    """Real images that the discriminator beside it was shown: its training went on."""


@dataclass(frozen=True)
class Description:
    """All that is needed, beside the weights, to make pictures with a generator."""

    network: str
    """The file of ganlib/networks."""
    network_options: dict[str, Any]
    image_shape: tuple[int, int, int]
    """(channels, height, width); of points (dimensions, 1, 1)."""
    latent_dim: int
    latent_distribution: Distribution
    classes: tuple[str, ...]
    """Names of the classes the players were told of; empty where they saw none."""
    images_seen: int
    """Real images shown to the discriminator when the generator was as it is."""
    class_counts: tuple[int, ...] = ()
    """Training images of each class, in the order of `classes`; samples follow the same shares."""
    kind: Kind = "pictures"
    """What it makes. Descriptions older than points do not say, and mean pictures."""
    packing: int = 1
    """Images that the discriminator judges at once, stacked by `images.packed`."""
    chosen: Chosen | None = None
    """None: the generator is the training's last."""

    @property
    def fit(self) -> Fit:
        """What the networks fit."""
        return Fit(self.image_shape, self.latent_dim, len(self.classes), self.kind)

    def family(self) -> NetworkFamily:
        """The networks' family, from this very package's source."""
        return components.build(NetworkFamily, self.network, self.network_options, section="network")


def save_gan(folder: Path, description: Description, generator: Generator, discriminator: Discriminator | None) -> None:
    """Writes both players and their description into an existing folder, byte for byte the same each time."""
    files.write_text(folder / DESCRIPTION, json.dumps(asdict(description), indent=2) + "\n")
    for name, player in ((GENERATOR, generator), (DISCRIMINATOR, discriminator)):
        if player is not None:
            tensors = {key: value.detach().cpu().contiguous() for key, value in player.state_dict().items()}
            files.write_bytes(folder / name, save(tensors))


def read_description(folder: Path) -> Description:
    """The description in `folder`; UserError where there is none, or it describes nothing that could be built."""
    place = folder / DESCRIPTION
    try:
        text = place.read_text(encoding="utf-8")
        described = TypeAdapter(Description).validate_json(text)
    except FileNotFoundError:
        raise UserError(f"{place} is missing; train a generator first: dvc repro train.") from None
    except UnicodeDecodeError:
        raise UserError(f"{place} is no description of a generator: it is no text.") from None
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{place} is no description of a generator: {path} {first['msg']}.".replace("  ", " ")
        ) from None
    unknown = sorted(set(json.loads(text)) - {field.name for field in fields(Description)})
    if unknown:
        raise UserError(f"{place} says {unknown[0]}, which this version of ganlib does not know.")
    if min(*described.image_shape, described.latent_dim) < 1:
        raise UserError(f"{place} describes pictures or latents of no size.")
    return described


def load_generator(folder: Path, *, device: str = "cpu") -> tuple[Generator, Description]:
    """The averaged generator, ready to sample (evaluation mode, no gradients)."""
    description = read_description(folder)
    generator = _built(description.family().generator, description.fit, folder / GENERATOR)
    return generator.eval().requires_grad_(False).to(device), description


def load_discriminator(folder: Path, *, device: str = "cpu") -> tuple[Discriminator, Description]:
    """The discriminator as the training left it (evaluation mode, weights frozen)."""
    description = read_description(folder)
    fit = description.fit.packs(description.packing)
    discriminator = _built(description.family().discriminator, fit, folder / DISCRIMINATOR)
    return discriminator.eval().requires_grad_(False).to(device), description


def _built(build: Callable[[Fit], Player], fit: Fit, path: Path) -> Player:
    """With the weights of the file, which is seen to hold them before memory is taken for a network of its size."""
    try:
        weights: dict[str, torch.Tensor] = load_file(path)
        with torch.device("meta"), Unfilled():
            wanted: dict[str, torch.Tensor] = build(fit).state_dict()
        for name in [*wanted, *weights]:
            have, needed = _size(weights.get(name)), _size(wanted.get(name))
            if have != needed:
                raise RuntimeError(f"{name} is {have} and should be {needed}.")
        player = build(fit)
        player.load_state_dict(weights)
    except (FileNotFoundError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} does not hold the weights that its {DESCRIPTION} describes: {reason}") from None
    return player


def _size(weight: torch.Tensor | None) -> str:
    return "absent" if weight is None else " x ".join(map(str, weight.shape)) or "one number"
