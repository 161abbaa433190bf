"""Where a benchmark's figures are kept, with the commit, the machine and the versions they were measured on."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"


def source() -> str:
    """Digest of the code that a game is played by: a state that other code has left is not gone on from."""
    folders = (".", "networks", "losses", "penalties", "augmentations", "datasets", "metrics")
    paths = sorted(path for folder in folders for path in (ROOT / "ganlib" / folder).glob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def write(name: str, figures: dict[str, Any], packages: Iterable[str], **machine: Any) -> None:
    """Writes results/NAME.json, says so, and shows it; `machine` is what else matters of where it ran."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    here = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    text = json.dumps(
        {
            **figures,
            "commit": commit.stdout.strip(),
            "machine": machine | here,
            "versions": {package: version(package) for package in packages},
        },
        indent=2,
    )
    place = RESULTS / f"{name}.json"
    RESULTS.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{text}\n")
    print(f"{text}\nwritten to {place.relative_to(ROOT)}")
