"""Whoever comes second waits and is told where; what a killed one left is ended before the next begins."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from flow_support import alive

from pipelines import processes
from pipelines.flows import turns

TAKE = """
import sys, time
from pathlib import Path
from pipelines.flows.turns import turn
state, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
with turn(state, name, name, lambda line: print(name, line, flush=True)) as left:
    print(name, "works after", left and left.run_id, flush=True)
    (state / name).touch()
    time.sleep(seconds)
print(name, "ends", flush=True)
"""


def start(state: Path, name: str, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", TAKE, str(state), name, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(path: Path) -> None:
    ends = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < ends
        time.sleep(0.02)


def waiting(state: Path, count: int) -> None:
    """Until so many have a ticket, the one at work included."""
    ends = time.monotonic() + 60
    while len(list((state / "queue").glob("*.json"))) < count:
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_all_get_their_turn_in_the_order_they_came_and_each_knows_its_place(tmp_path: Path) -> None:
    first = start(tmp_path, "first", 4)
    wait_for(tmp_path / "first")
    others = []
    for number, name in enumerate(("second", "third")):
        others.append(start(tmp_path, name, 0.5))
        waiting(tmp_path, number + 2)
    said = [process.communicate(timeout=60)[0].splitlines() for process in (first, *others)]
    assert said[0] == ["first works after None", "first ends"]
    queue, number = tmp_path / "queue", first.pid
    assert said[1][0] == f"second Waits in place 1 of the queue {queue}, behind first (process {number})."
    assert said[2][0].startswith(f"third Waits in place 2 of the queue {queue}, behind first (process {number}), t")
    assert said[2][1].startswith("third Waits in place 1 of the queue")
    assert not list(queue.glob("*")), "nothing is left"
    ended = [(tmp_path / name).stat().st_mtime for name in ("first", "second", "third")]
    assert ended == sorted(ended)


def test_a_killed_one_lets_the_next_in_and_is_named_to_it(tmp_path: Path) -> None:
    killed = start(tmp_path, "killed", 100)
    wait_for(tmp_path / "killed")
    waiter = start(tmp_path, "waiter", 100)
    waiting(tmp_path, 2)
    waiter.kill()
    killed.kill()
    killed.communicate()
    waiter.communicate()
    output, _ = start(tmp_path, "next", 0).communicate(timeout=60)
    assert output.splitlines() == ["next works after killed", "next ends"]
    assert "after None" in start(tmp_path, "last", 0).communicate(timeout=60)[0], "it is named once"


def test_what_a_killed_one_had_started_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SAVING_SECONDS", 0.5)
    monkeypatch.setattr(turns, "ENDING_SECONDS", 0.5)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(100)"
    mine, strangers = (
        subprocess.Popen([sys.executable, "-c", stubborn], env={**os.environ, turns.MARK: str(state)}, stdout=-1)
        for state in (tmp_path, tmp_path / "another")
    )
    try:
        assert mine.stdout
        mine.stdout.readline()
        gone = {"run_id": "gone", "name": "gone", "process": mine.pid, "started": 0.0}
        (tmp_path / "holder.json").write_text(json.dumps(gone))
        # Reaped at once, as init would.
        threading.Thread(target=mine.wait, daemon=True).start()
        heard: list[str] = []
        with turns.turn(tmp_path, "next", "next", heard.append) as left:
            assert left is not None
            assert left.run_id == "gone"
            assert not alive(mine.pid)
        assert heard == [f"Ends what a killed retraining left behind: process {mine.pid}."]
        assert alive(strangers.pid), "another project's are left alone"
    finally:
        strangers.kill()
        strangers.communicate()
        if mine.stdout:
            mine.stdout.close()


def test_what_a_living_retraining_had_started_is_left_alone(tmp_path: Path) -> None:
    """Such as a Prefect server of its own, while it waits for its turn."""
    sleeps = [sys.executable, "-c", "print(flush=True); import time; time.sleep(100)"]
    with subprocess.Popen(sleeps, env={**os.environ, **turns.marked(tmp_path)}, stdout=-1) as ours:
        assert ours.stdout
        ours.stdout.readline()
        with turns.turn(tmp_path, "next", "next", print):
            assert alive(ours.pid)
        ours.kill()


def test_who_need_not_wait_any_more_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.0)
    at_work = start(tmp_path, "working", 100)
    wait_for(tmp_path / "working")
    with (
        pytest.raises(turns.Unneeded, match="a later one is due"),
        turns.turn(tmp_path, "me", "me", print, unneeded=lambda: "a later one is due"),
    ):
        raise AssertionError("somebody else is at work")
    assert [json.loads(path.read_text())["name"] for path in (tmp_path / "queue").glob("*.json")] == ["working"]
    at_work.kill()
    at_work.communicate()


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    me = psutil.Process()
    assert processes.is_alive(me.pid, me.create_time())
    assert not processes.is_alive(me.pid, me.create_time() - 60)
