"""Laws of the worker processes: the order of the tasks, nothing lost, nobody left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from ganlib.errors import UserError
from ganlib.workers import SMALL, in_order


def counted(task, times=2):
    """Results of very different sizes, after very different times."""
    if task % 3 == 0:
        time.sleep(0.02)
    for number in range(times):
        yield task, number, b"x" * (200_000 if task % 5 == 0 else 1)


def length(task):
    yield len(task)


def failing(task):
    if task == 2:
        raise UserError("picture 2 is broken.")
    if task == 3:
        raise ZeroDivisionError("a bug")
    if task == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    yield task


def slow(task):
    yield os.getpid()
    time.sleep(600)


run = partial(in_order, preload="ganlib.errors")


@pytest.mark.parametrize("processes", [1, 2, 3, 50])
def test_results_come_in_the_order_of_the_tasks(processes):
    tasks = range(23)
    expected = [result[:2] for task in tasks for result in counted(task)]
    assert [result[:2] for result in run(counted, tasks, processes=processes)] == expected


def test_a_task_may_give_nothing_and_there_may_be_no_task():
    assert list(run(partial(counted, times=0), range(5), processes=2)) == []
    assert list(run(counted, [], processes=2)) == []


def test_tasks_larger_than_any_pipe_block_nobody():
    sizes = [SMALL * 200, 1, SMALL * 300, SMALL * 100, 2, SMALL * 400, SMALL * 250]
    assert list(run(length, [b"x" * size for size in sizes], processes=2)) == sizes


def test_a_mistake_found_by_a_worker_is_the_mistake():
    results = run(failing, [0, 1, 2], processes=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(UserError, match=r"^picture 2 is broken\.$"):
        next(results)
    assert multiprocessing.active_children() == []


def test_a_bug_in_a_worker_shows_its_traceback():
    with pytest.raises(RuntimeError, match=r"(?s)in failing.*ZeroDivisionError: a bug"):
        list(run(failing, [3], processes=1))


def test_the_death_of_a_worker_is_told_in_one_sentence():
    with pytest.raises(UserError, match=r"was killed \(exit code -9\); if memory ran out, set workers to fewer\.$"):
        list(run(failing, [0, 4, 1], processes=2))
    assert multiprocessing.active_children() == []


def test_workers_end_when_nobody_wants_more():
    results = run(slow, range(4), processes=2)
    worker = psutil.Process(next(results))
    results.close()
    worker.wait(timeout=10)
    assert multiprocessing.active_children() == []


def test_workers_do_not_outlive_a_killed_main_process(tmp_path):
    program = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "from test_workers import run, counted\n"
        "if __name__ == '__main__':\n"
        "    for _ in run(counted, range(10**6), processes=2): print('.', flush=True)\n"
    )
    (tmp_path / "main.py").write_text(program)
    main = subprocess.Popen([sys.executable, tmp_path / "main.py"], stdout=subprocess.PIPE, text=True)
    assert main.stdout is not None
    for _ in range(20):
        assert main.stdout.readline() == ".\n"
    family = psutil.Process(main.pid).children(recursive=True)
    assert len(family) >= 2
    main.kill()
    main.wait()
    main.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert alive == []
