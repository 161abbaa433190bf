"""`ganlib runs` and `ganlib models`: what the store has, uncut, each number under its protocol, in few calls."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import REPOSITORY, Project, publish
from typer.testing import CliRunner

from pipelines import paths, registry, tracking
from pipelines.cli import app, tables
from pipelines.tracking import listing, models, runs

KEYS = {"model", "version", "aliases", "run_id", "run", "status", "dataset", "images_seen", "time", "commit", "dirty",
        "protocols"}  # fmt: skip
PROTOCOL = "classifier-n2000-train-ab12"


@pytest.fixture
def two(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two generators registered, without their files; the first one is the champion, the newer one the challenger."""
    monkeypatch.setattr(models, "_save", lambda folder, *_: folder.mkdir())
    Path("params.yaml").write_text("network:\n  name: mlp\n  width: 1\npublish:\n  experiment: e\n  model: pictures\n")
    for seed in (0, 1):
        trained = project if seed == 0 else project.train_again(seed=1)
        report = json.loads(paths.EVALUATION.read_text())
        report["fid"] |= {"low": 11.0 + seed, "high": 14.0 + seed}
        report["copies"] = {"value": 0.0, "low": 0.0, "high": 0.009}
        paths.EVALUATION.write_text(json.dumps(report))
        publish(trained)
        synced = registry.sync(trained.settings)
        if seed == 0:
            with tracking.opened() as store:
                store.client.set_registered_model_alias("pictures", "champion", synced.version or "")
    return project


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_versions_are_listed_newest_first_with_their_numbers_and_where_they_come_from(
    two: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with tracking.opened() as store:
        run_id = models.by_number(store, "pictures", 2).run_id
        store.client.set_tag(run_id, "mlflow.source.git.commit", "0123456789abcdef")
        store.client.set_tag(run_id, "ganlib.git_dirty", "true")
    tables.models("pictures", 20, as_json=False)
    head, _, newer, older, *legend = lines_of(capsys.readouterr().out)
    assert head.split() == ["generator", "aliases", "data", "images", "fid", "copies", "protocol", "when", "commit"]
    assert newer.startswith("pictures/2")
    for cell in ("challenger", "digits dddddddd", "3,000", "13.5 [12, 15]", "0 [0, 0.009]", "ab12", "01234567+"):
        assert cell in newer
    assert older.startswith("pictures/1")
    assert "champion" in older
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", older)
    assert legend == [f"protocol ab12: {PROTOCOL}", "In brackets 95 % intervals."]


def test_of_every_model_the_newest_version_and_the_champion_are_listed(
    two: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with tracking.opened() as store:
        store.client.create_registered_model("other")
        for _ in range(2):
            store.client.create_model_version("other", source="file:///somewhere")
    tables.models(None, 20, as_json=False)
    rows = lines_of(capsys.readouterr().out)[2:5]
    assert [row.split()[0] for row in rows] == ["other/2", "pictures/2", "pictures/1"]
    tables.models(None, 1, as_json=False)
    assert "pictures" not in capsys.readouterr().out


def test_runs_are_listed_with_their_state_and_what_came_of_them(
    two: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with tracking.opened() as store:
        started = store.client.create_run(store.experiment("e"), run_name="at work")
    tables.runs("e", 20, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [(each["run"] == "at work", each["status"], each["version"]) for each in found] == [
        (True, "RUNNING", None),
        (False, "FINISHED", 2),
        (False, "FINISHED", 1),
    ]
    assert found[0]["run_id"] == started.info.run_id
    tables.runs("e", 2, as_json=False)
    shown = capsys.readouterr().out
    assert re.search("^at work +RUNNING", shown, re.MULTILINE)
    assert "pictures/2" in shown
    assert "pictures/1" not in shown


def test_the_json_keeps_its_keys_and_every_number(two: Project, capsys: pytest.CaptureFixture[str]) -> None:
    tables.models("pictures", 1, as_json=True)
    (found,) = json.loads(capsys.readouterr().out)
    assert set(found) == KEYS
    assert found["protocols"][PROTOCOL]["fid"] == {
        "value": 13.5, "low": 12.0, "high": 15.0, "floor": 2.0, "value_at_floor_count": 13.0
    }  # fmt: skip
    assert found["dataset"] == {"name": "digits", "digest": "d" * 64}
    assert found["images_seen"] == 3000


def test_numbers_of_two_protocols_never_share_a_row(two: Project, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(paths.EVALUATION.read_text())
    report["protocol"]["name"] = "inception-n50000-train-cd34"
    report["fid"] |= {"value": 99.0, "low": 98.0, "high": 100.0}
    paths.EVALUATION.write_text(json.dumps(report))
    registry.sync(two.settings)
    tables.models("pictures", 1, as_json=False)
    _, _, one, other, *legend = lines_of(capsys.readouterr().out)
    assert "13.5 [12, 15]" in one
    assert "ab12" in one
    assert "99 [98, 100]" in other
    assert "cd34" in other
    assert other.startswith("pictures/2")
    assert len(legend) == 3
    assert "numbers of two protocols say nothing of one another" in legend[-1]


def test_an_empty_store_is_answered_with_the_way_to_the_first_run(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    tables.runs("e", 20, as_json=False)
    tables.models(None, 20, as_json=False)
    one, other = lines_of(capsys.readouterr().out)
    assert "has no runs yet; train a generator: make run" in one
    assert "No generator is registered yet" in other
    tables.models(None, 20, as_json=True)
    assert json.loads(capsys.readouterr().out) == []
    Path("mlflow.db").unlink()
    tables.runs("e", 20, as_json=False)
    assert not Path("mlflow.db").exists(), "looking makes no store"


class Counting:
    """The store's client, with its calls counted."""

    def __init__(self, client: Any) -> None:
        self.client, self.calls = client, 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self.client, name)


def test_the_number_of_calls_does_not_grow_with_what_is_listed(two: Project) -> None:
    with tracking.opened() as store:
        experiment = store.experiment("e")
        for number in range(12):
            run = store.client.create_run(experiment, tags={runs.KEY: str(number)})
            store.client.create_model_version("pictures", source="file:///somewhere", run_id=run.info.run_id)
        counting = Counting(store.client)
        counted = tracking.Store(counting, store.uri, None, store.lock_file)  # type: ignore[arg-type]
        for listed, calls in (
            (lambda: listing.versions(counted, "pictures", 50), 6),
            (lambda: listing.newest(counted, 50), 5),
            (lambda: listing.runs(counted, "e", 50), 4),
        ):
            counting.calls = 0
            assert listed()
            assert counting.calls <= calls


SHOW = """
from pipelines.cli import tables
from pipelines.tracking.listing import Listed
numbers = {f"fid.{part}/some-protocol-ab12": value for part, value in (("value", 13.5), ("low", 12), ("high", 15))}
what = ("pictures", 2, ("challenger",), "r", "run", "FINISHED", "digits", "d" * 64, 3000, 0, "c" * 40, True)
row = Listed(*what, numbers)
tables.show([row], ("generator",))
"""


def in_a_terminal(columns: int, **environment: str) -> str:
    """What a person sees in a terminal of this width."""
    ours, theirs = pty.openpty()
    everything = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    process = subprocess.Popen([sys.executable, "-c", SHOW], env=everything, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait(60) == 0
    return seen.decode()


def test_a_narrow_terminal_gets_every_cell_whole() -> None:
    seen = in_a_terminal(40, NO_COLOR="1")
    assert "\x1b[3" not in seen, "no colours"
    lines = [line.rstrip() for line in seen.splitlines()]
    assert "generator  pictures/2" in lines
    assert "fid        13.5 [12, 15]" in lines
    assert not any("…" in line for line in lines)


def test_what_is_no_terminal_gets_the_whole_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("pictures/2")]
    assert "challenger" in row
    assert "13.5 [12, 15]" in row
    assert re.search(r"T\d\d:\d\d:\d\d", row)


@pytest.mark.prove
def test_a_server_is_asked_a_handful_of_times(
    two: Project, monkeypatch: pytest.MonkeyPatch, mlflow_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import requests

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    registry.sync(two.settings)
    asked = []
    send = requests.Session.send
    monkeypatch.setattr(
        requests.Session,
        "send",
        lambda self, request, **more: (asked.append(request.url), send(self, request, **more))[1],
    )
    for name in (None, "pictures"):
        tables.models(name, 50, as_json=False)
        assert "13.5 [12, 15]" in capsys.readouterr().out
    tables.runs("e", 50, as_json=False)
    assert "13.5 [12, 15]" in capsys.readouterr().out
    assert len(asked) == 15, asked


@pytest.mark.parametrize(
    "words",
    [
        "history", "rollback", "promote 1", "compare 1 2", "sample champion -o a.png", "export 1 --to onnx -o a.onnx",
        "reproduce 1", "delete 1 --yes",
    ],
)  # fmt: skip
def test_whoever_only_wants_what_is_in_a_store_makes_none_where_its_name_is_mistyped(
    project: Project, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    shutil.copy(REPOSITORY / "params.yaml", "params.yaml")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.folder}/mlfow.db")
    said = CliRunner().invoke(app, words.split())
    assert said.exit_code == 2
    assert f"sqlite:///{project.folder}/mlfow.db is not there yet; " in said.output
    assert not Path("mlfow.db").exists()
