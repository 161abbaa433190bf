"""The tasks of a retraining: each ends with the sentence of what it ran, and what may pass is tried again first."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from prefect import State, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from pipelines.repository import ADVICE

from . import artifacts
from .judgement import Commands, Judgement, Published
from .message import Report
from .slots import GPU, device_slot, slot
from .stages import Failure, Stages

WAITS_SECONDS = (10.0, 60.0, 300.0)
"""Before each further try, where what went wrong may pass."""

Result = TypeVar("Result")


@task(cache_policy=NO_CACHE)
def run_stage(stages: Stages, name: str, *, force: bool) -> State[Any]:
    """One stage through DVC, which skips it where nothing that it depends on has changed."""

    def work() -> None:
        with device_slot(name, say):
            stages.run(name, force=force)

    return _state(work)


@task(name="fetch", task_run_name="fetch", cache_policy=NO_CACHE)
def fetch(stages: Stages, command: list[str]) -> State[Any]:
    """The data that DVC holds, from cache, remote or source."""
    return _state(lambda: stages.dvc(*command))


@task(name="sync", task_run_name="sync", cache_policy=NO_CACHE, persist_result=False)
def sync(commands: Commands) -> State[Any]:
    """Completes the MLflow run and the registry from what the stages left."""
    return _state(commands.sync)


@task(name="compare", task_run_name="compare", cache_policy=NO_CACHE, persist_result=False)
def compare(commands: Commands, published: Published, *, moving: bool) -> State[Any]:
    """The generator beside the champion, by the rules of `ganlib promote`; with `moving` it takes its place."""

    def work() -> Judgement:
        with slot(GPU, say):
            return commands.judge(published, moving=moving)

    return _state(work)


@task(name="report", task_run_name="report", cache_policy=NO_CACHE)
def show(folder: Path | None, report: Report) -> None:
    """Verdict and summary, and of a folder that still holds what they are of, grid and metrics, where people look."""
    if folder is not None:
        artifacts.publish(folder, report, get_run_logger())
    artifacts.publish_verdict(report)


def _state(work: Callable[[], Any]) -> State[Any]:
    """Completed with what the work returns; or Failed with its sentence, without Prefect's traceback."""
    try:
        return Completed(data=patiently(work))
    except Failure as failed:
        return Failed(message=str(failed), data=failed)


def patiently(work: Callable[[], Result]) -> Result:
    """Tries again where the failure may pass, waiting longer each time."""
    for wait in WAITS_SECONDS:
        try:
            return work()
        except Failure as failed:
            if not failed.may_pass:
                raise
            say(f"{failed} That may pass: tried again in {wait:.0f} s.")
        time.sleep(wait)
    return work()


def outcome(name: str, state: State[Any]) -> Any:
    """What the task returned; Failure, with its name before its sentence, where it has not completed."""
    found = state.result(raise_on_failure=False)
    if state.is_completed():
        return found
    raise Failure(f"{name}: {state.message}", found.code if isinstance(found, Failure) else 1)


def say(line: str) -> None:
    """Passes a child's line on to the run that is current, errors as errors, and DVC's advice not at all."""
    if line.lstrip().startswith(ADVICE):
        return
    level = logging.ERROR if line.lower().startswith("error: ") else logging.INFO
    get_run_logger().log(level, "%s", line)
