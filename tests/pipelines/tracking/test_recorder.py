"""Live logging: the run is there while it trains, and a store that is away costs the training nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow_project import REPOSITORY, Project, everything_in_mlflow, free_port, only_run, publish, wait_until

from pipelines import paths, registry, tracking, trainings
from pipelines.stage import Resumable
from pipelines.tracking import recorder, runs, store

PICTURE = np.zeros((4, 6), dtype=np.uint8)
HISTORY = {1000: (0.5, 4 / 3), 2000: (0.25, 7 / 3), 3000: (0.5 / 3, 10 / 3)}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving waits as long as a busy test machine needs; the law about waiting is tested by itself."""
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 60.0)


def train(project: Project, upto: int = 3000) -> None:
    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        for images_seen, (d_loss, g_loss) in HISTORY.items():
            if images_seen <= upto:
                live.log(
                    images_seen,
                    {"images_seen": images_seen, "discriminator_loss": d_loss, "generator_loss": g_loss},
                )
        live.picture(1000, PICTURE)
        live.finished()


def signed() -> dict[str, str]:
    """What the folders of the trainings say of them, by key."""
    return {one.key: one.state for one in trainings.newest()}


def test_a_sign_that_cannot_be_written_costs_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    paths.checkpoints().parent.mkdir(exist_ok=True)
    paths.checkpoints().touch()
    train(project)
    assert signed() == {}
    assert only_run()["status"] == "FINISHED"
    assert capsys.readouterr().err == ""


def test_a_training_is_shown_with_numbers_pictures_lineage_and_its_end(project: Project) -> None:
    train(project)
    run = only_run()
    assert run["status"] == "FINISHED"
    assert [(step, value) for step, _, value in run["points"]["generator_loss"]] == [
        (step, g_loss) for step, (_, g_loss) in HISTORY.items()
    ]
    assert [name for name in run["files"] if "+step+1000+" in name and name.endswith(".png")]
    tags = run["tags"]
    assert tags[runs.KEY] == project.lineage.key
    assert tags["ganlib.device"] == "cpu"
    assert tags["ganlib.version.python"].startswith("3.")
    assert tags[runs.PID] == str(os.getpid())


def test_live_logging_and_the_sync_say_the_same(project: Project) -> None:
    train(project)
    before = only_run()["points"]
    assert set(before) == {"discriminator_loss", "generator_loss"}
    registry.sync(project.settings)
    after = only_run()
    assert {name: after["points"][name] for name in before} == before
    assert sum("+step+1000+" in name for name in after["files"]) == 2, "the picture and its preview, once"


@pytest.mark.parametrize(
    ("stop", "status"),
    [(Resumable("stopped"), "KILLED"), (KeyboardInterrupt(), "KILLED"), (RuntimeError("a bug"), "FAILED")],
)
def test_a_training_that_is_stopped_or_breaks_leaves_a_run_that_says_so(
    project: Project, stop: BaseException, status: str
) -> None:
    with pytest.raises(type(stop)), tracking.live(project.settings, project.lineage, device="cpu") as live:
        live.log(1000, {"discriminator_loss": 0.5})
        raise stop
    assert only_run()["status"] == status
    assert signed() == {project.lineage.key: "stopped"}
    train(project)
    assert only_run()["status"] == "FINISHED", "resumed, it goes on in the same run"
    assert signed() == {project.lineage.key: "finished"}


def test_points_logged_again_after_a_resume_are_there_once(project: Project) -> None:
    train(project, upto=2000)
    train(project)
    assert [step for step, *_ in only_run()["points"]["discriminator_loss"]] == list(HISTORY)


def test_the_run_is_running_while_it_trains(project: Project) -> None:
    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        live.log(1000, {"discriminator_loss": 0.5})
        wait_until(lambda: any(run["points"] for run in everything_in_mlflow()["runs"].values()))  # type: ignore[attr-defined]
        assert only_run()["status"] == "RUNNING"
        assert signed() == {project.lineage.key: "at work"}
        live.finished()


def test_a_training_lets_other_hosts_hear_that_it_is_alive(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SEND_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(recorder, "BEAT_EVERY_SECONDS", 0.1)

    def heard() -> int:
        return max((int(run["tags"][runs.HEARTBEAT]) for run in everything_in_mlflow()["runs"].values()), default=0)  # type: ignore[attr-defined]

    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        wait_until(lambda: heard() > 0)
        first = heard()
        wait_until(lambda: heard() > first)
        live.finished()


def test_a_heartbeat_that_fails_costs_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    beats = []

    def fail(*_: object) -> None:
        beats.append(1)
        raise ConnectionError("no way")

    monkeypatch.setattr(runs, "beat", fail)
    monkeypatch.setattr(recorder, "SEND_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(recorder, "BEAT_EVERY_SECONDS", 0.0)
    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        wait_until(lambda: bool(beats))
        live.log(1000, {"discriminator_loss": 0.5})
        live.finished()
    assert capsys.readouterr().err == ""
    assert only_run()["status"] == "FINISHED"
    assert only_run()["points"]["discriminator_loss"]


def test_with_the_store_away_the_training_ends_well_says_one_line_and_the_sync_completes_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    train(project)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "does not answer" in said
    assert "`ganlib sync` completes the run" in said
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    publish(project)
    registry.sync(project.settings)
    run = only_run()
    assert run["status"] == "FINISHED"
    assert [step for step, *_ in run["points"]["discriminator_loss"]] == list(HISTORY)


def test_a_store_that_stays_away_is_tried_again_and_told_of_once(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = []
    ask = store._require_answer
    monkeypatch.setattr(store, "_require_answer", lambda uri: (tries.append(uri), ask(uri)))
    monkeypatch.setattr(recorder, "RETRY_EVERY_SECONDS", 0.05)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        wait_until(lambda: len(tries) >= 3)
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        live.log(1000, {"discriminator_loss": 0.5})
        live.finished()
        wait_until(lambda: bool(everything_in_mlflow()["runs"]))
    assert capsys.readouterr().err.count("\n") == 1
    assert only_run()["status"] == "FINISHED", "once it is back the run is live again"


TRAINING = """
import sys, time
sys.path.insert(0, {tests!r})
from mlflow_project import Path, Lineage, SETTINGS, parse
from pipelines import lineage, tracking
with tracking.live(parse(SETTINGS, where="t"), lineage.read(Path("models/gan")), device="cpu") as live:
    live.log(1000, {{"discriminator_loss": 0.5}})
    print("training", flush=True)
    {then}
print("ended", flush=True)
"""


def training(then: str, **environment: str) -> "subprocess.Popen[str]":
    code = TRAINING.format(tests=str(REPOSITORY / "tests" / "pipelines"), then=then)
    everything = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=everything, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_training_that_was_killed_outright_does_not_stay_running(project: Project) -> None:
    process = training("time.sleep(600)")
    wait_until(lambda: any(run["points"] for run in everything_in_mlflow()["runs"].values()), seconds=120)  # type: ignore[attr-defined]
    assert only_run()["status"] == "RUNNING"
    assert signed() == {project.lineage.key: "at work"}
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert signed() == {project.lineage.key: "stopped"}
    other = project.train_again(seed=1)
    with tracking.live(other.settings, other.lineage, device="cpu") as live:
        live.finished()
    found: Any = everything_in_mlflow()["runs"]
    assert {run["tags"][runs.KEY]: run["status"] for run in found.values()} == {
        project.lineage.key: "KILLED",
        other.lineage.key: "FINISHED",
    }


def test_a_server_that_never_answers_holds_up_neither_the_training_nor_its_end(
    project: Project, silent_server: str
) -> None:
    process = training("live.finished()", MLFLOW_TRACKING_URI=silent_server)
    out, err = process.communicate(timeout=60)
    assert out == "training\nended\n"
    assert process.returncode == 0
    assert err.count("\n") == 1
    assert "completes the run" in err


def test_a_server_that_falls_silent_in_the_middle_holds_up_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, silent_server: str
) -> None:
    monkeypatch.setattr(store, "_require_answer", lambda uri: None)  # it answered a moment ago
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 1.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        live.finished()
    assert live._thread.daemon, "the process may end while the thread still waits"


def test_the_buffer_is_bounded_and_keeps_the_newest(project: Project) -> None:
    live = tracking.Live(project.settings, project.lineage, "cpu")
    for images_seen in range(recorder.ROWS + 5):
        live.log(images_seen, {"a": 0.0})
    for images_seen in range(recorder.PICTURES + 5):
        live.picture(images_seen, PICTURE)
    assert (len(live._rows), live._rows[0][0]) == (recorder.ROWS, 5)
    assert (len(live._pictures), live._pictures[-1][0]) == (recorder.PICTURES, recorder.PICTURES + 4)


def test_no_store_is_made_by_an_import(tmp_path: Path) -> None:
    code = "import sys, pipelines.tracking, pipelines.registry; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
