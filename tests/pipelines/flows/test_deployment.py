"""prefect.yaml as it stands is what a server and a worker accept and run."""

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flow_support import MISTAKE, Project, Server, background
from ruamel.yaml import YAML

PREFECT_YAML = Path(__file__).parents[3] / "prefect.yaml"
RUN_SECONDS = 300


def with_schedule(source: Path, target: Path, seconds: float) -> None:
    """The project's own prefect.yaml, and a schedule for the impatient."""
    yaml = YAML()
    wishes = yaml.load(source)
    wishes["deployments"][0]["schedules"].append({"interval": seconds})
    yaml.dump(wishes, target)


def deploy_every_five_seconds_too(project: Project, server: Server) -> dict[str, dict[str, Any]]:
    """The deployments, by name."""
    with_schedule(PREFECT_YAML, project.folder / "prefect.yaml", 5)
    server.prefect("work-pool", "create", "ganlib", "--type", "process", "--overwrite", folder=project.folder)
    server.prefect("deploy", "--all", folder=project.folder)
    return {deployment["name"]: deployment for deployment in server.ask("deployments")}


@pytest.mark.slow
def test_the_schedule_fires_and_a_worker_runs_it_in_the_clone(project: Project, server: Server, tmp_path: Path) -> None:
    deployments = deploy_every_five_seconds_too(project, server)
    assert {"nightly", "source"} <= set(deployments)
    deployment = deployments["nightly"]
    assert ["cron" in schedule["schedule"] for schedule in deployment["schedules"]].count(True) == 1
    # Started elsewhere on purpose: where the flow runs must not depend on where the worker was started.
    with background(["prefect", "worker", "start", "--pool", "ganlib", "--limit", "2"], tmp_path, server.environment):
        completed = first_not_skipped(server, deployment)
        project.script("first", MISTAKE)
        # When a second one has failed, the log of the first is whole.
        failed, *_ = runs_in_state("FAILED", 2, server, deployment)
    assert "auto-scheduled" in completed["tags"]
    assert project.ran() == ["first", "middle", "last"]
    assert "first speaks" in server.log_of(completed)
    assert failed["state"]["message"] == "first: the picture cat.png is broken; remove it."
    assert "Traceback" not in "\n".join(server.log_of(failed))


@pytest.mark.prove
def test_one_run_makes_up_for_all_that_were_missed(project: Project, server: Server, tmp_path: Path) -> None:
    deployment = deploy_every_five_seconds_too(project, server)["nightly"]
    time.sleep(30)
    started = datetime.now(UTC).isoformat()
    with background(["prefect", "worker", "start", "--pool", "ganlib", "--limit", "2"], tmp_path, server.environment):
        first_not_skipped(server, deployment, after=started)
    seen = server.ask("flow_runs", flow_runs={"deployment_id": {"any_": [deployment["id"]]}})
    ended = [run for run in seen if run["state_type"] in ("COMPLETED", "CANCELLED")]
    skipped = [run for run in ended if run["state"]["name"] == "Skipped"]
    assert len(skipped) >= 4
    assert len(ended) - len(skipped) <= 2
    assert {run["state"]["message"].partition(" at ")[0] for run in skipped} == {"Skipped: it was due"}
    assert project.ran() == ["first", "middle", "last"]


@pytest.mark.prove
def test_new_pictures_start_a_retraining(committed: Project, server: Server, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (committed.folder / "params.yaml").write_text(
        f"data:\n  source: image_folder\n  path: {pictures}\n  watch: {pictures}\n"
    )
    shutil.copy(PREFECT_YAML, committed.folder / "prefect.yaml")
    committed.commit("pictures")
    server.prefect("work-pool", "create", "ganlib", "--type", "process", "--overwrite", folder=committed.folder)
    server.prefect("deploy", "--all", folder=committed.folder)
    deployments = {deployment["name"]: deployment for deployment in server.ask("deployments")}
    watch = [sys.executable, "-m", "pipelines.flows.watch"]
    with background(["prefect", "worker", "start", "--pool", "ganlib", "--limit", "2"], tmp_path, server.environment):
        for number in range(2):
            (pictures / f"{number}.png").write_text("picture")
            subprocess.run(watch, cwd=committed.folder, env=server.environment, check=True, capture_output=True)
        run = first_not_skipped(server, deployments["nightly"], auto_scheduled=False)
    assert run["created_by"]["type"] == "AUTOMATION"
    assert committed.inside.ran() == ["first", "middle", "last"]


def first_not_skipped(
    server: Server, deployment: dict[str, Any], *, auto_scheduled: bool = True, after: str = ""
) -> dict[str, Any]:
    """Waits until a run is completed that was not left out; after that time, as others deploy by the same name."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        for run in runs_in_state("COMPLETED", 0, server, deployment):
            wanted = run["auto_scheduled"] is auto_scheduled and run["start_time"] > after
            if wanted and run["state"]["name"] != "Skipped":
                return run
        time.sleep(0.5)
    raise AssertionError([run["state"] for run in server.ask("flow_runs")])


def runs_in_state(state: str, count: int, server: Server, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """Waits until so many runs have come there; the earliest first."""
    wanted = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": [state]}}}
    deadline = time.monotonic() + RUN_SECONDS
    while len(runs := server.ask("flow_runs", flow_runs=wanted, sort="START_TIME_ASC")) < count:
        assert time.monotonic() < deadline, [run["state"] for run in server.ask("flow_runs")]
        time.sleep(0.5)
    return runs
