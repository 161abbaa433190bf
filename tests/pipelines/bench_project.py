"""A project whose generators can be scored: data, a classifier, two generators, and settings small enough for tests."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow_project import Project, publish

from ganlib import bundle
from ganlib.features import classifier
from ganlib.networks import Fit, NetworkFamily
from ganlib.prepared import Kind, open_prepared
from ganlib.settings import Settings, parse
from pipelines import lineage, paths, registry
from pipelines.generators import Named, from_files

CLASSES = ("zero", "one", "two")
TRAIN, HELDOUT = 90, 60
SETTINGS = {
    "device": "cpu",
    "network": {"name": "mlp", "width": 1},
    "classifier": {"epochs": 1, "width": 4},
    "sample": {"n": 80, "seed": 5},
    "evaluate": {
        "isc_splits": 2, "kid_subsets": 3, "kid_subset_size": 20, "infinity_points": 3, "copy_cells": 2,
        "path_samples": 16,
    },
    "publish": {"experiment": "e", "model": "pictures"},
}  # fmt: skip
OTHER = Path("models/other")
SLOW = ["two_sample", "path_length", "memorisation", "kid", "fid_infinity", "inception_score", "density_coverage"]
"""Metrics that a test does without which asks only whether something is scored."""


def write_data(classes: tuple[str, ...] = CLASSES, *, side: int = 4, seed: int = 0) -> None:
    """data/prepared: noise, brighter from class to class."""
    random = np.random.default_rng(seed)
    labels = np.arange(TRAIN + HELDOUT) % len(classes)
    pixels = random.integers(0, 150, (TRAIN + HELDOUT, 1, side, side)) + 40 * labels.reshape(-1, 1, 1, 1)
    paths.PREPARED.mkdir(parents=True, exist_ok=True)
    np.save(paths.PREPARED / "images.npy", pixels.astype(np.uint8))
    np.save(paths.PREPARED / "labels.npy", labels.astype(np.int64))
    counts = {"train": TRAIN, "heldout": HELDOUT}
    described = {"shape": [1, side, side], "classes": classes, "counts": counts, "digest": f"{seed:064d}"}
    (paths.PREPARED / "dataset.json").write_text(json.dumps({**described, "source": {"name": "noise"}}))


def write_generator(
    folder: Path, *, seed: int, classes: tuple[str, ...] = CLASSES, side: int = 4, points: int = 0
) -> Named:  # fmt: skip
    """An untrained pair of players of pictures, or of points of so many dimensions."""
    torch.manual_seed(seed)
    family = bundle.components.build(NetworkFamily, "mlp", {"width": 1}, section="network")
    kind: Kind = "points" if points else "pictures"
    shape = (points, 1, 1) if points else (1, side, side)
    fit = Fit(shape, 8, len(classes), kind)
    counts = (TRAIN // len(classes),) * len(classes) if classes else ()
    described = bundle.Description("mlp", {"width": 1}, shape, 8, "normal", classes, 3000, counts, kind)
    folder.mkdir(parents=True, exist_ok=True)
    bundle.save_gan(folder, described, family.generator(fit), family.discriminator(fit))
    return from_files(folder)


@pytest.fixture
def bench_project(project: Project) -> Project:
    """The current folder: data, a classifier of them, and generators in models/gan and models/other."""
    return with_bench(project)


def with_bench(project: Project) -> Project:
    """As the fixture `bench_project`, of a project that is the current folder."""
    settings = parse(SETTINGS, where="test")
    Path("params.yaml").write_text(json.dumps(SETTINGS))
    write_data()
    train_classifier(settings)
    made = replace(project, settings=settings)
    lineage.write(OTHER, with_rate(made, 0.25).lineage)
    lineage.write(paths.GAN, with_rate(made, 0.125).lineage)
    write_generator(OTHER, seed=1)
    write_generator(paths.GAN, seed=0)
    return made


def train_classifier(settings: Settings) -> None:
    """Of the data in the current folder."""
    data = open_prepared(paths.PREPARED)
    paths.CLASSIFIER.mkdir(parents=True, exist_ok=True)
    network = classifier.train(data, settings.classifier, device=torch.device("cpu"))
    classifier.save_classifier(paths.CLASSIFIER, network, data_digest=data.digest)


def with_rate(project: Project, rate: float) -> Project:
    """As if it had been trained at another learning rate."""
    sections = project.lineage.settings
    known = replace(project.lineage, settings={**sections, "train": {**sections["train"], "lr": rate}})
    return replace(project, lineage=known)


def publish_both(project: Project, *, evaluated: bool = False) -> None:
    """models/gan as versions 1 and 2, the second with the weights of models/other; with evaluations on their runs."""
    for number, rate in ((0, 0.125), (1, 0.25)):
        lineage.write(paths.GAN, with_rate(project, rate).lineage)
        write_generator(paths.GAN, seed=number)
        if evaluated:
            evaluate(project)
        publish(project)
        registry.sync(project.settings)


def evaluate(project: Project) -> None:
    """What the stages sample and evaluate leave."""
    from pipelines.stages import evaluate as judging
    from pipelines.stages import sample

    sample.run(project.settings)
    judging.run(project.settings)
