"""The same before real servers: one that asks for a password, eight at once, one that is killed, one that is silent."""

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import REPOSITORY, Project, everything_in_mlflow, free_port, kill, serving
from planted import copier, equal, plant, train, unchanged, worse
from postgresql import Address
from typer.testing import CliRunner, Result

from pipelines import tracking
from pipelines.cli import app
from pipelines.tracking import history, moves


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture(params=["sqlite", "postgres"])
def served(request: pytest.FixtureRequest, points: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Before a server that holds nothing of these tests."""
    if request.param == "sqlite":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_server"))
    else:
        for name, value in request.getfixturevalue("postgres_server").environment.items():
            monkeypatch.setenv(name, value)
    with tracking.opened() as store:
        for model in store.client.search_registered_models():
            store.client.delete_registered_model(model.name)
        if found := store.client.get_experiment_by_name("e"):
            store.client.rename_experiment(found.experiment_id, f"e-{time.time_ns()}")
    return points


@pytest.mark.prove
@pytest.mark.parametrize("served", ["sqlite", "postgres"], indirect=True)
def test_what_is_published_gets_what_it_deserves(served: Project) -> None:
    poor, copying, good, same = (plant(served, i, kind) for i, kind in enumerate((worse, copier, unchanged, equal)))
    assert "reject (fid)" in run("promote", poor).output
    assert run("promote", poor, "--force", "--why", "the first").exit_code == 0
    said = run("promote", good)
    assert (said.exit_code, "against version 1: promote" in said.output) == (0, True), said.output
    for version, verdict in ((same, "inconclusive"), (copying, "reject (memorisation)"), (poor, "reject (fid)")):
        said = run("promote", version)
        assert (said.exit_code, verdict in said.output) == (1, True), said.output
    said = run("compare", "champion", poor, "--output", "compare.html")
    assert (said.exit_code, "worse by" in said.output) == (0, True), said.output
    assert run("rollback").exit_code == 0
    with tracking.opened() as store:
        found = moves.settled(store, "pictures")
    assert [(one.move.before, one.move.to) for one in found.standing] == [(None, 1), (1, 3), (3, 1)]
    assert {alias: found.aliases[alias] for alias in ("champion", "previous")} == {"champion": 1, "previous": 3}
    assert history.strays(found) == []


@pytest.mark.slow
@pytest.mark.parametrize("served", ["postgres"], indirect=True)
def test_a_champion_comes_and_goes_on_postgresql(served: Project) -> None:
    """Forced, because verdicts take their time; those are in the proof above."""
    for number in range(2):
        version = plant(served, number, lambda generator, by=number: worse(generator, by / 100))
        Path("data/prepared/images.npy").unlink()
        said = run("promote", version, "--force", "--why", "by hand")
        assert said.exit_code == 0, said.output
    assert run("rollback").output == "champion is version 1 again; version 2 is the previous one.\n"
    with tracking.opened() as store:
        found = moves.settled(store, "pictures")
    assert [(one.move.before, one.move.to) for one in found.standing] == [(None, 1), (1, 2), (2, 1)]
    assert {alias: found.aliases[alias] for alias in ("champion", "previous")} == {"champion": 1, "previous": 2}


@pytest.mark.slow
def test_without_the_password_it_is_one_sentence(
    points: Project, postgres_server: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres_server.uri)
    said = run("history")
    assert said.exit_code == 2
    assert said.output.count("\n") == 1
    assert postgres_server.password not in said.output


EVERYTHING = """
import sys
from pipelines import params, promotion, registry, tracking
from ganlib.errors import UserError
settings = params.load()
sys.stdin.readline()
version = registry.sync(settings).version
for _ in range(30):
    try:
        promotion.promote(settings, version, forced="at once")
        break
    except UserError as error:
        if "is champion already" in str(error):
            break
        assert "run it again" in str(error), error
else:
    sys.exit("never promoted")
"""
"""Publish and promote, again where somebody was quicker; nothing where an earlier one came to its end."""


def folders(points: Project, count: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Projects that each trained a generator of their own, which nobody has heard of yet."""
    made = []
    for number in range(count):
        folder = points.folder.parent / f"host{number}"
        folder.mkdir()
        (folder / "ganlib").symlink_to(REPOSITORY / "ganlib")
        (folder / "params.yaml").write_bytes((points.folder / "params.yaml").read_bytes())
        monkeypatch.chdir(folder)
        train(points, number, lambda generator, by=number: worse(generator, by / 100))
        (folder / "data/prepared/images.npy").unlink()  # forced without a verdict, which takes a while
        made.append(folder)
    monkeypatch.chdir(points.folder)
    return made


@pytest.mark.prove
@pytest.mark.parametrize("served", ["sqlite", "postgres"], indirect=True)
def test_eight_that_publish_and_promote_at_once_lose_nothing(served: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = folders(served, 8, monkeypatch)
    command = [sys.executable, "-c", EVERYTHING]
    started = [subprocess.Popen(command, cwd=host, stdin=subprocess.PIPE, text=True) for host in hosts]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
    assert [process.wait(400) for process in started] == [0] * 8
    there: Any = everything_in_mlflow()
    assert len(there["versions"]) == len({tags["ganlib.content"] for tags in there["versions"].values()}) == 8
    assert [run["status"] for run in there["runs"].values()] == ["FINISHED"] * 8
    assert all(len(run["points"]["generator_loss"]) == 3 for run in there["runs"].values())
    with tracking.opened() as store:
        found = moves.settled(store, "pictures")
    steps = [(record.move.before, record.move.to) for record in found.standing]
    assert sorted(to for _, to in steps) == list(range(1, 9))
    assert all(one[1] == other[0] for one, other in itertools.pairwise(steps)), "each saw the one before"
    assert found.aliases["champion"] == steps[-1][1]


@pytest.mark.prove
def test_a_server_that_is_killed_loses_nothing(
    points: Project, tmp_path: Path, empty_database: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At random moments of publishing and promoting; then it is started again, and so is the command."""
    place, port = tmp_path / "server", free_port()
    place.mkdir()
    (place / "mlflow.db").write_bytes(empty_database)
    database, moments = f"sqlite:///{place}/mlflow.db", random.Random(0)
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", environment["MLFLOW_TRACKING_URI"])
    for number, host in enumerate(folders(points, 4, monkeypatch)):
        with serving(place, database, port=port) as (_, server):
            cut = subprocess.Popen(
                [sys.executable, "-c", EVERYTHING], cwd=host, env=environment, stdin=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert cut.stdin is not None
            cut.stdin.write("\n")
            cut.stdin.flush()
            time.sleep(moments.uniform(2, 12))
            kill(server)
            began = time.monotonic()
            cut.communicate(timeout=120)
            assert time.monotonic() - began < 60
        with serving(place, database, port=port):
            command = [sys.executable, "-c", EVERYTHING]
            subprocess.run(command, cwd=host, env=environment, input="\n", text=True, check=True)
            there: Any = everything_in_mlflow()
            assert len(there["versions"]) == len(there["runs"]) == number + 1
            assert {run["status"] for run in there["runs"].values()} == {"FINISHED"}
            with tracking.opened() as store:
                found = moves.settled(store, "pictures")
            assert [one.move.to for one in found.standing] == list(range(1, number + 2))
            assert history.strays(found) == []


@pytest.mark.parametrize("command", ["promote 1", "rollback", "history", "delete 1 --yes"])
def test_nobody_waits_long_for_a_server_that_is_silent(
    points: Project, silent_server: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    monkeypatch.setattr(tracking.store, "ANSWER_SECONDS", 1.0)
    began = time.monotonic()
    said = run(*command.split())
    assert (said.exit_code, "does not answer" in said.output) == (2, True), said.output
    assert time.monotonic() - began < 10
