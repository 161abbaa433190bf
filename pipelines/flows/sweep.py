"""Many trainings that differ in a few settings, as a Prefect flow: `python -m pipelines.flows.sweep`."""

import contextlib
import ctypes
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

# Prefect reads its environment when it is imported, and the package's __init__ has set it by now.
from prefect import State, flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from ganlib.errors import UserError
from ganlib.sweep_page import Trial
from pipelines.flows import command
from pipelines.flows.slots import device_slot
from pipelines.flows.stages import Failure
from pipelines.flows.voice import say, says_something
from pipelines.paths import SWEEP_PAGE
from pipelines.stage import EXIT_MISTAKE
from pipelines.sweeping import plan, results, slots, space, trying
from pipelines.sweeping.plan import Plan, Point, Wishes
from pipelines.sweeping.slots import Slots

EXIT_FAILED = 1


class Stopped(BaseException):
    """Raised in the threads of a sweep that is itself interrupted."""


class Attempts:
    """The threads that are at a point now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: set[int] = set()
        self._stopping = False

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Within it the thread can be stopped; it does not even begin where the sweep is being stopped."""
        with self._lock:
            if self._stopping:
                raise Stopped
            self._threads.add(threading.get_ident())
        try:
            yield
        finally:
            with self._lock:
                self._threads.discard(threading.get_ident())

    def stop(self) -> None:
        """Raises Stopped in each, which ends its stage as a cancelled flow's: with its work saved."""
        with self._lock:
            self._stopping = True
            for thread in self._threads:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))


@task(name="point", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def attempt(name: str, point: Point, places: Slots, attempts: Attempts) -> State[Any]:  # noqa: ARG001 - of the task run
    """One point through the stages."""
    try:
        with attempts.one():
            return Completed(data=trying.attempt(point, places, say, lambda stage: device_slot(stage, say)))
    except (Failure, UserError) as failed:
        return Failed(message=str(failed))


@flow(name="sweep")
def sweep(
    params: dict[str, str],
    random: int | None = None,
    search_seed: int = 0,
    at_once: int = 1,
    metric: str | None = None,
    project: str = ".",
    page: str = str(SWEEP_PAGE),
) -> State[Any]:
    """Trains every point, compares them on one page, and registers nothing.

    Args:
        params: what to try, such as {"train.lr": "log:1e-4..1e-2:3", "loss.name": "hinge,relativistic"}.
        random: how many settings to draw; left out: every combination.
        search_seed: which ones are drawn.
        at_once: how many trainings run at the same time.
        metric: by which settings are ordered; left out: promote.metric of params.yaml.
        project: the folder with dvc.yaml.
        page: where the page goes.
    """
    logging.getLogger("prefect.task_runs").addFilter(says_something)
    with contextlib.chdir(project):
        try:
            planned = plan.made(Wishes(params, random, search_seed, at_once, metric))
        except UserError as mistake:
            return Failed(message=str(mistake), data=Failure(str(mistake), EXIT_MISTAKE))
        return all_of(planned, Path(page))


def all_of(planned: Plan, page: Path) -> State[Any]:
    """Every point of the plan; the page is written anew whenever one of them has ended."""
    logger = get_run_logger()
    logger.info("%s", results.begun(planned))
    trials: list[Trial] = []
    attempts = Attempts()
    runner: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=planned.at_once)
    futures: dict[PrefectFuture[Any], Point] = {}
    with slots.opened(planned.commit, planned.at_once) as places, runner:
        try:
            for point in planned.points:
                given = {"name": point.name, "point": point, "places": places, "attempts": attempts}
                futures[runner.submit(attempt, given)] = point
            for future in as_completed(list(futures)):
                future.wait()  # until then its state is what the server last heard
                trials.append(ended(futures[future], future.state))
                logger.info("%s", results.told(trials[-1], planned))
                results.write(planned, trials, page)
        except BaseException:
            attempts.stop()
            raise
        finally:
            show(planned, trials)
    return verdict(planned, trials, page)


def ended(point: Point, state: State[Any]) -> Trial:
    """What came of the point, or why nothing did."""
    if state.is_completed():
        trial: Trial = state.result()
        return trial
    return results.failed(point, str(state.message))


def show(planned: Plan, trials: list[Trial]) -> None:
    """The comparison as a table and an artifact, of as many points as have ended."""
    if trials:
        results.display(planned, trials)
        about = results.summary(planned, trials)
        create_table_artifact(results.rows(planned, trials), key="sweep", description=about)


def verdict(planned: Plan, trials: list[Trial], page: Path) -> State[Any]:
    """Failed where a point has; the others are on the page."""
    about = f"{results.summary(planned, trials)} See {page}."
    failed = [trial for trial in trials if trial.problem]
    if failed:
        return Failed(message=about, data=Failure(about, EXIT_FAILED))
    return Completed(message=about)


def main() -> NoReturn:
    """Exit codes: 0; 2 for a mistake; 1 where a point failed; 130 interrupted, and the same command goes on."""
    wishes = parsed()
    try:
        plan.made(wishes)
    except UserError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        sys.exit(EXIT_MISTAKE)
    given = {"random": wishes.random, "search_seed": wishes.search_seed, "at_once": wishes.at_once}
    state = command.run(
        lambda: sweep(dict(wishes.values), metric=wishes.metric, return_state=True, **given),
        interrupted=f"Stopped. What is finished is on {SWEEP_PAGE} and stays done; the same command goes on.",
    )
    command.leave(state)


def parsed() -> Wishes:
    """The command line's words."""
    parser = command.Words(
        prog="python -m pipelines.flows.sweep",
        description="Trains every point through the stages of DVC, and compares them on one page.",
        epilog=f"VALUES: {space.FORMS}. Each value is as in params.yaml.",
    )
    parser.add_argument(
        "--param", metavar="NAME=VALUES", action="append", default=[],
        help="what to try, such as train.lr=5e-4,1e-3 or train.seed=0..2; may be repeated",
    )  # fmt: skip
    parser.add_argument("--random", metavar="N", type=int, help="draw so many settings; left out: every combination")
    parser.add_argument("--search-seed", metavar="N", type=int, default=0, help="which ones are drawn (0)")
    parser.add_argument("--at-once", metavar="N", type=int, default=1, help="how many trainings run together (1)")
    parser.add_argument("--metric", help="by which settings are ordered; left out: promote.metric of params.yaml")
    words = parser.parse_args()
    values: dict[str, str] = {}
    for param in words.param:
        name, equals, text = param.partition("=")
        if not equals or name in values:
            parser.error(f"--param {param} " + ("names it a second time" if equals else "has no =; write NAME=VALUES"))
        values[name] = text
    return Wishes(values, words.random, words.search_seed, words.at_once, words.metric)


if __name__ == "__main__":
    main()
