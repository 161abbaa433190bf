"""A point through the stages of DVC, and what came of it.

The same training is never done twice. DVC's run cache restores every stage that has run before with the same command,
source and settings, in whatever folder; and while a stage runs for one point, another point that needs the very same
waits, and then finds it there.
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from filelock import FileLock
from ruamel.yaml import YAML

from ganlib.errors import UserError
from ganlib.sweep_page import Trial

from .. import lineage, paths
from ..flows.stages import Failure, Stages, run_command
from ..repository import ADVICE
from ..tracking import runs
from . import slots, space
from .plan import Point
from .slots import Slots

LEFT_OUT = ("publish",)
"""A sweep registers nothing: the registry's challenger would be whichever point ended last."""
SYNC = [sys.executable, "-m", "pipelines.cli", "sync"]
Say = Callable[[str], None]
Around = Callable[[str], AbstractContextManager[None]]
"""What is held while the stage of this name runs."""


def attempt(point: Point, places: Slots, say: Say, around: Around) -> Trial:
    """Trains and evaluates the point, or finds that done; Failure, with the stage's own sentence, where one fails."""

    def echo(line: str) -> None:
        if not line.lstrip().startswith(ADVICE):
            say(line)

    with places.taken() as (project, environment):
        slots.lend(project, point.params)
        with Stages(project, echo, environment=environment) as stages:
            for name in stages.names():
                if name not in LEFT_OUT:
                    # The slot last: who waits for another's work needs no device meanwhile.
                    with alone(project, name), around(name):
                        stages.run(name)
        try:
            run_command(SYNC, folder=project, say=say)
        except Failure as failed:
            say(f"warning: MLflow's run is not complete: {failed} The same sweep completes it once that is mended.")
        return result(point, project)


def alone(project: Path, stage: str) -> FileLock:
    """Held while the stage runs: by nobody else who would do the same work."""
    folder = paths.main_folder(project) / paths.SWEEP / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{work(project, stage)}.lock")


def work(project: Path, stage: str) -> str:
    """Digest of all settings that decide what the stage makes: its own, and those of what it reads."""
    yaml = YAML(typ="safe", pure=True)
    stages: dict[str, Any] = yaml.load(project / "dvc.yaml")["stages"]
    values = yaml.load(project / "params.yaml")
    makers = {_path(out): name for name, one in stages.items() for out in _outs(one)}

    def settings(name: str) -> dict[str, Any]:
        one = stages.get(name, {})
        found = {param: _at(values, param) for param in one.get("params", ()) if isinstance(param, str)}
        for read in one.get("deps", ()):
            found |= settings(makers[read]) if read in makers else {}
        return found

    return lineage.digest_of([stage, settings(stage)])


def _outs(stage: Mapping[str, Any]) -> list[Any]:
    return [*stage.get("outs", ()), *stage.get("metrics", ()), *stage.get("plots", ())]


def _path(out: Any) -> str:
    return str(next(iter(out))) if isinstance(out, Mapping) else str(out)


def _at(values: Any, name: str) -> Any:
    for part in name.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def result(point: Point, project: Path) -> Trial:
    """What the stages left in the folder."""
    details = project / paths.EVALUATION_DETAILS
    evaluation = details if details.is_file() else project / paths.EVALUATION
    grid = project / paths.GRID
    return Trial(
        values={name: value for name, value in point.values.items() if name != space.SEED},
        seed=point.values.get(space.SEED),
        report=json.loads(evaluation.read_text(encoding="utf-8")) if evaluation.is_file() else None,
        grid=grid.read_bytes() if grid.is_file() else None,
        run=_run(project),
    )


def _run(project: Path) -> str:
    """The name of its run in MLflow."""
    try:
        made = lineage.read(project / paths.GAN)
    except UserError:
        return ""
    return runs.name_of(made)
