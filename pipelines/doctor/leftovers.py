"""What killed processes left behind: half-written files, locks that somebody holds, retrainings' own processes."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from pipelines import paths
from pipelines.flows import turns, worktree

from . import Circumstances, Finding, State
from .sizes import is_quiet, shown, size

GROUP = "leftovers"
WRITTEN_TO = ("data", "models", "reports", "metrics", "samples")
HALF_WRITTEN = re.compile(r"\.?.+\.(?P<process>\d+)\.(partial|earlier|scratch)(-wal|-shm|-journal)?")
"""As ganlib.files and the embedded store call what is being written."""
SCRATCH = "samples-*"
"""Pictures that are drawn to be scored; their names tell of no process."""
DAY_SECONDS = 86_400.0


def check(circumstances: Circumstances) -> Iterator[Finding]:
    """Half-written files go where their process is gone and nobody has touched them for a while."""
    found = list(half_written())
    for place in found:
        says = f"{place} ({shown(size(place))}) was left by a process that is gone"
        if circumstances.fix:
            remove(place)
            yield Finding(GROUP, State.MENDED, f"{says}: removed")
        else:
            yield Finding(GROUP, State.MENDABLE, f"{says}.")
    locks = list(held_locks())
    for lock in locks:
        yield Finding(GROUP, State.OK, f"{lock} is held by a process that is alive")
    of_retraining = list(killed_retraining(fix=circumstances.fix))
    yield from of_retraining
    if not found and not locks and not of_retraining:
        yield Finding(GROUP, State.OK, "none")


def killed_retraining(*, fix: bool) -> Iterator[Finding]:
    """One that died at work: the next one goes on from its checkpoint, and would end what it left running."""
    state = worktree.state_folder(Path())
    holder = turns.killed(state)
    if holder is not None:
        says = f"the retraining {holder.words()} was killed at work; the next one goes on from what it saved"
        yield Finding(GROUP, State.OK, says)
    left = [process.pid for process in turns.left_behind(state)]
    if not left:
        return
    says = f"a retraining that is gone left running: {', '.join(map(str, left))}"
    if fix:
        turns.end_leftovers(state, lambda _: None)
        yield Finding(GROUP, State.MENDED, f"{says}: ended")
    else:
        yield Finding(GROUP, State.MENDABLE, f"{says}.")


def half_written() -> Iterator[Path]:
    """What no living process is writing."""
    state = paths.main_folder() / paths.STATE
    for folder in (Path(), *map(Path, WRITTEN_TO), state):
        for place in sorted(folder.glob("*.*") if folder == Path() else folder.rglob("*.*")):
            match = HALF_WRITTEN.fullmatch(place.name)
            if match and not psutil.pid_exists(int(match["process"])) and is_quiet(place):
                yield place
    yield from (place for place in sorted(state.glob(SCRATCH)) if is_quiet(place, DAY_SECONDS))


def remove(place: Path) -> None:
    """A file, or a folder with all that is in it."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def held_locks() -> Iterator[Path]:
    """Locks of ours that cannot be had just now; the system frees those of a process that dies."""
    for place in sorted((paths.main_folder() / paths.STATE).glob("*.lock")):
        try:
            with FileLock(place, timeout=0):
                pass
        except Timeout:
            yield place
