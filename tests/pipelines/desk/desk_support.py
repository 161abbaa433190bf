"""Project folders with trainings in every state, and a desk over the current one."""

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import psutil
from asking import Server
from PIL import Image

from ganlib import components, training_page
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.rules import Rules
from ganlib.settings import TrainSettings
from pipelines import loopback, paths
from pipelines.desk.app import Desk
from pipelines.loopback.serving import answering
from pipelines.trainings import PAGE, SIGN, Sign

RUNS = "http://127.0.0.1:5000"
TOTAL = 40_000


def sign(key: str, *, saved: int = 0, **changed: object) -> Path:
    """The folder of a training that this process is at, unless `changed`; it began the later, the later it is made."""
    folder = paths.checkpoints() / key
    folder.mkdir(parents=True, exist_ok=True)
    started = psutil.Process().create_time()
    ours = Sign(f"dcgan-hinge-{key[:8]}", "digits", TOTAL, socket.gethostname(), os.getpid(), started, time.time())
    (folder / SIGN).write_text(json.dumps(asdict(replace(ours, **changed))))  # type: ignore[arg-type]
    if saved:
        (folder / f"{saved:012d}.safetensors").touch()
    return folder


def dead() -> dict[str, float]:
    """Who was at a training that was killed: number and start of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(process.pid).create_time()
    process.kill()
    process.communicate()
    return {"process": process.pid, "started": started}


def draw(folder: Path, count: int) -> None:
    """Its page after so many pictures, as the train stage writes it, and the pictures."""
    (folder / "grids").mkdir(exist_ok=True)
    pictures = {}
    for number in range(1, count + 1):
        shade = np.random.default_rng(number).integers(0, 256, (16, 80), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(shade).resize((640, 128), Image.Resampling.NEAREST).save(buffer, format="PNG")
        pictures[4000 * number] = buffer.getvalue()
        (folder / "grids" / f"{4000 * number:09d}.png").write_bytes(buffer.getvalue())
    history = [
        {
            "images_seen": 2000.0 * row, "discriminator_loss": 0.4 + 0.1 / row, "generator_loss": 1.2 - 0.3 / row,
            "pair_accuracy": 0.7 + 0.1 / row, "feature_spread": 1 - 0.3 / row, "overfitting": 0.02 * row,
            "heldout_accuracy": 0.7, "real_accuracy": 0.8, "fake_accuracy": 0.8,
        }
        for row in range(1, 2 * count + 1)
    ]  # fmt: skip
    pace = training_page.Pace(480.0, 8.0 * count)
    training_page.write(history, pictures, rules(), html=folder / PAGE, pace=pace)


def rules() -> Rules:
    return Rules(
        components.build(GanLoss, "relativistic", {}, section="loss"),
        components.build(Penalty, "r1_r2", {"gamma": 0.1}, section="penalty"),
        TrainSettings(kimg=TOTAL / 1000),
    )


@contextmanager
def at_the_desk(port: int = 0) -> Iterator[Server]:
    """Over the current folder, in a thread."""
    listener = loopback.listening(port, "")
    with answering(Desk(Path.cwd().name, RUNS).app(), listener):
        yield Server(listener.getsockname()[1])
