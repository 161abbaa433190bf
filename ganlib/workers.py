"""A function over many jobs, in worker processes, with its results in the jobs' order and few of them in memory."""

import contextlib
import fcntl
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from .errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")

ROOM = 1 << 20
"""Bytes asked for in each pipe, so that a worker can go on with its next job while its last result waits."""
SMALL = 1 << 14
"""A job of so many bytes fits into any pipe: sent while the worker is busy it blocks nobody."""


def in_order(
    function: Callable[[Task], Iterable[Result]], tasks: Sequence[Task], *, processes: int, preload: str
) -> Iterator[Result]:
    """What `function` yields for each task, task by task, as if called here.

    `function` is a module's or a `partial` of one, and `preload` the module that it needs. Task i is for worker i
    modulo `processes`. A UserError of a worker is raised here; the death of one is a UserError, too. However this
    process ends, its workers end.
    """
    with contextlib.ExitStack() as stack:
        start_ahead(preload)
        workers = [_Worker(function) for _ in range(min(processes, len(tasks)))]
        for worker in workers:
            stack.callback(worker.stop)
        for number, worker in enumerate(workers):
            worker.give(tasks[number])
        for number in range(len(tasks)):
            worker, following = workers[number % len(workers)], number + len(workers)
            message = ForkingPickler.dumps(tasks[following]) if following < len(tasks) else None
            ahead = message is not None and len(message) <= SMALL
            if message is not None and ahead:
                worker.tasks.send_bytes(message)
            yield from worker.results_of_one_task()
            if message is not None and not ahead:
                worker.tasks.send_bytes(message)


def start_ahead(preload: str) -> None:
    """Starts what workers are forked from, in the background: it takes a moment, in which others can work."""
    context: ForkServerContext = multiprocessing.get_context("forkserver")
    # With the main module, which each worker would otherwise import for itself.
    context.set_forkserver_preload(["__main__", preload])
    forkserver.ensure_running()


class _Worker:
    """One process with a pipe for tasks and one for results."""

    def __init__(self, function: Callable[[Any], Iterable[Any]]) -> None:
        # A fresh server of forks: this process may have threads and libraries that do not survive a fork.
        context: ForkServerContext = multiprocessing.get_context("forkserver")
        their_tasks, self.tasks = context.Pipe(duplex=False)
        self.results, their_results = context.Pipe(duplex=False)
        for pipe in (their_tasks, their_results):
            _widen(pipe)
        self.process: BaseProcess = context.Process(target=_serve, args=(function, their_tasks, their_results))
        self.process.daemon = True
        self.process.start()
        their_tasks.close()
        their_results.close()

    def give(self, task: Any) -> None:
        """Sends a task to a worker that waits for one."""
        self.tasks.send(task)

    def results_of_one_task(self) -> Iterator[Any]:
        """Until the worker says that the task is done."""
        while True:
            try:
                kind, value = self.results.recv()
            except EOFError:
                self.process.join()
                raise UserError(
                    f"A process that decodes pictures was killed (exit code {self.process.exitcode}); if memory ran "
                    f"out, set workers to fewer."
                ) from None
            if kind == "result":
                yield value
            elif kind == "done":
                return
            elif kind == "mistake":
                raise UserError(value)
            else:
                raise RuntimeError(f"in a worker process:\n{value}")

    def stop(self) -> None:
        """Ends the process, whatever it is doing."""
        self.tasks.close()
        self.results.close()
        self.process.terminate()
        self.process.join()


def _widen(pipe: Connection) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # more than this user may have: the usual size will do
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, ROOM)


def _serve(function: Callable[[Any], Iterable[Any]], tasks: Connection, results: Connection) -> None:
    """A worker's life. It ends when the other side of its pipes is gone, as it is when that process was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the main process stops its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            task = tasks.recv()
            message: tuple[str, str | None] = ("done", None)
            try:
                for result in function(task):
                    results.send(("result", result))
            except BrokenPipeError:
                os._exit(1)
            except UserError as error:
                message = ("mistake", str(error))
            except Exception:
                message = ("bug", traceback.format_exc())
            results.send(message)
