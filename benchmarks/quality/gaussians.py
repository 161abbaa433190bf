"""How many modes are found: `python benchmarks/quality/gaussians.py ring`, or `grid`; ten seeds each, on a CPU.

PacGAN's protocol (Lin et al. 2018): 100,000 training points, latents from N(0, I) in two dimensions, batches of 100, at
most 400 epochs; of 2,500 generated points those within 3 standard deviations of a mode are of high quality, and a mode
counts with one of them. What is free to choose stands in RECIPES. Each core plays one seed at a time. Stopped, it goes
on where it was with the same command. Writes benchmarks/results/quality-LAYOUT.json when all seeds are done; with fewer
than ten seeds the file is called quality-LAYOUT-short.json.
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1]))
import record

from ganlib import components, files, sampling
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.datasets.gaussians import BLOCK, Layout, draw, mixture
from ganlib.features.coordinates import Coordinates
from ganlib.game import Game, new_game
from ganlib.losses import GanLoss
from ganlib.metrics import Behind, Evidence, Seen
from ganlib.metrics.mode_coverage import ModeCoverage
from ganlib.penalties import Penalty
from ganlib.prepared import PreparedData, Split
from ganlib.rules import Rules
from ganlib.schedules import Schedule
from ganlib.settings import TrainSettings, plain
from ganlib.training import train

POINTS, BATCH, EPOCHS, SEEDS, SAMPLES = 100_000, 100, 400, 10, 2_500
RESULTS = ("modes", "high_quality", "mode_kl")
STATE = record.ROOT / ".ganlib/quality"
CPU = torch.device("cpu")

PUBLISHED = {
    "ring": {"GAN": (6.3, 0.982, 0.45), "ALI": (6.6, 0.976, 0.36), "PacGAN, best": (7.9, 0.956, 0.07)},
    "grid": {"GAN": (17.3, 0.948, 0.70), "ALI": (24.1, 0.957, 0.14), "PacGAN, best": (24.8, 0.936, 0.04)},
}
"""Modes, share of high quality and KL divergence, of ten runs each (Lin et al. 2018)."""

RECIPES: dict[str, dict[str, Any]] = {
    "ring": {
        "epochs": 20,
        "network": {"width": 12, "depth": 6, "generator_activation": "tanh"},
        "loss": "relativistic",
        "penalty": "r1_r2",
        "gamma": (0.01, 0.001),
        "lr": (2e-3, 1e-5),
        "beta2": 0.99,
        "ema_half_life_kimg": 50.0,
    },
    "grid": {
        "epochs": 60,
        "network": {"width": 12, "depth": 6, "generator_activation": "tanh"},
        "loss": "relativistic",
        "penalty": "r1_r2",
        "gamma": (1.0, 0.03),
        "lr": (2e-3, 1e-5),
        "beta2": 0.99,
        "ema_half_life_kimg": 50.0,
    },
}
"""Of the 400 epochs that the protocol allows, these take few. lr and gamma go from the first to the second in a half
cosine over the whole training."""


def points(layout: Layout, seed: int, count: int) -> Split:
    """The first points of a seed, with the numbers of their modes."""
    blocks = [draw(layout, seed, block) for block in range(math.ceil(count / BLOCK))]
    places, modes = (np.concatenate(parts)[:count] for parts in zip(*blocks, strict=True))
    return Split(places.astype(np.float32)[:, :, np.newaxis, np.newaxis], modes)


def game_of(recipe: dict[str, Any], seed: int, epochs: int) -> tuple[Game, Rules]:
    kimg = epochs * POINTS / 1000

    def falling(ends: tuple[float, float]) -> Schedule:
        return Schedule(start=ends[0], end=ends[1], over_kimg=kimg)

    settings = TrainSettings(
        seed=seed, kimg=kimg, batch_size=BATCH, lr=falling(recipe["lr"]),
        beta2=recipe["beta2"], ema_half_life_kimg=recipe["ema_half_life_kimg"], conditional=False,
        log_every_kimg=kimg / 20, grid_every_kimg=kimg, checkpoint_every_kimg=kimg / 20,
    )  # fmt: skip
    rules = Rules(
        components.build(GanLoss, recipe["loss"], {}, section="loss"),
        components.build(Penalty, recipe["penalty"], {"gamma": plain(falling(recipe["gamma"]))}, section="penalty"),
        settings,
    )
    description = Description("mlp", recipe["network"], (2, 1, 1), 2, "normal", (), 0, (), kind="points")
    return new_game(description, settings, CPU), rules


def score(game: Game, layout: Layout, seed: int) -> dict[str, float]:
    """By the metric that the pipeline has; the floor is what as many points of the mixture itself score."""
    made, _ = sampling.sample_cloud(game.averaged, game.description, seed=seed, count=SAMPLES)
    real = points(layout, 1000 + seed, SAMPLES)
    generated = Split(made, np.full(SAMPLES, -1))
    data = PreparedData(real, real, mixture(layout).names, digest="")
    sides = [
        Seen(name, torch.from_numpy(side.pixels.reshape(SAMPLES, 2)), torch.empty(SAMPLES, 0))
        for name, side in (("generated", generated), ("drawn", real))
    ]
    found = ModeCoverage().measure(Evidence(*sides, sides[1], Behind(generated, data, Coordinates(), CPU)))
    # Before the first point of high quality there is no distribution over modes.
    return {name: found[name].get("value", math.inf) for name in RESULTS} | {
        f"floor_{name}": found[name].get("floor", math.inf) for name in RESULTS
    }


def play(layout: Layout, seed: int, epochs: int, source: str) -> dict[str, float]:
    """One seed from where it was left, by the same source, to the end; says now and then how it stands."""
    torch.set_num_threads(1)
    recipe = RECIPES[layout]
    key = sha256(json.dumps([recipe, layout, seed, epochs, source]).encode()).hexdigest()[:16]
    folder = STATE / f"{layout}-{seed}-{key}"
    done = folder / "score.json"
    if done.is_file():
        found: dict[str, float] = json.loads(done.read_text())
        return found
    game, rules = game_of(recipe, seed, epochs)
    began, before = time.monotonic(), None
    for progress in train(game, rules, points(layout, seed, POINTS), checkpoints=CheckpointFolder(folder)):
        before = progress.images_seen - BATCH if before is None else before
        if progress.report is not None:
            rate = (progress.images_seen - before) / (time.monotonic() - began)
            left = (rules.settings.kimg * 1000 - progress.images_seen) / rate
            now = ", ".join(f"{name} {value:.4g}" for name, value in score(game, layout, seed).items())
            print(
                f"{layout} seed {seed}, {progress.images_seen / POINTS:g} epochs: {now}; {left:.0f} s left", flush=True
            )
    found = score(game, layout, seed)
    files.write_text(done, json.dumps(found))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=list(RECIPES))
    parser.add_argument("--epochs", type=int, help=f"at most {EPOCHS}; as the recipe has it, if not said")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    chosen = parser.parse_args()
    chosen.epochs = min(chosen.epochs or RECIPES[chosen.layout]["epochs"], EPOCHS)
    source = record.source()
    jobs = [(chosen.layout, seed, chosen.epochs, source) for seed in range(chosen.seeds)]
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        runs = pool.starmap(play, jobs, chunksize=1)
    summary = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
        summary[name] = {
            "mean": statistics.mean(values),
            "standard_error": error,
            "least": min(values),
            "most": max(values),
        }
    figures = {
        "protocol": {
            "points": POINTS,
            "batch": BATCH,
            "epochs_allowed": EPOCHS,
            "epochs": chosen.epochs,
            "samples": SAMPLES,
            "seeds": chosen.seeds,
        },
        "recipe": RECIPES[chosen.layout],
        "ours": summary,
        "runs": runs,
        "published": {name: dict(zip(RESULTS, row, strict=True)) for name, row in PUBLISHED[chosen.layout].items()},
    }
    record.write(f"quality-{chosen.layout}{'' if chosen.seeds == SEEDS else '-short'}", figures, ("torch", "numpy"))


if __name__ == "__main__":
    main()
