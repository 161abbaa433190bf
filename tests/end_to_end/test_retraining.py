"""A retraining of the real pipeline, killed at work: the next goes on, in the same MLflow run, to the same bits."""

import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from projects import Project, copy_of_project

from ganlib.files import sha256_of

GENERATOR = "models/gan/generator.safetensors"
LENGTH = {"train.kimg": 20, "train.checkpoint_every_kimg": 0.2, "sample.n": 200, "promote.samples": 200}
RETRAIN = ("python", "-m", "pipelines.flows.retrain", "--promote", "never")
MAKE_STORE = "from pipelines import tracking\nwith tracking.opened() as store: store.client.search_experiments()"


def runs(project: Project) -> list[tuple[str, str]]:
    """(id, status) of every run in the project's store."""
    with closing(sqlite3.connect(project.folder / "mlflow.db")) as store:
        return list(store.execute("select run_uuid, status from runs"))


def kill_all(process: "subprocess.Popen[str]") -> None:
    """As when the power fails."""
    for one in (*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)):
        one.kill()
    process.communicate()


@pytest.mark.prove
def test_killed_at_work_the_next_goes_on_in_the_same_run_to_the_same_bits(tmp_path: Path) -> None:
    undisturbed, killed = copy_of_project(tmp_path / "undisturbed"), copy_of_project(tmp_path / "killed")
    for project in (undisturbed, killed):
        project.set(LENGTH)
        assert project.run("git", "commit", "-qam", "longer").returncode == 0
    undisturbed.dvc("repro", "train")
    home = {"PREFECT_HOME": str(tmp_path / "home")}
    assert killed.run("python", "-c", MAKE_STORE).returncode == 0
    process = killed.start(*RETRAIN, **home)
    ends = time.monotonic() + 240
    while not (runs(killed) and list(killed.folder.glob(".ganlib/checkpoints/*/*.safetensors"))):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < ends
        time.sleep(0.02)
    kill_all(process)
    tree = killed.folder / ".ganlib/retrain/tree"
    assert not (tree / GENERATOR).exists(), "it was killed too late to count"
    ((run, status),) = runs(killed)
    assert status == "RUNNING"
    before = killed.run("git", "status", "--porcelain").stdout
    done = killed.run(*RETRAIN, **home)
    assert done.returncode == 0, done.stdout
    assert "Resumed at" in done.stdout
    assert runs(killed) == [(run, "FINISHED")]
    assert sha256_of(tree / GENERATOR) == sha256_of(undisturbed.folder / GENERATOR)
    assert killed.run("git", "status", "--porcelain").stdout == before == ""
    again = killed.run(*RETRAIN, **home)
    assert "Nothing to do" in again.stdout, again.stdout
