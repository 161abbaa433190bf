"""`train.processes: 2` and torchrun through the real stage: one result, one voice, and no process left behind."""

import csv
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from projects import Project, copy_of_project

TWO = {"train.kimg": 6, "train.checkpoint_every_kimg": 0.4, "train.processes": 2}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_project(tmp_path_factory.mktemp("processes") / "project")
    project.set(TWO)
    project.dvc("repro", "prepare")
    return project


def twin(prepared: Project, folder: Path, **values: object) -> Project:
    made = prepared.run("cp", "-r", str(prepared.folder), str(folder))
    assert made.returncode == 0, made.stdout
    project = Project(folder)
    project.set({name.replace("__", "."): value for name, value in values.items()})
    return project


def losses(project: Project) -> list[float]:
    with (project.folder / "reports/history.csv").open() as file:
        return [float(row["discriminator_loss"]) for row in csv.DictReader(file)]


def stages(project: Project) -> list[psutil.Process]:
    """The processes that train in this project."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if "pipelines.stages.train" in (process.info["cmdline"] or []) and process.info["cwd"] == str(project.folder):
            found.append(process)
    return found


def wait_for_checkpoints(project: Project, process: object, beyond: int = 0) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        names = [path.stem for path in project.folder.rglob("[0-9]*.safetensors")]
        if any(int(name) > beyond for name in names):
            return
        assert process.poll() is None, process.stdout.read()  # type: ignore[attr-defined]
        time.sleep(0.1)
    raise AssertionError("no checkpoint came")


def test_two_processes_train_what_one_does_but_for_rounding(prepared: Project, tmp_path: Path) -> None:
    both = twin(prepared, tmp_path / "both", train__kimg=1)
    output = both.dvc("repro", "train")
    assert output.count("at work") == 1, "one process speaks"
    alone = twin(prepared, tmp_path / "alone", train__kimg=1, train__processes=1)
    alone.dvc("repro", "train")
    assert losses(both) == pytest.approx(losses(alone), rel=0.02)
    torchrun = twin(prepared, tmp_path / "torchrun", train__kimg=1, train__processes=1)
    done = torchrun.run("torchrun", "--nproc-per-node", "2", "-m", "pipelines.stages.train")
    assert done.returncode == 0, done.stdout
    assert losses(torchrun) == losses(both)


def test_one_that_is_killed_ends_the_job_with_its_reason_and_one_process_goes_on(
    prepared: Project, tmp_path: Path
) -> None:
    project = twin(prepared, tmp_path / "project")
    started = project.start("python", "-m", "pipelines.stages.train")
    wait_for_checkpoints(project, started)
    rank_one = next(process for process in stages(project) if process.environ().get("RANK") == "1")
    os.kill(rank_one.pid, signal.SIGKILL)
    output, _ = started.communicate(timeout=60)
    assert started.returncode == 1, output
    assert "Process 1 of 2 was killed by signal 9" in output
    assert "Traceback" not in output
    assert stages(project) == []
    project.set({"train.processes": 1})
    again = project.run("python", "-m", "pipelines.stages.train")
    assert again.returncode == 0, again.stdout
    assert "Resumed at" in again.stdout


def test_a_polite_stop_reaches_all_and_is_resumable(prepared: Project, tmp_path: Path) -> None:
    project = twin(prepared, tmp_path / "project")
    started = project.start("python", "-m", "pipelines.stages.train")
    wait_for_checkpoints(project, started)
    os.kill(started.pid, signal.SIGTERM)
    output, _ = started.communicate(timeout=60)
    assert started.returncode == 75, output
    assert output.count("everything is saved") == 1, output
    assert stages(project) == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"train__batch_size": 15}, "train.batch_size is 15, which"),
        pytest.param({"train__processes": 64}, "train.processes is 64 but there are only", marks=pytest.mark.prove),
        pytest.param({"loss__name": "wasserstien"}, "loss.name is 'wasserstien'; choose", marks=pytest.mark.prove),
    ],
)
def test_a_mistake_is_said_once(prepared: Project, tmp_path: Path, values: dict[str, object], sentence: str) -> None:
    project = twin(prepared, tmp_path / "project", **values)
    done = project.run("python", "-m", "pipelines.stages.train")
    assert done.returncode == 2, done.stdout
    assert done.stdout.count("error: ") == 1, done.stdout
    assert sentence in done.stdout
    assert "Traceback" not in done.stdout
