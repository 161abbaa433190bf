"""One champion and a whole history, whoever is killed and whoever moves what at the same time."""

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow_project import Project

from ganlib.errors import UserError
from pipelines import tracking
from pipelines.tracking import history, moves
from pipelines.tracking.history import History, Move
from pipelines.tracking.store import Store

WRITES = ("set_registered_model_tag", "set_registered_model_alias")


@pytest.fixture(params=["embedded", "server"])
def store(request: pytest.FixtureRequest, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """With a model of five versions, whose champion is version 1 by a record."""
    if request.param == "server":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_server"))
    with tracking.opened() as opened:
        client = opened.client
        if client.search_registered_models("name = 'm'"):
            client.delete_registered_model("m")
        client.create_registered_model("m")
        for _ in range(5):
            client.create_model_version("m", source="s3://nowhere/model")
        moves.make(opened, "m", Move("promote", "champion", None, 1), again="again")
        yield opened


def whole(found: History, *steps: tuple[int | None, int]) -> None:
    """The moves that stand are these, all carried out, and the aliases say so."""
    assert [(record.move.before, record.move.to) for record in found.standing] == list(steps)
    assert {record.key for record in found.standing} <= found.carried_out
    before, to = steps[-1]
    wanted = {"champion": to} if before is None else {"champion": to, "previous": before}
    assert found.aliases == wanted
    assert history.strays(found) == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("nth", range(4))
@pytest.mark.parametrize("store", ["embedded"], indirect=True)
def test_a_move_that_dies_at_any_write_is_undone_or_carried_out_by_the_next_reader(
    store: Store, monkeypatch: Any, nth: int, applied: bool
) -> None:
    """Died just before the nth write, or just after it."""
    count = 0

    def dying(write: Any) -> Any:
        def call(self: Any, *arguments: Any) -> None:
            nonlocal count
            count += 1
            if count == nth + 1:
                if applied:
                    write(self, *arguments)
                raise Killed
            write(self, *arguments)

        return call

    with monkeypatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
        with pytest.raises(Killed):
            moves.make(store, "m", Move("promote", "champion", 1, 2), again="again")
    if nth == 0 and not applied:
        whole(moves.settled(store, "m"), (None, 1))
    else:
        whole(moves.settled(store, "m"), (None, 1), (1, 2))
    assert moves.settled(store, "m") == history.read(store, "m"), "there is nothing left to do"


def test_a_move_from_a_champion_that_is_no_longer_it_changes_nothing(store: Store) -> None:
    moves.make(store, "m", Move("promote", "champion", 1, 2), again="again")
    before = history.read(store, "m")
    with pytest.raises(UserError, match=r"was version 1 and is version 2 now: .* run it again: ganlib promote 3\."):
        moves.make(store, "m", Move("promote", "champion", 1, 3), again="ganlib promote 3")
    assert history.read(store, "m") == before


def test_another_host_in_between_is_not_overwritten(store: Store, monkeypatch: Any) -> None:
    """It holds another lock: its record comes between our look and our own record."""
    append = history.append
    strangers = [Move("promote", "champion", 1, 4)]

    def overtaken(*arguments: Any, **options: Any) -> Any:
        if strangers:
            append(store, "m", strangers.pop(), after=options["after"])
        return append(*arguments, **options)

    monkeypatch.setattr(moves, "append", overtaken)
    with pytest.raises(UserError, match="was version 1 and is version 4 now: somebody moved it meanwhile"):
        moves.make(store, "m", Move("promote", "champion", 1, 3), again="again")
    whole(moves.settled(store, "m"), (None, 1), (1, 4))
    assert [record.move.action for record in history.read(store, "m").records] == ["promote"] * 3 + ["withdraw"]


def test_what_somebody_else_moves_stays_and_is_told(store: Store) -> None:
    store.client.set_registered_model_alias("m", "champion", "5")
    found = moves.settled(store, "m")
    assert found.aliases["champion"] == 5
    assert history.strays(found) == ["champion is version 5 now, where the last record left version 1."]
    moves.make(store, "m", Move("promote", "champion", 5, 2), again="again")
    (told,) = history.strays(moves.settled(store, "m"))
    assert "somebody else moved champion from version 1 to version 5." in told


def test_a_record_that_nobody_can_read_is_one_sentence(store: Store) -> None:
    store.client.set_registered_model_tag("m", f"{history.RECORD}x", "{}")
    with pytest.raises(UserError, match=r"The tag ganlib\.history\.x of m in MLflow is no record"):
        moves.settled(store, "m")


def test_the_longest_reason_fits(store: Store) -> None:
    evidence = {"worse_by": [-1.234567e-100] * 30, "protocol": "p" * 100, "sha256": "0" * 64, "file": "f" * 40}
    why = '"' * history.LONGEST_WHY
    move = Move("promote", "champion", 1, 2, verdict="v" * 40, evidence=evidence, forced=True, why=why)
    made = moves.make(store, "m", move, again="again")
    assert history.read(store, "m").records[-1] == made


def test_a_version_that_was_deleted_does_not_keep_others_from_being_read(store: Store) -> None:
    record = history.append(store, "m", Move("promote", "champion", 1, 2), after=history.read(store, "m"))
    store.client.delete_model_version("m", "2")
    found = moves.settled(store, "m")
    assert record.key in found.carried_out
    assert found.aliases["champion"] == 1


CROWD = """
import sys
from pipelines import tracking
from pipelines.tracking import moves
from pipelines.tracking.history import Move
from ganlib.errors import UserError
number, patient = int(sys.argv[1]), sys.argv[2] == "patient"
with tracking.opened() as store:
    print("ready", flush=True)
    before = int(sys.stdin.readline())
    for _ in range(20):
        try:
            moves.make(store, "m", Move("promote", "champion", before, number), again="again")
            print("moved")
            break
        except UserError:
            if not patient:
                print("too late")
                break
            before = moves.settled(store, "m").aliases["champion"]
"""


def crowd(*, patient: bool, folders: list[str] | None = None) -> list[str]:
    """What four processes say that make versions 2 to 5 champion at once, each believing that version 1 is it."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, str(number), "patient" if patient else "once"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folders[number - 2] if folders else None,
        )
        for number in range(2, 6)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("1\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[0].strip() for process in processes]


@pytest.mark.parametrize(
    ("store", "patient"),
    [
        ("embedded", False),
        pytest.param("embedded", True, marks=pytest.mark.prove),
        pytest.param("server", False, marks=pytest.mark.prove),
        pytest.param("server", True, marks=pytest.mark.prove),
    ],
    indirect=["store"],
)
def test_of_four_at_once_nobody_overwrites_another_unseen(store: Store, patient: bool) -> None:
    said = crowd(patient=patient)
    found = moves.settled(store, "m")
    steps = [(record.move.before, record.move.to) for record in found.standing]
    whole(found, *steps)
    if patient:
        assert said == ["moved"] * 4
        assert sorted(to for _, to in steps) == [1, 2, 3, 4, 5]
    else:
        assert sorted(said) == ["moved", "too late", "too late", "too late"]
        assert len(steps) == 2


@pytest.mark.prove
@pytest.mark.parametrize("store", ["server"], indirect=True)
def test_of_four_hosts_at_once_nobody_overwrites_another_unseen(store: Store, tmp_path: Any) -> None:
    """Without a lock in common: each works in a folder of its own."""
    folders = [tmp_path / f"host{number}" for number in range(4)]
    for folder in folders:
        folder.mkdir()
    said = crowd(patient=True, folders=[str(folder) for folder in folders])
    found = moves.settled(store, "m")
    steps = [(record.move.before, record.move.to) for record in found.standing]
    assert said == ["moved"] * 4
    whole(found, *steps)
    assert sorted(to for _, to in steps) == [1, 2, 3, 4, 5]
    assert all(one[1] == other[0] for one, other in itertools.pairwise(steps)), "each saw the one before"


KILLED = """
import os, signal, sys
from mlflow import MlflowClient
from pipelines import tracking
from pipelines.tracking import moves
from pipelines.tracking.history import Move
left = int(sys.argv[1])
def dying(write):
    def call(*arguments):
        global left
        write(*arguments)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return call
for name in ("set_registered_model_tag", "set_registered_model_alias"):
    setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
with tracking.opened() as store:
    moves.make(store, "m", Move("promote", "champion", 1, 2), again="again")
"""


@pytest.mark.prove
@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_process_that_is_killed_after_any_write_leaves_one_champion(store: Store, writes: int) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(writes)], check=False)
    assert killed.returncode == -signal.SIGKILL
    whole(moves.settled(store, "m"), (None, 1), (1, 2))
    moves.make(store, "m", Move("rollback", "champion", 2, 1), again="again")
    whole(moves.settled(store, "m"), (None, 1), (1, 2), (2, 1))
