"""The pipeline once, as a Prefect flow with one task per DVC stage: `python -m pipelines.flows.retrain`."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

# Prefect reads its environment when it is imported, and the package's __init__ has set it by now.
from prefect import State, flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from pipelines.flows import artifacts
from pipelines.flows.stages import Failure, Stages, run_command

SYNC = [sys.executable, "-m", "pipelines.cli", "sync"]
EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130


@task(cache_policy=NO_CACHE)
def run_stage(stages: Stages, name: str, *, force: bool) -> State[Any]:
    """One stage through DVC, which skips it where nothing that it depends on has changed."""
    try:
        stages.run(name, force=force)
    except Failure as failed:
        return Failed(message=str(failed), data=failed)
    return Completed()


@task(name="sync", task_run_name="sync", cache_policy=NO_CACHE)
def sync(folder: Path) -> State[Any]:
    """Completes the MLflow run and the registry from what the stages left."""
    try:
        run_command(SYNC, folder=folder, say=say)
    except Failure as failed:
        return Failed(message=str(failed), data=failed)
    return Completed()


@task(name="artifacts", task_run_name="artifacts", cache_policy=NO_CACHE)
def show(folder: Path) -> None:
    """The grid and the metrics, where a person looks first."""
    artifacts.publish(folder, get_run_logger())


@flow(name="retrain")
def retrain(project: str = ".", force: tuple[str, ...] = ()) -> State[Any]:
    """Runs what has changed since the last time; with nothing changed that takes seconds.

    Args:
        project: the folder with dvc.yaml.
        force: stages to run even where nothing that they depend on has changed.
    """
    for runs in ("prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(runs).addFilter(_says_something)
    folder = Path(project).resolve()
    try:
        with Stages(folder, say) as stages:
            names = stages.names()
            check_forced(force, names)
            for name in names:
                run = run_stage.with_options(name=name, task_run_name=name)
                passed(name, run(stages, name, force=name in force, return_state=True))
        show(folder)
        passed("sync", sync(folder, return_state=True))
    except Failure as failed:
        return Failed(message=str(failed), data=failed)
    return Completed(message=f"{len(names)} stages are up to date.")


def check_forced(force: tuple[str, ...], names: list[str]) -> None:
    """Failure where a name to force is no stage."""
    for name in force:
        if name not in names:
            raise Failure(f"force names '{name}', which is no stage; choose of: {', '.join(names)}.", EXIT_MISTAKE)


def passed(name: str, state: State[Any]) -> None:
    """Failure, with the name of the task before its sentence, where the task has not completed."""
    if not state.is_completed():
        cause = state.result(raise_on_failure=False)
        code = cause.code if isinstance(cause, Failure) else 1
        raise Failure(f"{name}: {state.message}", code)


def say(line: str) -> None:
    """Passes a child's line on to the run that is current, errors as errors."""
    level = logging.ERROR if line.lower().startswith("error: ") else logging.INFO
    get_run_logger().log(level, "%s", line)


def _says_something(record: logging.LogRecord) -> bool:
    """Drops Prefect's dumps of a returned Failed state: another line says the same in one sentence."""
    error = (record.exc_info or (None, None, None))[1]
    return not (isinstance(error, Failure) or record.exc_info == (None, None, None))


def main() -> NoReturn:
    """Exit codes: 0, 2 for a mistake, 75 where the same command goes on from what was saved, 1 for anything else."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.flows.retrain", description=retrain.__doc__)
    help_force = "run this stage even where nothing changed; may be repeated"
    parser.add_argument("--force", metavar="STAGE", action="append", default=[], help=help_force)
    try:
        state = retrain(force=tuple(parser.parse_args().force), return_state=True)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    if state.is_completed():
        sys.exit(0)
    print(f"error: {state.message}", file=sys.stderr)
    cause = state.result(raise_on_failure=False)
    sys.exit(cause.code if isinstance(cause, Failure) else 1)


if __name__ == "__main__":
    main()
