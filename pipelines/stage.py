"""How every stage runs: settings in, one sentence and exit code 2 for what a person can mend.

DVC deletes a stage's outputs before it runs. A stage that fails puts the earlier ones back from DVC's cache, so
that a typo in params.yaml costs nobody their last good generator.
"""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ganlib.errors import UserError
from ganlib.settings import Settings

from . import params

EXIT_MISTAKE = 2
EXIT_RESUMABLE = 75
"""EX_TEMPFAIL: stopped by a signal, everything saved; the same command goes on from there."""

OUT_OF_OUR_HANDS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; make it writable",
    errno.EACCES: "permission is denied; make it writable",
    errno.EPERM: "the operation is not permitted; make it writable",
    errno.ENOTDIR: "a file stands where a folder should be; move it away",
    errno.EEXIST: "a file stands where a folder should be; move it away",
}


class Resumable(Exception):  # noqa: N818 - not an error: the work is saved and goes on with the same command
    """The stage was asked to stop and has saved its work; the message says how far it came."""


def main(run: Callable[[Settings], None]) -> NoReturn:
    """Runs one stage with the settings of params.yaml and exits: 0, 2 for a mistake, 75 when stopped by a signal.

    A bug keeps its traceback and exits with 1.
    """
    began = time.time()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        run(params.load())
        _say_times(began)
    except KeyboardInterrupt:
        restore_outputs()
        print("Stopped; earlier outputs stay as they were. Run the same command again.", file=sys.stderr)
        sys.exit(EXIT_RESUMABLE)
    except Resumable as stopped:
        print(f"{stopped} Run the same command again to go on.", file=sys.stderr)
        sys.exit(EXIT_RESUMABLE)
    except UserError as mistake:
        _fail(str(mistake))
    except OSError as error:
        if error.errno not in OUT_OF_OUR_HANDS:
            raise
        _fail(f"{error.filename or 'The output'} cannot be written: {OUT_OF_OUR_HANDS[error.errno]} and run again.")
    sys.exit(0)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds as Ctrl-C does: what is half done is removed, processes are ended."""
    raise KeyboardInterrupt


def _say_times(began: float) -> None:
    """How long the process took to start (imports, above all) and to work: `train: 3.1 s to start, 88.0 s at work`."""
    import psutil

    if os.environ.get("RANK", "0") != "0":
        return
    started = psutil.Process().create_time()
    name = Path(sys.argv[0]).stem
    print(f"{name}: {began - started:.1f} s to start, {time.time() - began:.1f} s at work", file=sys.stderr)


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Within it SIGTERM and SIGINT no longer end the process: they make the returned function answer True.

    A second one does end it, for whoever cannot wait for a clean stop.
    """
    received: list[int] = []
    before = {int(number): signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bar_manners() -> dict[str, Any]:
    """How progress bars behave: lively on a terminal, a line now and then in a log."""
    return {"dynamic_ncols": True} if sys.stderr.isatty() else {"mininterval": 10.0, "maxinterval": 10.0, "ncols": 100}


def _fail(sentence: str) -> NoReturn:
    restore_outputs()
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(EXIT_MISTAKE)


def leave(exit_code: int) -> NoReturn:
    """Ends a stage whose work other processes did, with their exit code; they have said what there is to say."""
    if exit_code:
        restore_outputs()
    sys.exit(exit_code)


def restore_outputs() -> None:
    """Checks the stage's last outputs out of DVC's cache again, where DVC runs us and has any.

    One of several processes leaves that to the one that started them.
    """
    stage = os.environ.get("DVC_STAGE")
    if stage is None or "RANK" in os.environ:
        return
    command = [sys.executable, "-m", "dvc", "checkout", "--quiet", "--force", stage]
    subprocess.run(command, check=False, capture_output=True)
