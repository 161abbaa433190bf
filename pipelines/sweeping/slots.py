"""Folders in which points are trained: the project at a commit, beside the project itself and sharing what it keeps.

DVC's cache and run cache, checkpoints, looks at pictures and the MLflow store are the project's own; its working tree,
index and branches are not touched. There are as many folders as points run at once, and one point after the other takes
each, so that the disk need not hold the data once for every point.
"""

import os
import queue
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from ganlib import files

from .. import checkouts, origin, paths, stage
from ..repository import git

NAMES_A_FILE = (("data", "path"), ("data", "watch"), ("data", "labels"), ("evaluate", "weights"))
"""Settings that may be paths into the project's folder."""


class Slots:
    """The folders of a sweep, each of the project."""

    def __init__(self, projects: list[Path]) -> None:
        self._free: queue.Queue[tuple[int, Path]] = queue.Queue()
        for number, project in enumerate(projects):
            self._free.put((number, project))
        self._count = len(projects)

    @contextmanager
    def taken(self) -> Iterator[tuple[Path, dict[str, str]]]:
        """A free one, and the environment in which its stages run."""
        number, project = self._free.get()
        try:
            yield project, environment(project, number, self._count, os.environ)
        finally:
            self._free.put((number, project))


@contextmanager
def opened(commit: str, count: int) -> Iterator[Slots]:
    """So many folders with a commit's source; removed at the end, and what a killed process left at the start."""
    inside = git("rev-parse", "--show-prefix")
    lock = Path(origin.LOCK)
    known = lock.read_text(encoding="utf-8") if lock.is_file() else origin.lock_of_data("")
    with ExitStack() as stack:
        roots: list[Path] = []
        for number in range(count):
            place = paths.main_folder() / paths.SWEEP / str(number)
            files.remove_leftovers(place)
            roots.append(stack.enter_context(files.scratch_folder(place)))
            if number == 0:
                checkouts.fill(roots[0], inside, commit, known)
            else:
                shutil.copytree(roots[0], roots[number], symlinks=True, dirs_exist_ok=True)
        yield Slots([root / inside for root in roots])


def environment(project: Path, number: int, at_once: int, given: Mapping[str, str]) -> dict[str, str]:
    """Of the stages in folder `number`: the project's MLflow store, and a share of its cores and of its CUDA devices.

    What the user has set stays. A training in several processes sees to its devices itself, and wants all of them.
    """
    ours = {name: value for name, value in given.items() if name.startswith("MLFLOW_") and name != "MLFLOW_RUN_ID"}
    made = checkouts.isolated(given, project) | ours
    if at_once > 1:
        made.setdefault("OMP_NUM_THREADS", str(max(1, stage.cores() // at_once)))
        devices = _devices(given.get("CUDA_VISIBLE_DEVICES"))
        if len(devices) > 1:
            made["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    return made


def _devices(visible: str | None) -> list[str]:
    if visible is not None:
        return [name for name in visible.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def lend(project: Path, params: str) -> None:
    """Writes params.yaml and lets files that it names, and git and DVC do not know, be found in the folder, too."""
    files.write_text(project / origin.PARAMS, params)
    values = YAML(typ="safe", pure=True).load(params)
    for section, name in NAMES_A_FILE:
        path = Path(str((values.get(section) or {}).get(name) or "."))
        _link(project, path)
        if name == "weights" and path.name:
            _link(project, path.with_suffix(".json"))  # describes them


def _link(project: Path, path: Path) -> None:
    there = project / path
    known = there.exists() or there.is_symlink() or there.with_name(f"{there.name}.dvc").exists()
    if path.exists() and not path.is_absolute() and not known:
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(path.resolve())
