"""The flow against a real server: what a person sees in Prefect, and what is left when it is stopped."""

import base64
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from flow_support import MISTAKE, Project, Server, gone_within
from PIL import Image

from pipelines.flows import DEFAULTS
from pipelines.flows.command import Words
from pipelines.flows.retrain import check_age
from pipelines.flows.stages import Failure

RETRAIN = [sys.executable, "-m", "pipelines.flows.retrain"]
IMPORTED = "from pipelines.flows.retrain import retrain; "
TWICE = [sys.executable, "-c", IMPORTED + "retrain(); retrain(force=['middle'])"]
TIMED_OUT = [sys.executable, "-c", IMPORTED + "retrain.with_options(timeout_seconds=15)(return_state=True)"]
WORK = """
import os, time
from pathlib import Path
try:
    Path("pid.txt").write_text(str(os.getpid()))
    time.sleep(100)
except KeyboardInterrupt:
    Path("saved.txt").write_text("saved")
    raise SystemExit(75)
"""
SENTENCE = "first: the picture cat.png is broken; remove it."
EVALUATION = {"protocol": {"name": "tiny", "samples": 10}, "fid": {"value": 2.5, "floor": 1.25}}


def retrain(project: Project, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    folder = project.folder
    return subprocess.run(RETRAIN, cwd=folder, env=environment, capture_output=True, text=True, check=False)


class Twice:
    """A project in which the flow has run, and once more with `middle` forced."""

    def __init__(self, project: Project, server: Server) -> None:
        self.project = project
        (project.folder / "reports").mkdir()
        (project.folder / "metrics").mkdir()
        Image.new("L", (4, 4), 128).save(project.folder / "reports" / "grid.png")
        (project.folder / "metrics" / "evaluate.json").write_text(json.dumps(EVALUATION))
        subprocess.run(TWICE, cwd=project.folder, env=server.environment, check=True)
        self.second, self.first = server.last_runs(2)


@pytest.fixture(scope="module")
def twice(pristine: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    folder = tmp_path_factory.mktemp("twice") / "project"
    return Twice(Project(shutil.copytree(pristine, folder)), server)


def test_every_stage_is_one_task_in_the_order_of_its_dependencies(twice: Twice, server: Server) -> None:
    tasks = server.of_run("task_runs", twice.first, sort="EXPECTED_START_TIME_ASC")
    assert [task["name"] for task in tasks] == ["first", "middle", "last", "sync", "compare", "report"]
    assert {task["state_type"] for task in tasks} | {twice.first["state_type"]} == {"COMPLETED"}


def test_a_second_run_reruns_nothing_but_the_forced_stage(twice: Twice) -> None:
    assert twice.second["state_type"] == "COMPLETED"
    assert twice.project.ran() == ["first", "middle", "last", "middle"]


def test_what_the_stages_print_is_in_the_log_of_the_run(twice: Twice, server: Server) -> None:
    log = server.log_of(twice.first)
    assert [line for line in log if line.endswith("speaks")] == ["first speaks", "middle speaks", "last speaks"]


def test_the_grid_and_the_metrics_are_artifacts(twice: Twice, server: Server) -> None:
    shown = {artifact["key"]: artifact for artifact in server.of_run("artifacts", twice.first) if artifact["key"]}
    types = {key: artifact["type"] for key, artifact in shown.items()}
    assert types == {"grid": "image", "metrics": "table", "verdict": "table", "summary": "markdown"}
    picture = base64.b64decode(shown["grid"]["data"].removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(picture)).getpixel((0, 0)) == 128
    row = {
        "metric": "fid", "value": "2.5", "at floor count": "", "floor": "1.25",
        "worse than the champion by": "-0.5 [-0.6, -0.4]", "protocol": "tiny",
    }  # fmt: skip
    assert json.loads(shown["metrics"]["data"]) == [row]
    assert "samples: 10" in shown["metrics"]["description"]


def test_the_tracking_store_is_completed_and_the_champion_challenged_afterwards(twice: Twice) -> None:
    assert twice.project.text("called.txt").splitlines() == ["sync --json", "promote 2 --json"] * 2
    assert twice.second["state"]["message"] == "gan version 2 against version 1: promote. It is champion now."


def test_a_failed_stage_fails_the_flow_with_its_own_sentence(project: Project, server: Server) -> None:
    project.script("first", MISTAKE)
    finished = retrain(project, server.environment)
    run = server.last_runs(1)[0]
    assert (run["state_type"], run["state"]["message"]) == ("FAILED", SENTENCE)
    assert finished.returncode == 2
    assert f"error: {SENTENCE}" in finished.stderr.splitlines()
    assert not re.search("Traceback|NoneType", finished.stdout + finished.stderr)
    assert not project.ran()
    assert not project.text("called.txt")


@pytest.mark.parametrize("days", ["-1", "0", "nan", "inf"])
def test_an_age_that_is_none_is_refused(days: str) -> None:
    with pytest.raises(Failure, match=r"^max_age_days is .*; it must be a number of days above 0"):
        check_age(float(days))


@pytest.fixture
def own_server(tmp_path: Path) -> dict[str, str]:
    """An environment that names no server: Prefect starts one for the process."""
    environment = {**os.environ, **DEFAULTS, "PREFECT_HOME": str(tmp_path / "home")}
    environment.pop("PREFECT_API_URL", None)
    return environment


@pytest.mark.slow
def test_a_killed_flow_leaves_no_server_behind(project: Project, own_server: dict[str, str]) -> None:
    project.script("first", WORK)
    process = subprocess.Popen(
        RETRAIN, cwd=project.folder, env=own_server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    project.wait_for("pid.txt")
    family = psutil.Process(process.pid).children(recursive=True)
    servers = [child.pid for child in family if "uvicorn" in " ".join(child.cmdline())]
    assert len(servers) == 1
    process.kill()
    process.wait()
    project.script("first", "print('first speaks')\n")
    retrain(project, own_server)
    assert gone_within(5, servers[0])


def test_a_verdict_that_could_never_be_is_refused_before_the_training(project: Project, server: Server) -> None:
    (project.folder / "params.yaml").write_text("evaluate:\n  leave_out: [memorisation]\n")
    finished = retrain(project, server.environment)
    assert finished.returncode == 2
    assert "error: evaluate.leave_out leaves out memorisation, which a promotion is judged by" in finished.stderr
    assert not project.ran()


@pytest.mark.parametrize(
    ("command", "number", "code", "state"),
    [
        pytest.param(RETRAIN, signal.SIGTERM, -signal.SIGTERM, "CRASHED", id="terminated"),
        pytest.param(RETRAIN, signal.SIGINT, 130, "CANCELLED", id="interrupted", marks=pytest.mark.slow),
        pytest.param(TIMED_OUT, None, 0, "FAILED", id="timed-out", marks=pytest.mark.slow),
    ],
)
def test_a_stopped_flow_lets_its_stage_save_and_leaves_nothing_behind(
    project: Project, server: Server, command: list[str], number: int | None, code: int, state: str
) -> None:
    project.script("first", WORK)
    output = project.folder / "output.txt"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command, cwd=project.folder, env=server.environment, stdout=file, stderr=file, start_new_session=True
        ) as process,
    ):
        stage = int(project.wait_for("pid.txt"))
        if number is not None:
            process.send_signal(number)
        assert process.wait(60) == code, output.read_text()
    assert gone_within(5, stage)
    assert project.text("saved.txt") == "saved"
    assert server.last_runs(1)[0]["state_type"] == state


@pytest.mark.parametrize(
    ("address", "way_out"),
    [
        (
            "http://127.0.0.1:9/api",
            "does not answer ([Errno 111] Connection refused). Start it (prefect server start), ",
        ),
        ("127.0.0.1/api", "is no http address. Correct or unset PREFECT_API_URL."),
        ("", "forbids a server for this command alone. Set one of them."),
    ],
)
def test_without_a_server_to_tell_nothing_is_begun(project: Project, address: str, way_out: str) -> None:
    finished = retrain(
        project,
        {**os.environ, **DEFAULTS, "PREFECT_API_URL": address, "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"},
    )
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: PREFECT_API_URL is ")
    assert way_out in line
    assert not project.ran()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="how far it is is asked of Linux")
def test_ctrl_c_at_its_imports_ends_it_without_a_word(project: Project) -> None:
    process = subprocess.Popen(RETRAIN, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while "pydantic_core" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (-signal.SIGINT, b"")


def test_words_that_cannot_be_are_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    words = Words(prog="python -m pipelines.flows.retrain")
    words.add_argument("--promote", choices=["auto", "ask"])
    with pytest.raises(SystemExit, match=r"^2$"):
        words.parse_args(["--promote", "maybe"])
    said = capsys.readouterr().err
    assert said.startswith("error: argument --promote: invalid choice: 'maybe'")
    assert said.endswith(" What it takes: python -m pipelines.flows.retrain --help.\n")
    assert said.count("\n") == 1


@pytest.mark.slow
def test_ctrl_c_reaches_all_but_the_server_that_the_flow_started(project: Project, own_server: dict[str, str]) -> None:
    """A terminal sends it to the whole group; a flow without its server cannot say how it ended, and would hang."""
    project.script("first", WORK)
    output = project.folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            RETRAIN, cwd=project.folder, env=own_server, stdout=file, stderr=file, start_new_session=True
        )
    stage = int(project.wait_for("pid.txt"))
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130, output.read_text()
    said = output.read_text()
    assert "\nInterrupted: what was done is saved, and the same command goes on from there.\n" in said
    assert "Traceback" not in said
    assert project.text("saved.txt") == "saved"
    assert gone_within(5, stage)


@pytest.mark.slow
def test_without_a_server_the_flow_brings_its_own(project: Project, own_server: dict[str, str]) -> None:
    finished = retrain(project, own_server)
    assert finished.returncode == 0, finished.stderr
    assert project.ran() == ["first", "middle", "last"]
    assert "first speaks" in finished.stderr
