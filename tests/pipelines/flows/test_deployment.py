"""prefect.yaml as it stands is what a server and a worker accept and run."""

import time
from pathlib import Path
from typing import Any

import pytest
from flow_support import MISTAKE, Project, Server, background
from ruamel.yaml import YAML

PREFECT_YAML = Path(__file__).parents[3] / "prefect.yaml"
RUN_SECONDS = 120


def deploy_every_five_seconds_too(project: Project, server: Server) -> dict[str, Any]:
    """The project's own prefect.yaml, and a schedule for the impatient."""
    yaml = YAML()
    wishes = yaml.load(PREFECT_YAML)
    wishes["deployments"][0]["schedules"].append({"interval": 5})
    yaml.dump(wishes, project.folder / "prefect.yaml")
    server.prefect("work-pool", "create", "ganlib", "--type", "process", folder=project.folder)
    server.prefect("deploy", "--all", folder=project.folder)
    return server.ask("deployments")[0]


@pytest.mark.slow
def test_the_schedule_fires_and_a_worker_runs_it_in_the_clone(project: Project, server: Server, tmp_path: Path) -> None:
    deployment = deploy_every_five_seconds_too(project, server)
    assert deployment["name"] == "nightly"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert ["cron" in schedule["schedule"] for schedule in deployment["schedules"]].count(True) == 1
    # Started elsewhere on purpose: where the flow runs must not depend on where the worker was started.
    with background(["prefect", "worker", "start", "--pool", "ganlib"], tmp_path, server.environment):
        completed, *_ = runs_in_state("COMPLETED", 1, server, deployment)
        project.script("first", MISTAKE)
        # When a second one has failed, the log of the first is whole.
        failed, *_ = runs_in_state("FAILED", 2, server, deployment)
    assert "auto-scheduled" in completed["tags"]
    assert project.ran() == ["first", "middle", "last"]
    assert "first speaks" in server.log_of(completed)
    assert failed["state"]["message"] == "first: the picture cat.png is broken; remove it."
    assert "Traceback" not in "\n".join(server.log_of(failed))


def runs_in_state(state: str, count: int, server: Server, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """Waits until so many runs have come there; the earliest first."""
    wanted = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": [state]}}}
    deadline = time.monotonic() + RUN_SECONDS
    while len(runs := server.ask("flow_runs", flow_runs=wanted, sort="START_TIME_ASC")) < count:
        assert time.monotonic() < deadline, [run["state"] for run in server.ask("flow_runs")]
        time.sleep(0.5)
    return runs
