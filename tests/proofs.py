"""What was proven, when and where: with `--record-proofs` a run's outcomes go to benchmarks/results/prove.json.

By file, so that proofs may be run in parts; a file that is run again replaces what stood there of it.
"""

import json
import os
import platform
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/prove.json"
OUTCOMES = ("passed", "failed", "skipped", "error")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-proofs", action="store_true", help="write what passed to benchmarks/results/prove.json")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.getoption("--record-proofs"):
        return
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {**dict.fromkeys(OUTCOMES, 0), "seconds": 0.0})
    for outcome in OUTCOMES:
        for report in terminalreporter.stats.get(outcome, ()):
            found[report.nodeid.partition("::")[0]][outcome] += 1
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                found[report.nodeid.partition("::")[0]]["seconds"] += report.duration
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    here = {"commit": commit.stdout.strip(), "day": time.strftime("%Y-%m-%d"), "cores": os.cpu_count()}
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for file, counted in found.items():
        known[file] = counted | {"seconds": round(counted["seconds"], 1), **here, "python": platform.python_version()}
    RESULTS.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
