"""The source of a commit in a repository of its own, which borrows git's objects and DVC's cache from this one.

Nothing is entered into the user's repository that a kill could leave there.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ganlib import files
from ganlib.errors import UserError

from . import origin
from .repository import UNHOOKED, git, share_cache

OURS_ALONE = ("MLFLOW_", "GIT_", "DVC_EXP_", "DVC_ROOT", "DVC_STAGE", "RANK", "WORLD_SIZE", "LOCAL_RANK")
"""Beginnings of variables that speak of this project's store, repository or stage, and mean nothing in the other."""


def fill(root: Path, inside: str, commit: str, lock: str) -> None:
    """Source from the commit and dvc.lock as given, objects and cache from here.

    inside: where the project lies in its repository.
    """
    objects = Path(git("rev-parse", "--git-path", "objects")).resolve()
    git("init", "--quiet", "--template=", str(root))
    (root / ".git/objects/info").mkdir(parents=True, exist_ok=True)
    (root / ".git/objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
    git("-C", str(root), *UNHOOKED, "checkout", "--quiet", "--detach", commit)
    project = root / inside
    for needed in ("dvc.yaml", ".dvc"):
        if not (project / needed).exists():
            raise UserError(f"The commit {commit[:12]} has no {inside}{needed}, so it is none of this project.")
    share_cache(project, Path.cwd())
    files.write_text(project / origin.LOCK, lock)


def isolated(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Without what speaks of this project, and with the folder's code before any installed one."""
    rest = {name: value for name, value in environment.items() if not name.startswith(OURS_ALONE)}
    code = os.pathsep.join([str(folder), *filter(None, [rest.get("PYTHONPATH")])])
    return {**rest, "PYTHONPATH": code, "DVC_NO_ANALYTICS": "1"}
