"""A project under git and DVC whose trainings take no time: what it did stands in a file beside it."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

PARAMS = {
    "data": {"source": "digits"}, "network": {"name": "mlp", "width": 1}, "loss": {"name": "hinge"},
    "penalty": {"name": "none"}, "train": {"lr": 0.5, "seed": 7}, "sample": {"n": 10}, "publish": {"model": "m"},
}  # fmt: skip
DVC_YAML = """
stages:
  prepare:
    cmd: python prepare.py
    deps: [prepare.py]
    params: [data]
    outs: [data.txt]
  train:
    cmd: python train.py
    deps: [train.py, data.txt]
    params: [network, loss, train]
    outs: [model.txt]
  evaluate:
    cmd: python evaluate.py
    deps: [evaluate.py, model.txt]
    params: [sample]
    outs: [reports/evaluation.json]
  publish:
    cmd: python publish.py
    deps: [publish.py, reports/evaluation.json]
    params: [publish]
    outs: [published.txt]
"""
COMMON = """
import json, os, sys, time
from pathlib import Path
from ruamel.yaml import YAML
values = YAML(typ="safe").load(Path("params.yaml"))
beside = Path(os.environ["BESIDE"])
rate, seed = values["train"]["lr"], values["train"]["seed"]
def note(line):
    with (beside / "done.txt").open("a") as done:
        done.write(line + "\\n")
"""
SCRIPTS = {
    "prepare": """
note("prepare")
time.sleep(0.3)
Path("data.txt").write_text("data")
""",
    "train": """
if rate == 9:
    sys.exit("error: train.lr is 9, which is too much; lower it.")
note(f"train {rate} {seed}")
if rate == 4 and not (beside / "go").exists():
    try:
        (beside / "waits").write_text("now")
        time.sleep(100)
    except KeyboardInterrupt:
        note("saved")
        sys.exit(75)
time.sleep(0.3)
Path("model.txt").write_text(f"{rate} {seed}")
""",
    "evaluate": """
Path("reports").mkdir(exist_ok=True)
fid = {"value": rate + seed / 10, "low": rate, "high": rate + 1, "replicates": [1.0] * 20}
report = {"protocol": {"name": "p", "extractor": "random", "samples": values["sample"]["n"]}, "fid": fid}
Path("reports/evaluation.json").write_text(json.dumps(report))
""",
    "publish": "note('publish')\n",
}
DVC = str(Path(sys.executable).with_name("dvc"))


@dataclass(frozen=True)
class Swept:
    """The project's folder."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        left_out = ("MLFLOW_", "DVC_", "GIT_")
        found = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        store = f"sqlite:///{self.folder.parent / 'mlflow.db'}"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**found, "DVC_NO_ANALYTICS": "1", "MLFLOW_TRACKING_URI": store, "PATH": path}

    def done(self) -> list[str]:
        """What was really computed."""
        path = self.folder.parent / "done.txt"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for(self, name: str) -> None:
        deadline = time.monotonic() + 120
        while not (self.folder.parent / name).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def looks(self) -> tuple[str, ...]:
        """All that a person or git has there."""
        files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and not str(path.relative_to(self.folder)).startswith((".git/", ".dvc/", ".ganlib/", "reports/"))
        }
        asked = (["status", "--short"], ["for-each-ref"], ["worktree", "list"], ["rev-parse", "HEAD"], ["branch"])
        return (repr(files), *(self.run("git", *words) for words in asked))


@pytest.fixture(scope="session")
def sweepable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project, in which no stage has run."""
    folder = tmp_path_factory.mktemp("committed") / "project"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "params.yaml").write_text(json.dumps(PARAMS))
    (folder / ".gitignore").write_text("/.ganlib/\n/reports/\n")
    for name, script in SCRIPTS.items():
        (folder / f"{name}.py").write_text(COMMON + script)
    for command in (
        ("git", "init", "-q", "-b", "main"),
        (DVC, "init", "-q"),
        ("git", "add", "-A"),
        ("git", "-c", "user.email=t@example.invalid", "-c", "user.name=T", "commit", "-qm", "start"),
    ):
        Swept(folder).run(*command)
    return folder


@pytest.fixture
def swept(sweepable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swept:
    """A project of one's own."""
    monkeypatch.setenv("BESIDE", str(tmp_path))
    return Swept(shutil.copytree(sweepable, tmp_path / "project"))
