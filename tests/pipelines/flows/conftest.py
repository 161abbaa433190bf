"""A DVC project of two seconds, and one Prefect server for all tests here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flow_support import Project, Server

from pipelines.flows import DEFAULTS

REPOSITORY = Path(__file__).parents[3]

# Deliberately not in the order in which they must run.
DVC_YAML = """
stages:
  last:
    cmd: python last.py
    deps:
      - last.py
      - middle.txt
      - first.txt
    outs:
      - last.txt
  first:
    cmd: python first.py
    deps:
      - first.py
    outs:
      - first.txt
  middle:
    cmd: python middle.py
    deps:
      - middle.py
      - first.txt
    outs:
      - middle.txt
"""
STAGE = """
from pathlib import Path
with Path("ran.txt").open("a") as ran:
    ran.write("{name}\\n")
print("{name} speaks")
Path("{name}.txt").write_text("made by {name}")
"""
STAGES = ("first", "middle", "last")
CLI = """
import json, os, sys
from pathlib import Path
away = Path(os.environ.get("AWAY", "no such file"))
if away.exists():
    away.unlink()
    print("error: The MLflow store http://host does not answer (refused).", file=sys.stderr)
    sys.exit(2)
with Path("called.txt").open("a") as called:
    called.write(" ".join(sys.argv[1:]) + "\\n")
verdict = {"title": "promote", "outcome": "promote", "checks": [
    {"name": "fid", "state": "holds", "demand": "better", "ours": 2.5, "theirs": 3.0, "values": [-0.5, -0.5],
     "low": -0.6, "high": -0.4, "problem": None}]}
answers = {
    "sync": {"run_name": "dcgan-1", "page": "http://127.0.0.1:5000/#/1", "model": "gan", "version": "2", "aliases": []},
    "promote": {"model": "gan", "version": 2, "champion": 1, "moved": "--dry-run" not in sys.argv, "verdict": verdict,
                "unjudged": None},
}
print(json.dumps(answers[sys.argv[1]]))
"""


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "project"
    code = folder / "pipelines"
    shutil.copytree(REPOSITORY / "pipelines", code, ignore=shutil.ignore_patterns("__pycache__", "cli"))
    # The real one belongs to MLflow and has its own tests.
    (code / "cli").mkdir()
    (code / "cli" / "__init__.py").touch()
    (code / "cli" / "__main__.py").write_text(CLI)
    (folder / "dvc.yaml").write_text(DVC_YAML)
    for name in STAGES:
        (folder / f"{name}.py").write_text(STAGE.format(name=name))
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=folder, check=True, env=os.environ | DEFAULTS
    )
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real one, on a free loopback port and with a home of its own."""
    server = Server.in_home(tmp_path_factory.mktemp("prefect"))
    with server.at_work():
        yield server


@pytest.fixture
def project(pristine: Path, tmp_path: Path) -> Project:
    return Project(shutil.copytree(pristine, tmp_path / "project"))


@pytest.fixture
def committed(pristine: Path, tmp_path: Path) -> Project:
    """The same under git: what runs is in the worktree of the flow, which `Project.inside` leads to."""
    folder = shutil.copytree(pristine, tmp_path / "committed")
    (folder / ".gitignore").write_text("__pycache__/\n/.ganlib/\n/.dvc/cache/\n/.dvc/tmp/\n/.dvc/config.local\n*.txt\n")
    made = Project(folder)
    for words in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "T"],
        ["config", "user.email", "t@example.invalid"],
    ):
        made.git(*words)
    made.commit("start")
    return made
