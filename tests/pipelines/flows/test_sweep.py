"""The sweep against a real server: what is stopped keeps what is finished, goes on, and is compared in Prefect too."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flow_support import Server
from sweep_project import Swept

from pipelines import paths

SWEEP = [sys.executable, "-m", "pipelines.flows.sweep"]
POINTS = ["--param", "train.lr=0.1,4,9", "--param", "train.seed=0"]
PAGE = Path("reports/sweep.html")


def test_a_stopped_sweep_keeps_the_finished_points_goes_on_and_tells_of_the_failed_one(
    swept: Swept, server: Server
) -> None:
    beside = swept.folder.parent
    environment = {**server.environment, **swept.environment, "PREFECT_API_URL": server.api}
    with (
        (beside / "output.txt").open("wb") as output,
        subprocess.Popen(
            [*SWEEP, *POINTS], cwd=swept.folder, env=environment, stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        swept.wait_for("waits")
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    said = (beside / "output.txt").read_text()
    assert server.last_runs(1)[0]["state_type"] == "CRASHED", said
    assert swept.done() == ["prepare", "train 0.1 0", "train 4 0", "saved"], said
    page = (swept.folder / PAGE).read_text()
    assert "1 of 3 trainings of 1 setting, by FID" in page
    assert "2 trainings not finished" in page
    assert [path.name for path in (swept.folder / paths.SWEEP).iterdir()] == ["locks"]

    (beside / "go").touch()
    again = subprocess.run(
        [*SWEEP, *POINTS], cwd=swept.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 1, again.stderr
    assert swept.done()[4:] == ["train 4 0"], "only what was not finished is trained"
    run = server.last_runs(1)[0]
    told = "2 of 3 points are done; best is train.lr 0.1 with FID 0.1"
    assert run["state"]["message"].startswith(told)
    assert "1 failed, the first with: train.lr is 9, which is too much; lower it" in run["state"]["message"]
    assert f"error: {told}" in again.stderr
    assert "Traceback" not in again.stdout + again.stderr
    tasks = server.of_run("task_runs", run)
    assert {task["name"]: task["state_type"] for task in tasks} == {
        "train.lr=0.1, train.seed=0": "COMPLETED",
        "train.lr=4, train.seed=0": "COMPLETED",
        "train.lr=9, train.seed=0": "FAILED",
    }
    (shown,) = [artifact for artifact in server.of_run("artifacts", run) if artifact["key"] == "sweep"]
    rows = json.loads(shown["data"])
    assert [row["train.lr"] for row in rows] == ["0.1", "4", "9"]
    assert [float(row["FID"]) for row in rows[:2]] == [0.1, 4]
    assert rows[2]["FID"] == "failed"
    page = (swept.folder / PAGE).read_text()
    assert "train.lr is 9, which is too much" in page
    assert "not finished" not in page


@pytest.mark.prove
def test_a_mistake_on_the_command_line_is_one_sentence(swept: Swept) -> None:
    for words, said in (
        (["--param", "loss.name=hinj"], "error: params.yaml with loss.name=hinj: loss.name is 'hinj'; choose one of"),
        (["--param", "train.lr"], "error: --param train.lr has no =; write NAME=VALUES"),
    ):
        done = subprocess.run(
            [*SWEEP, *words], cwd=swept.folder, env=swept.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
