"""A training may be killed at any moment: the same command goes on, and the result is the same to the last bit."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from projects import Project, copy_of_project

from ganlib.files import sha256_of

GENERATOR = "models/gan/generator.safetensors"


@pytest.fixture(scope="module")
def longer(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project at a length that can be killed five times."""
    made = copy_of_project(tmp_path_factory.mktemp("killed") / "project")
    made.set({"train.kimg": 8, "train.checkpoint_every_kimg": 0.2})
    made.dvc("repro", "train")
    return made


def twin(longer: Project, folder: Path) -> Project:
    """The same project, with nothing made yet and nothing to be had from a cache."""
    made = ("data", "models", "reports", ".ganlib", "cache", "dvc.lock", "mlflow.db", "mlartifacts")
    shutil.copytree(longer.folder, folder, ignore=shutil.ignore_patterns(*made))
    project = Project(folder)
    project.dvc("repro", "prepare")
    return project


def wait_for_training(project: Project, process: "subprocess.Popen[str]", *, beyond: int) -> int:
    """Waits until a checkpoint newer than `beyond` images exists; its images."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        saved = [int(path.stem) for path in project.folder.glob(".ganlib/checkpoints/*/*.safetensors")]
        if saved and max(saved) > beyond:
            return max(saved)
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    raise AssertionError("no checkpoint was written in two minutes")


@pytest.mark.parametrize("kills", [2, pytest.param(5, marks=pytest.mark.prove)])
def test_killed_again_and_again_the_generator_is_the_same(longer: Project, tmp_path: Path, kills: int) -> None:
    killed = twin(longer, tmp_path / "killed")
    seen = 0
    for _ in range(kills):
        process = killed.start("dvc", "repro", "train")
        seen = wait_for_training(killed, process, beyond=seen)
        time.sleep(random.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (killed.folder / GENERATOR).exists(), "it was killed too late to count"
    output = killed.dvc("repro", "train")
    assert "Resumed at" in output
    assert sha256_of(killed.folder / GENERATOR) == sha256_of(longer.folder / GENERATOR)
    assert (killed.folder / "reports/history.csv").read_bytes() == (longer.folder / "reports/history.csv").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.prove)])
def test_a_polite_stop_saves_and_says_that_it_can_go_on(
    longer: Project, tmp_path: Path, number: signal.Signals
) -> None:
    stopped = twin(longer, tmp_path / "stopped")
    process = stopped.start("python", "-m", "pipelines.stages.train")
    wait_for_training(stopped, process, beyond=0)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 75, output
    assert "everything is saved" in output
    stopped.dvc("repro", "train")
    assert sha256_of(stopped.folder / GENERATOR) == sha256_of(longer.folder / GENERATOR)


def test_other_settings_or_data_never_resume_an_old_checkpoint(longer: Project, tmp_path: Path) -> None:
    changed = twin(longer, tmp_path / "changed")
    process = changed.start("python", "-m", "pipelines.stages.train")
    wait_for_training(changed, process, beyond=0)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    changed.set({"train.lr": 5e-4})
    assert "Resumed" not in changed.dvc("repro", "train")
    changed.set({"train.lr": 1e-3, "data.seed": 1})
    assert "Resumed" not in changed.dvc("repro", "train")
    changed.set({"data.seed": 0})
    assert "Resumed" in changed.dvc("repro", "train"), "while the old checkpoint goes on with what it belongs to"


def test_the_store_may_be_down(longer: Project, tmp_path: Path) -> None:
    """Training goes on and ends well; once the store is back, one command completes the run."""
    offline = twin(longer, tmp_path / "offline")
    nowhere = "http://127.0.0.1:9"
    offline.dvc("repro", "train", MLFLOW_TRACKING_URI=nowhere)
    assert sha256_of(offline.folder / GENERATOR) == sha256_of(longer.folder / GENERATOR)
    done = offline.run("python", "-m", "pipelines.cli", "sync", MLFLOW_TRACKING_URI=nowhere)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout
    assert offline.run("python", "-m", "pipelines.cli", "sync").returncode == 0
    code = (
        "import mlflow; c = mlflow.MlflowClient();"
        "r, = mlflow.search_runs(search_all_experiments=True, output_format='list');"
        "print(r.info.status, len(c.get_metric_history(r.info.run_id, 'discriminator_loss')))"
    )
    listed = offline.run("python", "-c", code, MLFLOW_TRACKING_URI=f"sqlite:///{offline.folder / 'mlflow.db'}").stdout
    rows = len((offline.folder / "reports/history.csv").read_text().splitlines()) - 1
    assert f"FINISHED {rows}" in listed, listed
