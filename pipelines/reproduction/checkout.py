"""The source of a commit in a repository of its own, which borrows git's objects and DVC's cache from this one.

Not a git worktree: this project takes a worktree for another place of the same work, whose checkpoints it shares, so a
training there would find itself done. And nothing is entered into the user's repository that a kill could leave there.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ganlib import files
from ganlib.errors import UserError

from .. import origin, paths
from ..flows.stages import Stages

FOLDER = "reproduce"
OURS_ALONE = ("MLFLOW_", "GIT_", "DVC_EXP_", "DVC_ROOT", "DVC_STAGE", "RANK", "WORLD_SIZE", "LOCAL_RANK")
"""Beginnings of variables that speak of this project's store, repository or stage, and mean nothing in the other."""
NOISE = (
    "warning: The MLflow store", "To track the changes", "git add ", "To enable auto staging",
    "dvc config core.autostage", "Use `dvc push`", "Generating lock file", "Updating lock file",
)  # fmt: skip
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


def isolated(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Without what speaks of this project, and with the folder's code before any installed one."""
    rest = {name: value for name, value in environment.items() if not name.startswith(OURS_ALONE)}
    code = os.pathsep.join([str(folder), *filter(None, [rest.get("PYTHONPATH")])])
    return {**rest, "PYTHONPATH": code, "DVC_NO_ANALYTICS": "1"}


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
                    _fill(aside, inside, commit, lock)
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


def _fill(root: Path, inside: str, commit: str, lock: str | None) -> None:
    """Source from the commit, objects and cache from here."""
    objects = Path(git("rev-parse", "--git-path", "objects")).resolve()
    git("init", "--quiet", "--template=", str(root))
    (root / ".git/objects/info").mkdir(parents=True, exist_ok=True)
    (root / ".git/objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
    git("-C", str(root), *quiet, "checkout", "--quiet", "--detach", commit)
    project = root / inside
    for needed in ("dvc.yaml", ".dvc"):
        if not (project / needed).exists():
            raise UserError(f"The commit {commit[:12]} has no {inside}{needed}, so it is none of this project.")
    local = Path(".dvc/config.local")
    if local.is_file():  # remotes and how to get at them
        shutil.copy(local, project / local)
    dvc = [sys.executable, "-m", "dvc"]
    places = {"cache.dir": _run([*dvc, "cache", "dir"]), **_folders_of_remotes(_run([*dvc, "config", "--list"]))}
    for name, place in places.items():
        _run([*dvc, "config", "--local", name, place], folder=project)
    # Of the data alone, so that nothing else can come from the cache.
    files.write_text(project / origin.LOCK, origin.lock_of_data(lock or ""))


def _folders_of_remotes(listed: str) -> dict[str, str]:
    """The remotes that are folders, by the names of their settings: as DVC lists them, a relative one made absolute."""
    found = dict(line.split("=", 1) for line in listed.splitlines() if line.startswith("remote.") and "=" in line)
    return {name: place for name, place in found.items() if name.endswith(".url") and Path(place).is_absolute()}


def git(*arguments: str) -> str:
    """What git says, about the current folder unless told otherwise; UserError where it says no."""
    return _run(["git", *arguments])


def _run(command: list[str], *, folder: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed.") from None
    if done.returncode != 0:
        raise UserError(
            f"{' '.join(command[:4])} failed: {(done.stderr.strip() or 'without a word').splitlines()[-1]}."
        )
    return done.stdout.strip()
