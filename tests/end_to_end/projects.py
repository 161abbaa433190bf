"""A copy of this project in a folder of its own, with the real dvc, at a fraction of the default size."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COPIED = ("ganlib", "pipelines", "dvc.yaml", "params.yaml", ".dvcignore", ".gitignore")
TINY = {
    "network.width": 4,
    "train.kimg": 2,
    "train.batch_size": 16,
    "train.log_every_kimg": 0.2,
    "train.checkpoint_every_kimg": 0.4,
    "train.grid_every_kimg": 1,
    "classifier.epochs": 3,
    "classifier.width": 8,
    "sample.n": 300,
    "evaluate.kid_subset_size": 100,
    "evaluate.kid_subsets": 5,
}


@dataclass(frozen=True)
class Project:
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """This interpreter's programs first, and the folder's own code before any installed one."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",  # networks this small only wait for each other on more
        }

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment | environment, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.folder, env=self.environment | environment, timeout=500, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def dvc(self, *arguments: str, **environment: str) -> str:
        done = self.run("dvc", *arguments, **environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def set(self, values: dict[str, object]) -> None:
        """Edits params.yaml as a person would."""
        yaml = YAML()
        path = self.folder / "params.yaml"
        document = yaml.load(path)
        for key, value in values.items():
            *sections, name = key.split(".")
            place = document
            for section in sections:
                place = place[section]
            place[name] = value
        yaml.dump(document, path)

    def ran(self, output: str) -> list[str]:
        """The stages that dvc says it ran."""
        return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def copy_of_project(folder: Path) -> Project:
    folder.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    project = Project(folder)
    project.set(TINY)
    for command in (
        ["git", "init", "-q", "-b", "main"],
        ["git", "config", "user.email", "test@example.invalid"],
        ["git", "config", "user.name", "Test"],
        ["dvc", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "commit", "-q", "-m", "start"],
    ):
        done = project.run(*command)
        assert done.returncode == 0, done.stdout
    return project
