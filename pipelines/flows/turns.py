"""One retraining at a time in a project, in the order in which they came; what a killed one left is cleared away first.

Tickets say who waits; a lock, which the system frees when its process dies, says who is at work. Everything lies below
`.ganlib/retrain`, so two checkouts of a project do not wait for each other.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from ganlib import files
from pipelines import processes

MARK = "GANLIB_RETRAIN"
"""Environment variable of all that a retraining starts: the state folder, by which its leftovers are known."""
MAKER = "GANLIB_RETRAIN_BY"
"""Environment variable of the same: number and start of the retraining's process. While it lives nothing is left."""
POLL_SECONDS = 0.5
LOOK_SECONDS = 10.0
"""How often whoever waits asks whether it still has to."""
SAVING_SECONDS = 12.0
"""What is left of a killed flow may be saving its checkpoint: it ends by itself in that time."""
ENDING_SECONDS = 4.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Holder:
    """Whose turn it is, or was when it died."""

    run_id: str
    name: str
    process: int
    started: float
    """Of the process, in seconds since 1970: tells it from a later one with its number."""

    def words(self) -> str:
        """For people."""
        return f"{self.name} (process {self.process})"


class Unneeded(Exception):  # noqa: N818 - nothing went wrong
    """Whoever waited need not any more; the message says why."""


@contextmanager
def turn(
    state: Path, run_id: str, name: str, say: Say, *, unneeded: Callable[[], str | None] = lambda: None
) -> Iterator[Holder | None]:
    """Waits until nobody else retrains here; yields the one before that was killed at work, if one was.

    unneeded: asked now and then while it waits; where it gives a reason, Unneeded is raised with it.
    """
    me = Holder(run_id, name, os.getpid(), psutil.Process().create_time())
    queue = state / "queue"
    queue.mkdir(parents=True, exist_ok=True)
    ticket = queue / f"{time.time_ns():020d}-{me.process}.json"
    files.write_text(ticket, json.dumps(asdict(me)))
    lock = FileLock(state / "retrain.lock")
    holder = state / "holder.json"
    try:
        _wait(lock, ticket, say, unneeded)
        try:
            left = _read(holder)
            end_leftovers(state, say)
            files.write_text(holder, json.dumps(asdict(me)))
            yield left
        finally:
            # A kill leaves it, and so the next one knows that there is something to tidy up.
            holder.unlink(missing_ok=True)
            lock.release()
    finally:
        ticket.unlink(missing_ok=True)


def marked(state: Path) -> Mapping[str, str]:
    """The variables of what a retraining starts."""
    return {MARK: str(state), MAKER: f"{os.getpid()} {psutil.Process().create_time()}"}


def _wait(lock: FileLock, ticket: Path, say: Say, unneeded: Callable[[], str | None]) -> None:
    told, looked = -1, time.monotonic()
    while True:
        before = [holder for path, holder in _living(ticket.parent) if path.name < ticket.name]
        if not before:
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=0)
                return
        if len(before) != told and before:
            told = len(before)
            who = ", then ".join(holder.words() for holder in before)
            say(f"Waits in place {told} of the queue {ticket.parent}, behind {who}.")
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            if (reason := unneeded()) is not None:
                raise Unneeded(reason)
        time.sleep(POLL_SECONDS)


def _living(queue: Path) -> list[tuple[Path, Holder]]:
    """The tickets of processes that are there, the earliest first; those of others are taken away."""
    found = []
    for path in sorted(queue.glob("*.json")):
        holder = _read(path)
        if holder is None or not processes.is_alive(holder.process, holder.started):
            path.unlink(missing_ok=True)
        else:
            found.append((path, holder))
    return found


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def end_leftovers(state: Path, say: Say) -> None:
    """Ends what a killed retraining had started; what is saving its work may do so."""
    left = list(left_behind(state))
    if not left:
        return
    names = ", ".join(str(process.pid) for process in left)
    say(f"Ends what a killed retraining left behind: {'process' if len(left) == 1 else 'processes'} {names}.")
    _, left = psutil.wait_procs(left, timeout=SAVING_SECONDS)
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                ask(process)
        _, left = psutil.wait_procs(left, timeout=ENDING_SECONDS)


def killed(state: Path) -> Holder | None:
    """Who was at work when it was killed, as long as nobody has tidied up after it."""
    found = _read(state / "holder.json")
    return None if found is None or processes.is_alive(found.process, found.started) else found


def left_behind(state: Path) -> Iterator[psutil.Process]:
    """Processes that a retraining has started which is gone."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            around = process.environ()
            if around.get(MARK) == str(state) and process.pid != os.getpid() and not _is_led(around.get(MAKER)):
                yield process


def _is_led(maker: str | None) -> bool:
    """Whether the retraining that has started it is there."""
    if maker is None:
        return False
    number, _, started = maker.partition(" ")
    return processes.is_alive(int(number), float(started))
