"""The git repository and the DVC cache of a project's folder, for whoever works in a checkout beside it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ganlib.errors import UserError

UNHOOKED = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
"""Options of git: no hook of the user's runs, such as the checkout of DVC's."""
LOCAL = Path(".dvc/config.local")

ADVICE = (
    "To track the changes", "git add ", "To enable auto staging", "dvc config core.autostage", "Use `dvc push`",
    "Generating lock file", "Updating lock file",
)  # fmt: skip
"""Beginnings of DVC's lines that advise what makes no sense in a folder of our own."""


def git(*arguments: str, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What git says about a folder, the current one unless told otherwise; UserError where it says no."""
    return run(["git", *arguments], folder=folder, environment=environment)


def run(command: list[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; UserError with its last line where it fails. Nobody's GIT_ variables reach it."""
    around = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env={**around, **(environment or {})}
        )
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed.") from None
    if done.returncode != 0:
        raise UserError(
            f"{' '.join(command[:4])} failed: {(done.stderr.strip() or 'without a word').splitlines()[-1]}."
        )
    return done.stdout.strip()


def share_cache(checkout: Path, project: Path) -> None:
    """Lets a checkout use the project's DVC cache, and its remotes with how to get at them."""
    local = project / LOCAL
    if local.is_file():
        shutil.copy(local, checkout / LOCAL)
    dvc = [sys.executable, "-m", "dvc"]
    listed = run([*dvc, "config", "--list"], folder=project)
    places = {"cache.dir": run([*dvc, "cache", "dir"], folder=project), **_folders_of_remotes(listed)}
    for name, place in places.items():
        run([*dvc, "config", "--local", name, place], folder=checkout)


def _folders_of_remotes(listed: str) -> dict[str, str]:
    """The remotes that are folders, by the names of their settings: as DVC lists them, a relative one made absolute."""
    found = dict(line.split("=", 1) for line in listed.splitlines() if line.startswith("remote.") and "=" in line)
    return {name: place for name, place in found.items() if name.endswith(".url") and Path(place).is_absolute()}
