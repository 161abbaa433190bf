"""How many of 1,000 modes are found: `python benchmarks/quality/stacked_mnist.py /path/to/mnist`, best on a GPU.

PacGAN's protocol (Lin et al. 2018): 128,000 random triples of MNIST's 70,000 digits as the three channels, all of them
trained on; 26,000 generated pictures, each of the mode that a classifier of single digits names channel by channel; the
KL divergence of the modes from the uniform distribution, in nats. The floor is what as many fresh triples score, seen
by the same classifier. 28x28 is PacGAN's size; 32x32, the same within black borders, that of StyleGAN2 and R3GAN: the
figures of one size say nothing about the other.

On a CPU the training is cut down to what two cores do in half an hour, and the file says so in its name. Stopped, also
by --minutes, it goes on where it was with the same command. Writes
benchmarks/results/quality-stacked_mnist-SIZE-DEVICE[-short].json.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1]))
import record

from ganlib import components, evaluation, files, pictures, sampling
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.datasets import Batch
from ganlib.datasets.stacked_mnist import StackedMnist
from ganlib.device import set_rounding, settle_threads
from ganlib.features import classifier, open_extractor
from ganlib.features._stacked import STACKED
from ganlib.game import Game, new_game
from ganlib.losses import GanLoss
from ganlib.metrics import Behind, Evidence, Seen
from ganlib.metrics.mode_coverage import ModeCoverage
from ganlib.penalties import Penalty
from ganlib.prepared import PreparedData, Split
from ganlib.rules import Rules
from ganlib.schedules import Schedule
from ganlib.settings import ClassifierSettings, TrainSettings
from ganlib.training import train

TRIPLES, SAMPLES = 128_000, 26_000
STATE = record.ROOT / ".ganlib/quality"

PUBLISHED = {
    "28x28": {
        "DCGAN": (99, 3.40), "ALI": (16, 5.40), "Unrolled GAN": (48.7, 4.32), "VEEGAN": (150, 2.95),
        "PacDCGAN2": (1000, 0.06),
    },
    "32x32": {
        "WGAN-GP": (959, 0.7276), "StyleGAN2": (940, 0.42), "PresGAN (weak source)": (1000, 0.115),
        "DDGAN": (1000, 0.071), "EnGAN": (1000, 0.0313), "MEG": (1000, 0.031), "R3GAN": (1000, 0.029),
    },
}  # fmt: skip
"""Modes and KL divergence."""


@dataclass(frozen=True)
class Recipe:
    """What the protocol leaves free."""

    network: str
    options: dict[str, Any]
    kimg: float
    batch_size: int
    lr: tuple[float, float]
    """From the first to the second in a half cosine over the whole training."""
    ema_half_life_kimg: float
    gamma: float
    latent_dim: int = 64
    beta2: float = 0.99
    classifier: dict[str, Any] = field(default_factory=dict)
    short: bool = False
    """Whether the training is cut down to what the machine can do."""


RECIPES = {
    "cuda": Recipe("r3", {"width": 256}, 6000, 512, (3e-4, 2e-5), 200, gamma=1.0),
    "cpu": Recipe(
        "dcgan", {"width": 32}, 200, 64, (1e-3, 5e-5), 20, gamma=0.1, short=True,
        classifier={"epochs": 2, "batch_size": 256},
    ),
}  # fmt: skip


def drawn(path: str, variant: str, *, seed: int, count: int) -> Split:
    """So many triples and the numbers they show, in memory."""
    pixels, labels = [], []
    with tempfile.TemporaryDirectory() as scratch:
        source = StackedMnist(path=path, variant=variant, count=count, seed=seed)
        for job in source.open(Path(scratch)).jobs:
            for batch in job.run():
                assert isinstance(batch, Batch)
                pixels.append(batch.pixels)
                labels.append(batch.labels)
    return Split(np.concatenate(pixels), np.concatenate(labels))


def game_of(recipe: Recipe, side: int, seed: int, on: torch.device) -> tuple[Game, Rules]:
    first, last = recipe.lr
    settings = TrainSettings(
        seed=seed, kimg=recipe.kimg, batch_size=recipe.batch_size, beta2=recipe.beta2, conditional=False,
        lr=Schedule(start=first, end=last, over_kimg=recipe.kimg), ema_half_life_kimg=recipe.ema_half_life_kimg,
        log_every_kimg=recipe.kimg / 20, grid_every_kimg=recipe.kimg, checkpoint_every_kimg=recipe.kimg / 40,
    )  # fmt: skip
    rules = Rules(
        components.build(GanLoss, "relativistic", {}, section="loss"),
        components.build(Penalty, "r1_r2", {"gamma": recipe.gamma}, section="penalty"),
        settings,
    )
    description = Description(
        recipe.network, recipe.options, (3, side, side), recipe.latent_dim, "normal", (), 0, (), kind="pictures"
    )
    set_rounding(settings)
    game = new_game(description, settings, on)
    if on.type == "cpu":
        settle_threads(game.discriminator, description.fit.packs(1), settings.batch_size)
    return game, rules


def judge_of(data: PreparedData, recipe: Recipe, folder: Path, on: torch.device) -> evaluation.Judge:
    """The classifier of single digits, trained once and kept."""
    if not (folder / classifier.WEIGHTS).is_file():
        network = classifier.train(data, ClassifierSettings(**recipe.classifier), device=on)
        with files.whole_folder(folder) as aside:
            classifier.save_classifier(aside, network, data_digest="")
    extractor = open_extractor(
        "classifier", "pictures", weights=None, weights_sha256=None, trained=folder, device=on
    )  # fmt: skip
    assert isinstance(extractor, classifier.Classifier)
    return evaluation.Judge(extractor, None, conditional=False, device=on, classifier=extractor)


def seen_by(judge: evaluation.Judge, split: Split, name: str) -> Seen:
    return evaluation.look(split, judge, name=name, batch_size=256, classes=True)


def score(game: Game, floor: Seen, data: PreparedData, judge: evaluation.Judge, count: int) -> dict[str, Any]:
    """By the metric that the pipeline has."""
    pixels, _ = sampling.sample_cloud(game.averaged, game.description, seed=0, count=count)
    generated = Split(pixels, np.full(count, -1))
    seen = seen_by(judge, generated, "the generated pictures")
    evidence = Evidence(seen, floor, floor, Behind(generated, data, judge.extractor, judge.device))
    return {name: ModeCoverage().measure(evidence)[name] for name in ("modes", "mode_kl")}


def play(game: Game, rules: Rules, real: Split, folder: Path, ends: float) -> Iterator[tuple[int, float]]:
    """From where it was left to the end, or until the clock says `ends`; yields (images seen, images a second)."""
    first, started = None, time.monotonic()
    for progress in train(
        game, rules, real, checkpoints=CheckpointFolder(folder), stop=lambda: time.monotonic() > ends
    ):
        if progress.notice:
            print(progress.notice, flush=True)
        if first is None:
            first, started = progress.images_seen, time.monotonic()
        if progress.report is not None:
            yield progress.images_seen, (progress.images_seen - first) / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="the folder with MNIST's four files")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", choices=list(PUBLISHED), help="28x28 on a CPU, 32x32 on a GPU, if not said")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kimg", type=float, help="length of the training")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop then, to go on another time")
    chosen = parser.parse_args()
    began, on = time.monotonic(), torch.device(chosen.device)
    recipe = RECIPES[on.type]
    if chosen.kimg:
        recipe = replace(recipe, kimg=chosen.kimg, short=True)
    size = chosen.size or ("32x32" if on.type == "cuda" else "28x28")
    key = sha256(json.dumps([asdict(recipe), size, chosen.seed, record.source()]).encode()).hexdigest()[:16]
    folder = STATE / f"stacked_mnist-{size}-{chosen.seed}-{key}"

    real = drawn(chosen.path, size, seed=chosen.seed, count=TRIPLES)
    fresh = drawn(chosen.path, size, seed=1000 + chosen.seed, count=SAMPLES)
    data = PreparedData(real, fresh, STACKED, digest="")
    judge = judge_of(data, recipe, folder / "classifier", on)
    assert isinstance(judge.classifier, classifier.Classifier)
    named = classifier.accuracies(judge.classifier, fresh)
    floor = seen_by(judge, fresh, "the fresh triples")
    print(f"the classifier, on fresh triples: {json.dumps(named)}", flush=True)

    game, rules = game_of(recipe, int(size[:2]), chosen.seed, on)
    ends = began + 60 * chosen.minutes
    for seen, rate in play(game, rules, real, folder, ends):
        left = (rules.total - seen) / max(rate, 1e-9)
        found = score(game, floor, data, judge, 2_600)
        now = ", ".join(f"{name} {result.get('value', math.nan):.4g}" for name, result in found.items())
        kimg = f"{seen / 1000:g} kimg"
        print(f"{kimg}, of 2,600 pictures: {now}; {rate:.0f} images/s, {left:.0f} s left", flush=True)
    if game.images_seen < rules.total:
        print(f"stopped at {game.images_seen:,} of {rules.total:,} images; the same command goes on")
        return
    sheet = sampling.sample_sheet(game.averaged, game.description, seed=0, columns=16)
    pictures.write_png(folder / "grid.png", pictures.labelled_grid(sheet.pixels, columns=16, row_names=sheet.row_names))
    found = score(game, floor, data, judge, SAMPLES)
    figures = {
        "protocol": {"triples": TRIPLES, "size": size, "samples": SAMPLES, "seed": chosen.seed},
        "shortened": recipe.short,
        "recipe": asdict(recipe),
        "images_seen": game.images_seen,
        "classifier": named,
        "ours": {name: {k: v for k, v in result.items() if k != "replicates"} for name, result in found.items()},
        "published": {name: {"modes": modes, "mode_kl": kl} for name, (modes, kl) in PUBLISHED[size].items()},
    }
    device = torch.cuda.get_device_name(on) if on.type == "cuda" else "cpu"
    name = f"quality-stacked_mnist-{size}-{on.type}{'-short' if recipe.short else ''}"
    record.write(name, figures, ("torch", "numpy"), device=device, threads=torch.get_num_threads())
    print(f"pictures: {folder / 'grid.png'}")


if __name__ == "__main__":
    main()
