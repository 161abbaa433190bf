"""Registered generators of points that are known to be equal to, worse than, or copies of the data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow_project import Project, publish
from ruamel.yaml import YAML
from torch import nn

from ganlib import bundle, sampling
from ganlib.latents import sample_latents
from ganlib.networks import Fit, NetworkFamily
from ganlib.settings import parse, plain
from pipelines import paths, registry

POINTS = bundle.Description("mlp", {"width": 1}, (2, 1, 1), 8, "normal", (), 3000, (), kind="points")
SETTINGS = {
    "network": {"name": "mlp", "width": 1},
    "evaluate": {"extractor": "coordinates", "kid_subsets": 5, "kid_subset_size": 100},
    "promote": {"blocks": 3, "samples": 300, "worse_kid": 0.1, "worse_recall": 0.2},
    "publish": {"experiment": "e", "model": "pictures"},
}
TRAIN, HELDOUT = 400, 250


def truth() -> nn.Module:
    """What the data are drawn from."""
    torch.manual_seed(5)
    family = bundle.components.build(NetworkFamily, "mlp", {"width": 1}, section="network")
    generator = family.generator(Fit((2, 1, 1), 8, 0, "points"))
    with torch.no_grad():
        for layer in generator.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(2.0)
    return generator.eval()


def draw(generator: nn.Module, seed: int, count: int) -> np.ndarray:
    latents = sample_latents(seed, range(count), dim=8, distribution="normal")
    return torch.cat(list(sampling.generate(generator, latents, None, batch_size=count))).numpy()  # type: ignore[arg-type]


def unchanged(generator: nn.Module) -> None:
    """The truth itself."""


def equal(generator: nn.Module, turn: int = 1) -> None:
    """The same distribution from other numbers of the latent, and so other weights."""
    first = generator.hidden[0].weight  # type: ignore[index,union-attr]
    first.copy_(first.roll(turn, dims=1).clone())  # type: ignore[union-attr,operator]


def worse(generator: nn.Module, by: float = 0.5) -> None:
    """Every point moved."""
    generator.to_pixels.bias.add_(by)  # type: ignore[union-attr,operator]


def copier(generator: nn.Module) -> None:
    """A training point, whatever the latent is."""
    generator.to_pixels.weight.zero_()  # type: ignore[union-attr,operator]
    training = draw(truth(), 100, TRAIN)
    generator.to_pixels.bias.copy_(torch.from_numpy(training[7].reshape(2)))  # type: ignore[union-attr,operator]


def broken(generator: nn.Module) -> None:
    generator.to_pixels.bias.fill_(float("nan"))  # type: ignore[union-attr,operator]


def prepare() -> None:
    """Points of the truth, as the stage leaves them."""
    pixels = np.concatenate([draw(truth(), 100, TRAIN), draw(truth(), 200, HELDOUT)])
    np.save(paths.PREPARED / "images.npy", pixels)
    np.save(paths.PREPARED / "labels.npy", np.full(len(pixels), -1))
    counts = {"train": TRAIN, "heldout": HELDOUT}
    words = {"kind": "points", "shape": [2, 1, 1], "classes": [], "counts": counts, "digest": "d" * 64}
    (paths.PREPARED / "dataset.json").write_text(json.dumps({**words, "source": {"name": "gaussians"}}))


def train(project: Project, number: int, change: Callable[[nn.Module], None]) -> Project:
    """Trained and published in the current folder, which MLflow has not heard of."""
    other = project.train_again(seed=number)
    prepare()
    generator = truth()
    with torch.no_grad():
        change(generator)
    bundle.save_gan(paths.GAN, POINTS, generator, None)  # type: ignore[arg-type]
    publish(other)
    return other


def plant(project: Project, number: int, change: Callable[[nn.Module], None]) -> str:
    """Registered as well; the version."""
    version = registry.sync(train(project, number, change).settings).version
    assert version is not None
    return version


@pytest.fixture
def points(project: Project) -> Project:
    """The current folder: points are prepared, no generator of them is registered yet."""
    prepare()
    settings = parse(SETTINGS, where="test")
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(plain(settings), file)
    return replace(project, settings=settings)
