"""What a trained generator was made from, as one key: the digest of train's settings, code and data.

The key names the checkpoint folder and finds the MLflow run. It is written into train's output, so whoever
holds the output knows the run without asking any server.
"""

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ganlib import files
from ganlib.errors import UserError
from ganlib.settings import Settings, plain

LINEAGE = "lineage.json"
TRAIN_MODULES = (
    "training", "trouble", "steps", "rules", "routes", "exact", "game", "dealing", "batches", "diagnostics",
    "averaging", "schedules", "distributed", "latents", "randomness", "images", "sampling", "pictures", "scatter",
    "selection", "scoring", "moments", "neighbours", "balls", "distances", "uncertainty",
)  # fmt: skip
TRAIN_FOLDERS = ("piecewise", "augmentations")
"""All of their files, because they share private ones."""
TRAIN_SECTIONS = ("network", "loss", "penalty", "augmentation", "latent", "train")
WHERE_NOT_WHAT = ("device_cache_gb", "capture", "processes")
"""Settings of train that change where things are done and results by rounding at most: a training goes on when they
are changed."""
MADE_BY_RUNNING = (":!dvc.lock", ":!metrics")
"""Files under git that the pipeline writes: they make nobody's tree dirty."""


@dataclass(frozen=True)
class Lineage:
    """Everything that decides what train computes."""

    settings: dict[str, Any]
    """The sections of params.yaml that train reads, with defaults filled in."""
    code: dict[str, str]
    """sha256 of each file that train's stage in dvc.yaml depends on."""
    data: str
    """Digest of the prepared data."""

    @property
    def key(self) -> str:
        """64 hexadecimal digits; equal keys, equal generators (on one machine)."""
        return digest_of([self.settings, self.code, self.data])

    @property
    def params_digest(self) -> str:
        """sha256 over the settings alone."""
        return digest_of(self.settings)

    @property
    def code_digest(self) -> str:
        """sha256 over the code alone."""
        return digest_of(self.code)


def digest_of(values: Any) -> str:
    """sha256 in hexadecimal of plain values, whatever the order of their keys."""
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def train_code(settings: Settings) -> list[Path]:
    """The source files that decide what train computes: the ones dvc.yaml names, and a test holds the two equal."""
    return [
        Path("pipelines/stages/train.py"),
        *(Path("ganlib") / f"{name}.py" for name in TRAIN_MODULES),
        Path("ganlib/networks/__init__.py"),
        Path(f"ganlib/networks/{settings.network.name}.py"),
        Path("ganlib/losses/__init__.py"),
        Path(f"ganlib/losses/{settings.loss.name}.py"),
        Path("ganlib/penalties/__init__.py"),
        Path(f"ganlib/penalties/{settings.penalty.name}.py"),
        Path(f"ganlib/features/{settings.train.evaluate_through}.py"),
        *sorted(Path("ganlib/features").glob("_*.py")),
        *(path for name in TRAIN_FOLDERS for path in sorted((Path("ganlib") / name).glob("*.py"))),
    ]


def of_training(settings: Settings, data_digest: str) -> Lineage:
    """The lineage of a training with these settings on this data, with the code as it stands."""
    sections = plain(settings)
    for name in WHERE_NOT_WHAT:
        del sections["train"][name]
    return Lineage(
        settings={name: sections[name] for name in TRAIN_SECTIONS},
        code={str(path): files.sha256_of(path) for path in train_code(settings)},
        data=data_digest,
    )


def write(folder: Path, lineage: Lineage) -> None:
    """Puts the lineage beside the weights."""
    values = {"key": lineage.key, "data": lineage.data, "settings": lineage.settings, "code": lineage.code}
    files.write_text(folder / LINEAGE, json.dumps(values, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> Lineage:
    """The lineage beside the weights in `folder`; UserError where there is none."""
    try:
        values = json.loads((folder / LINEAGE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{folder / LINEAGE} is missing; train a generator first: dvc repro train. While one is being trained, and "
            f"after it was killed, the earlier one is in DVC's cache: dvc checkout brings it back."
        ) from None
    return Lineage(settings=values["settings"], code=values["code"], data=values["data"])


def versions() -> dict[str, str]:
    """Of what computes, as tags: a generator's bytes may be others with others."""
    found = {f"ganlib.version.{name}": version(name) for name in ("ganlib", "torch", "numpy")}
    return {**found, "ganlib.version.python": platform.python_version()}


def machine(device: str) -> dict[str, str]:
    """What computes on `device`, as tags: processor, threads and processes decide how sums are rounded.

    To be asked of the thread that trains.
    """
    import torch

    facts = {
        "ganlib.device": device,
        "ganlib.cpu": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "ganlib.threads": str(torch.get_num_threads()),
        "ganlib.processes": os.environ.get("WORLD_SIZE", "1"),
    }
    return {**facts, "ganlib.gpu": torch.cuda.get_device_name(device)} if device.startswith("cuda") else facts


def environment(settings: Settings) -> dict[str, str]:
    """Where a run comes from that no digest tells: commit, versions, seeds, the DVC experiment.

    Without git, or before the first commit, there is no commit to tell of.
    """
    facts = versions()
    sections = {name: section for name, section in plain(settings).items() if isinstance(section, dict)}
    del sections["promote"]  # of no run: promotions have seeds of their own, kept with their evidence
    seeds = {name: section["seed"] for name, section in sections.items() if "seed" in section}
    facts["ganlib.seeds"] = json.dumps(seeds, sort_keys=True)
    commit = _git("rev-parse", "--verify", "--quiet", "HEAD")
    if commit is not None:
        facts["mlflow.source.git.commit"] = commit
        facts["ganlib.git_dirty"] = json.dumps(bool(_git("status", "--porcelain", "--", ".", *MADE_BY_RUNNING)))
    if experiment := os.environ.get("DVC_EXP_NAME"):
        facts["dvc.experiment"] = experiment
    return facts


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
