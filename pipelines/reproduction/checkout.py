"""The folder in which a generator is made again: a commit's source, and nothing that the project has trained.

Not a git worktree: this project takes a worktree for another place of the same work, whose checkpoints it shares, so a
training there would find itself done.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ganlib import files
from ganlib.errors import UserError

from .. import origin, paths
from ..checkouts import fill, isolated
from ..flows.stages import Stages
from ..repository import ADVICE, git

FOLDER = "reproduce"
NOISE = ("warning: The MLflow store", *ADVICE)
"""Beginnings of lines that are about a store that is not wanted, or advise what makes no sense there."""


@dataclass(frozen=True)
class Checkout:
    """A project's folder at a commit."""

    folder: Path
    say: Callable[[str], None]

    def unlike(self, name: str, digest: str) -> str | None:
        """How a file of the project differs from what it was: changed, or missing; None where it does not."""
        path = self.folder / name
        if not path.is_file():
            return "not in the commit"
        return None if files.sha256_of(path) == digest else "changed"

    def dvc(self, *arguments: str, threads: str | None = None, quietly: bool = False) -> None:
        """Runs a command of DVC's to its end; Failure with its sentence where that is not a good one.

        threads: of each process; none: as it comes. Nothing is left running however this ends.
        """
        with nobody() as store:
            environment = isolated(os.environ, self.folder) | {"MLFLOW_TRACKING_URI": store}
            if threads is not None:
                environment["OMP_NUM_THREADS"] = threads
            with Stages(self.folder, self._ignore if quietly else self._echo, environment=environment) as stages:
                stages.dvc(*arguments)

    def _echo(self, line: str) -> None:
        if not line.lstrip().startswith(NOISE):
            self.say(f"  {line}")

    def _ignore(self, line: str) -> None:
        pass


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody answers while the block lasts: stages work without a store, and none hears of this."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def known_commit(commit: str, name: str) -> str:
    """Its 40 digits; UserError where this repository does not have it, or there is none."""
    git("rev-parse", "--git-dir")
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    except UserError:
        raise UserError(
            f"The commit {commit}, the source of {name}, is not in this repository; fetch it: git fetch --all."
        ) from None


@contextmanager
def opened(key: str, commit: str, lock: str | None, *, keep: bool, say: Callable[[str], None]) -> Iterator[Checkout]:
    """The project at the commit, with what the given dvc.lock says of the data; what a killed process left is taken up.

    Removed when the block ends, well or with a mistake; it stays after an interrupt, and with `keep`, but then without
    its checkpoints, so that the next time trains anew.
    """
    root = paths.main_folder() / paths.STATE / FOLDER / key
    root.parent.mkdir(parents=True, exist_ok=True)
    inside = git("rev-parse", "--show-prefix")
    try:
        with FileLock(root.with_name(f".{key}.lock"), timeout=0):
            if root.exists():
                say(f"goes on in {root}, which an earlier call left")
            else:
                with files.whole_folder(root) as aside:
                    fill(aside, inside, commit, origin.lock_of_data(lock or ""))
            try:
                yield Checkout(root / inside, say)
            except Exception:
                _leave(root, inside, keep=keep, say=say)
                raise
            _leave(root, inside, keep=keep, say=say)
    except Timeout:
        raise UserError(f"{root} is in use by another process, which makes the same generator again.") from None


def _leave(root: Path, inside: str, *, keep: bool, say: Callable[[str], None]) -> None:
    if keep:
        shutil.rmtree(root / inside / paths.STATE / "checkpoints", ignore_errors=True)
        say(f"kept: {root / inside}")
    else:
        shutil.rmtree(root)
