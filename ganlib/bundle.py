"""A trained pair on disk: weights as safetensors, and a description that builds the networks to hold them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from . import components, files
from .errors import UserError
from .latents import Distribution
from .networks import Discriminator, Fit, Generator, NetworkFamily
from .shapes import Kind

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
    """The description in `folder`; UserError where there is none."""
    try:
        values = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder / DESCRIPTION} is missing; train a generator first: dvc repro train.") from None
    values["image_shape"] = tuple(values["image_shape"])
    values["classes"] = tuple(values["classes"])
    values["class_counts"] = tuple(values["class_counts"])
    if values.get("chosen") is not None:
        values["chosen"] = Chosen(**values["chosen"])
    return Description(**values)


def load_generator(folder: Path, *, device: str = "cpu") -> tuple[Generator, Description]:
    """The averaged generator, ready to sample (evaluation mode, no gradients)."""
    description = read_description(folder)
    generator = description.family().generator(description.fit)
    _load(generator, folder / GENERATOR)
    return generator.eval().requires_grad_(False).to(device), description


def load_discriminator(folder: Path, *, device: str = "cpu") -> tuple[Discriminator, Description]:
    """The discriminator as the training left it (evaluation mode, weights frozen)."""
    description = read_description(folder)
    discriminator = description.family().discriminator(description.fit.packs(description.packing))
    _load(discriminator, folder / DISCRIMINATOR)
    return discriminator.eval().requires_grad_(False).to(device), description


def _load(player: Generator | Discriminator, path: Path) -> None:
    try:
        player.load_state_dict(load_file(path))
    except (FileNotFoundError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} does not hold the weights that its {DESCRIPTION} describes: {reason}") from None
