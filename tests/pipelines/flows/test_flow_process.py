"""A child is heard as it speaks, and nothing of it is left behind."""

import contextlib
import ctypes
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from flow_support import alive, gone_within
from hypothesis import given
from hypothesis import strategies as st

from pipelines.flows import process
from pipelines.flows.process import Child, Lines


class Interruption(BaseException):
    """As Prefect's, which are no Exceptions either."""


def python(text: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text)]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")).map(str.rstrip)), st.data())
def test_lines_do_not_depend_on_how_they_arrive(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(f"{line}\n" for line in lines).encode()
    cut = data.draw(st.integers(0, len(stream)))
    reader = Lines()
    heard = [*reader.feed(stream[:cut]), *reader.feed(stream[cut:]), *reader.rest()]
    assert heard == [line for line in lines if line]


def test_a_progress_bar_is_heard_now_and_then_and_in_its_last_state() -> None:
    now = 0.0
    lines = Lines(clock=lambda: now)
    heard = []
    for step in range(1000):
        now = step / 40
        heard += lines.feed(f"\r{step} of 1000".encode())
    heard += lines.feed(b"\r1000 of 1000\nerror: no more\n")
    assert heard == ["0 of 1000", "400 of 1000", "800 of 1000", "1000 of 1000", "error: no more"]


def test_a_last_line_without_an_end_is_heard(tmp_path: Path) -> None:
    with Child(python("print('one'); print('two', end='')"), folder=tmp_path, say=print) as child:
        assert list(child.read()) == ["one", "two"]
        assert child.wait() == 0


def test_an_interrupted_child_may_save_its_work_and_say_so(tmp_path: Path) -> None:
    work = """
        import time
        try:
            print("working")
            time.sleep(60)
        except KeyboardInterrupt:
            time.sleep(0.5)
            print("saved")
    """
    heard: list[str] = []
    with pytest.raises(Interruption), Child(python(work), folder=tmp_path, say=heard.append) as child:
        interrupt_at_first_word(child)
    assert heard == ["saved"]
    assert child.wait() == 0


def interrupt_at_first_word(child: Child) -> None:
    for _ in child.read():
        raise Interruption


@pytest.mark.timeout(30)
def test_nothing_is_left_of_a_family_that_ignores_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "INTERRUPT_SECONDS", 0.3)
    monkeypatch.setattr(process, "TERMINATE_SECONDS", 0.3)
    stubborn = """
        import os, signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork()
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(60)
    """
    with Child(python(stubborn), folder=tmp_path, say=print) as child:
        lines = child.read()
        family = [int(next(lines)), int(next(lines))]
        assert all(map(alive, family))
    assert all(gone_within(5, member) for member in family)


def test_a_silent_child_can_be_interrupted_in_a_worker_thread(tmp_path: Path) -> None:
    silent = python("import time; time.sleep(60)")
    started = threading.Event()
    pids: list[int] = []

    def listen() -> None:
        with contextlib.suppress(Interruption), Child(silent, folder=tmp_path, say=print) as child:
            pids.append(child._process.pid)
            started.set()
            list(child.read())

    thread = threading.Thread(target=listen)
    thread.start()
    assert started.wait(10)
    time.sleep(0.3)
    # This is how Prefect ends a task that runs in a thread: it takes effect between two of Python's instructions.
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Interruption))
    thread.join(20)
    assert not thread.is_alive()
    assert gone_within(5, pids[0])
