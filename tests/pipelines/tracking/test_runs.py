"""One run for one key, and none that is RUNNING on a dead process' account."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import Project

from ganlib.settings import Settings
from pipelines import lineage
from pipelines.tracking import Store, opened, runs


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    with opened() as open_store:
        yield open_store


def status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_a_key_has_one_run_with_its_parameters_and_lineage(store: Store, project: Project) -> None:
    experiment = store.experiment("e")
    first = runs.claim(store, experiment, project.lineage, {"ganlib.device": "cpu"}, training=True)
    again = runs.claim(store, experiment, project.lineage, {"ganlib.device": "other"}, training=False)
    assert again.info.run_id == first.info.run_id
    assert again.data.params["train.batch_size"] == str(project.settings.train.batch_size)
    assert again.data.params["train.conditional"] == "null"
    assert again.data.params["network.name"] == "mlp"
    tags = again.data.tags
    assert (tags[runs.KEY], tags["ganlib.data"]) == (project.lineage.key, project.lineage.data)
    assert (tags["ganlib.code"], tags["ganlib.params"]) == (project.lineage.code_digest, project.lineage.params_digest)
    assert tags["ganlib.device"] == "cpu", "who trained is not overwritten by who completes"
    assert tags[runs.RECORDED_BY] == "train"


def test_of_a_run_that_is_rebuilt_nobody_claims_to_know_the_device_of_the_training(project: Project) -> None:
    rebuilt = lineage.environment(project.settings)
    assert not rebuilt.keys() & lineage.machine("cpu").keys()
    assert rebuilt["ganlib.seeds"] == '{"classifier": 0, "data": 0, "evaluate": 0, "sample": 0, "train": 0}'


def test_a_tree_is_dirty_by_what_people_change_and_not_by_what_the_pipeline_writes(
    tmp_path: Path, monkeypatch: Any
) -> None:
    def facts() -> tuple[str | None, str | None]:
        found = lineage.environment(Settings())
        return found.get("mlflow.source.git.commit"), found.get("ganlib.git_dirty")

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.chdir(tmp_path)
    assert facts() == (None, None), "no repository"
    git("init", "--quiet")
    assert facts() == (None, None), "no commit"
    Path("code.py").write_text("1")
    git("add", "--all")
    git("commit", "--quiet", "--message=m")
    Path("metrics").mkdir()
    Path("metrics/evaluate.json").write_text("{}")
    Path("dvc.lock").write_text("")
    assert facts() == (git("rev-parse", "HEAD"), "false")
    Path("code.py").write_text("2")
    assert facts()[1] == "true"


def test_of_two_runs_that_hosts_made_of_one_key_everybody_takes_the_older(store: Store, project: Project) -> None:
    experiment = store.experiment("e")
    for start in (2000, 1000, 3000):
        store.client.create_run(experiment, start_time=start, tags={runs.KEY: project.lineage.key})
    claimed = runs.claim(store, experiment, project.lineage, {}, training=False)
    assert claimed.info.start_time == 1000


def test_whoever_was_slower_takes_its_own_run_back(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store.experiment("e")
    earlier = store.client.create_run(experiment, start_time=1000, tags={runs.KEY: project.lineage.key})
    seen = iter([None])
    look = runs.find
    monkeypatch.setattr(runs, "find", lambda *arguments: next(seen, look(*arguments)))
    claimed = runs.claim(store, experiment, project.lineage, {}, training=False)
    assert claimed.info.run_id == earlier.info.run_id
    assert [run.info.run_id for run in store.client.search_runs([experiment])] == [earlier.info.run_id]


def test_a_run_is_killed_only_if_its_process_is_gone_here_or_has_fallen_silent_elsewhere(store: Store) -> None:
    experiment = store.experiment("e")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = runs.this_process()
    long_ago = str(int(runs.now_ms() - 1000 * (runs.SILENT_SECONDS + 60)))
    owners = {
        "alive": here,
        "gone": {**here, runs.PID: str(ended.pid)},
        "its number was given away": {**here, runs.STARTED: "1.0"},
        "on another host": {**here, runs.HOST: "another", runs.HEARTBEAT: str(runs.now_ms())},
        "alive here, whatever its heartbeat": {**here, runs.HEARTBEAT: long_ago},
        "silent on another host": {**here, runs.HOST: "another", runs.HEARTBEAT: long_ago},
        "of another host, never heard of": {runs.HOST: "another", runs.PID: "1"},
        "of another host, unreadable": {runs.HOST: "another", runs.HEARTBEAT: "yesterday"},
        "nobody knows whose": {},
    }
    made = {name: store.client.create_run(experiment, tags=tags).info.run_id for name, tags in owners.items()}
    reaped = {run.info.run_id for run in runs.reap(store, experiment)}
    assert reaped == {run_id for run_id in made.values() if status(store, run_id) == "KILLED"}
    assert {name: status(store, run_id) for name, run_id in made.items()} == {
        "alive": "RUNNING",
        "gone": "KILLED",
        "its number was given away": "KILLED",
        "on another host": "RUNNING",
        "alive here, whatever its heartbeat": "RUNNING",
        "silent on another host": "KILLED",
        "of another host, never heard of": "RUNNING",
        "of another host, unreadable": "RUNNING",
        "nobody knows whose": "RUNNING",
    }


def test_a_run_that_another_process_is_at_is_not_finished_for_it(store: Store, project: Project) -> None:
    experiment = store.experiment("e")
    parent = runs.psutil.Process(os.getppid())
    owner = {**runs.this_process(), runs.PID: str(parent.pid), runs.STARTED: str(parent.create_time())}
    theirs = store.client.create_run(experiment, tags=owner)
    runs.finish(store, theirs)
    assert status(store, theirs.info.run_id) == "RUNNING"
    ours = runs.claim(store, experiment, project.lineage, {}, training=True)
    runs.finish(store, ours)
    assert status(store, ours.info.run_id) == "FINISHED"
