"""The source of a commit in a repository of its own, which borrows git's objects and DVC's cache from this one.

Nothing is entered into the user's repository that a kill could leave there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ganlib import files
from ganlib.errors import UserError

from . import origin

OURS_ALONE = ("MLFLOW_", "GIT_", "DVC_EXP_", "DVC_ROOT", "DVC_STAGE", "RANK", "WORLD_SIZE", "LOCAL_RANK")
"""Beginnings of variables that speak of this project's store, repository or stage, and mean nothing in the other."""

ADVICE = (
    "To track the changes", "git add ", "To enable auto staging", "dvc config core.autostage", "Use `dvc push`",
    "Generating lock file", "Updating lock file",
)  # fmt: skip
"""Beginnings of lines in which DVC advises what makes no sense there."""


def fill(root: Path, inside: str, commit: str, lock: str) -> None:
    """Source from the commit and dvc.lock as given, objects and cache from here.

    inside: where the project lies in its repository.
    """
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
    places = {"cache.dir": _run([*dvc, "cache", "dir"]), **folders_of_remotes(_run([*dvc, "config", "--list"]))}
    for name, place in places.items():
        _run([*dvc, "config", "--local", name, place], folder=project)
    files.write_text(project / origin.LOCK, lock)


def folders_of_remotes(listed: str) -> dict[str, str]:
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


def isolated(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Without what speaks of this project, and with the folder's code before any installed one."""
    rest = {name: value for name, value in environment.items() if not name.startswith(OURS_ALONE)}
    code = os.pathsep.join([str(folder), *filter(None, [rest.get("PYTHONPATH")])])
    return {**rest, "PYTHONPATH": code, "DVC_NO_ANALYTICS": "1"}
