"""Retraining that looks after itself, as a Prefect flow: `python -m pipelines.flows.retrain`.

It decides whether there is anything to do, runs the stages of the committed project in a worktree of its own,
publishes, compares with the champion, promotes where that is proven, and says what happened.
"""

import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, get_args

# Prefect reads its environment when it is imported, and the package's __init__ has set it by now.
from prefect import State, flow, pause_flow_run
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.states import Cancelled, Completed, Failed

from ganlib.errors import UserError
from pipelines import verdicts
from pipelines.flows import command, message, schedule, slots, tasks, turns, worktree
from pipelines.flows.judgement import Commands, Judgement, Policy, Published
from pipelines.flows.message import Report
from pipelines.flows.stages import Failure, Stages
from pipelines.flows.tasks import outcome, say
from pipelines.flows.view import Fetch, View
from pipelines.flows.voice import says_something
from pipelines.stage import EXIT_MISTAKE

INTERRUPTED = "Interrupted: what was done is saved, and the same command goes on from there."
ANSWER_SECONDS = 7 * 86_400.0
"""How long a question waits for a person; then the champion stays."""
PREPARE = "prepare"


@dataclass(frozen=True)
class Wishes:
    """What a person wants of a run; the fields are the flow's parameters."""

    force: Sequence[str] = ()
    fetch: Fetch = "nothing"
    promote: Policy = "auto"
    dirty: bool = False
    max_age_days: float | None = None


@flow(name="retrain")
def retrain(
    project: str = ".",
    force: tuple[str, ...] = (),
    fetch: Fetch = "nothing",
    promote: Policy = "auto",
    dirty: bool = False,
    max_age_days: float | None = None,
    notify: str | None = None,
) -> State[Any]:
    """Trains what has changed since the last time, and promotes it where it is provably better.

    Args:
        project: the folder with dvc.yaml.
        force: stages to run even where nothing that they depend on has changed.
        fetch: what happens to data that DVC holds first: nothing (from its cache), pull (from the remote), or update
            (imports follow their source).
        promote: auto, ask (pauses until somebody resumes the run) or never.
        dirty: train changes, too, that are not committed.
        max_age_days: a champion older than this is challenged even where nothing has changed.
        notify: a notification block, such as slack-webhook/team, that hears of everything but "nothing to do".
    """
    for runs in ("prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(runs).addFilter(_says_something)
    wishes = Wishes(force, fetch, promote, dirty, max_age_days)
    folder = Path(project).resolve()
    try:
        message.check(notify)
    except UserError as mistake:  # nobody can be told
        return Failed(message=str(mistake), data=Failure(str(mistake), EXIT_MISTAKE))
    try:
        report = _retrain(folder, wishes)
    except turns.Unneeded as skipped:
        return Completed(name=schedule.SKIPPED, message=str(skipped))
    except UserError as mistake:
        failed = Failure(str(mistake), EXIT_MISTAKE)
    except Failure as caught:
        failed = caught
    except KeyboardInterrupt:
        return Cancelled(message=INTERRUPTED)
    else:
        if report is None:
            return Completed(message="Nothing to do: data, params and code are those of the last time.")
        _tell(report.title(), report.markdown(), notify)
        return Completed(message=report.title())
    _tell(str(failed), f"**Retraining failed.** {failed}", notify)
    return Failed(message=str(failed), data=failed)


def _retrain(project: Path, wishes: Wishes) -> Report | None:
    """None where there is nothing to do. Unneeded, Failure or UserError where it does not come to its end."""
    check_age(wishes.max_age_days)
    if reason := schedule.superseded():
        raise turns.Unneeded(reason)
    with _turn(project):
        place = worktree.prepared(project, dirty=wishes.dirty, say=say)
        view = View(project, place)
        view.lend_data()
        commands = Commands(place.folder, say, view.environment)
        with Stages(place.folder, say, environment=view.environment) as stages:
            names = stages.names()
            check_forced(wishes.force, names)
            view.fetch(stages, wishes.fetch)
            why = view.decide(stages, commands, wishes.force, wishes.max_age_days)
            if not why:
                return None
            if view.settings is not None:
                verdicts.require_metrics(view.settings)  # now, and not after hours of training
            say(f"Retrains {place.words()}: {why.words()}.")
            _run_stages(stages, names, [*wishes.force, *([PREPARE] if why.source_changed else [])])
        published = outcome("sync", tasks.sync(commands, return_state=True))
        judgement = _compare(commands, published, moving=wishes.promote == "auto")
        report = Report(why.words(), place.words(), published, judgement)
        tasks.show(place.folder, report)
        view.remember()
    if wishes.promote == "ask" and judgement.worthy:
        report = replace(report, judgement=_ask(project, commands, published, judgement))
        tasks.show(None, report)
    return report


@contextmanager
def _turn(project: Path) -> Iterator[None]:
    """The project to ourselves, after what a killed run left is cleared away, in this folder and on the server."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    mine, state = context.flow_run, worktree.state_folder(project)
    with turns.turn(state, str(mine.id), mine.name, say, unneeded=schedule.superseded) as left:
        if left is not None:
            schedule.bury(left.run_id, say)
        with slots.slot(slots.RETRAIN, say):
            yield


def _run_stages(stages: Stages, names: Sequence[str], forced: Sequence[str]) -> None:
    for name in names:
        run = tasks.run_stage.with_options(name=name, task_run_name=name)
        outcome(name, run(stages, name, force=name in forced, return_state=True))


def check_age(days: float | None) -> None:
    """Failure where a champion of every age, or of none, would be challenged."""
    if days is not None and not 0 < days < math.inf:
        raise Failure(f"max_age_days is {days:g}; it must be a number of days above 0, or be left out.", EXIT_MISTAKE)


def check_forced(force: Sequence[str], names: list[str]) -> None:
    """Failure where a name to force is no stage."""
    for name in force:
        if name not in names:
            raise Failure(f"force names '{name}', which is no stage; choose of: {', '.join(names)}.", EXIT_MISTAKE)


def _compare(commands: Commands, published: Published, *, moving: bool) -> Judgement:
    found: Judgement = outcome("compare", tasks.compare(commands, published, moving=moving, return_state=True))
    say(found.says)
    return found


def _ask(project: Path, commands: Commands, published: Published, judged: Judgement) -> Judgement:
    """Pauses, while others may retrain; whoever resumes the run promotes, if the verdict is still the same."""
    say(f"{judged.says} Resume this run to make it champion; cancel it to leave things as they are.")
    try:
        pause_flow_run(timeout=int(ANSWER_SECONDS), poll_interval=5)
    except FlowPauseTimeout:
        return Judgement(f"{judged.says} Nobody answered, so the champion stays.", champion=judged.champion)
    with _turn(project):
        return _compare(commands, published, moving=True)


def _tell(title: str, text: str, block: str | None) -> None:
    if problem := message.send(title, text, block):
        say(f"warning: {problem}")


def _says_something(record: logging.LogRecord) -> bool:
    """Drops Prefect's dumps of a returned Failed state as well: another line says the same in one sentence."""
    error = (record.exc_info or (None, None, None))[1]
    return says_something(record) and not isinstance(error, Failure)


def main() -> NoReturn:
    """Exit codes: 0, 2 for a mistake, 75 where the same command goes on from what was saved, 130 after Ctrl-C, or 1."""
    parser = _parser()
    options = vars(parser.parse_args())
    try:
        check_age(options["max_age_days"])  # before there is a server to be waited for
    except Failure as mistake:
        parser.error(str(mistake))
    # Prefect may start a server of its own for this run: a kill must not leave it behind for ever.
    os.environ.update(turns.marked(worktree.state_folder(Path.cwd())))
    state = command.run(lambda: retrain(**options, return_state=True), interrupted=INTERRUPTED)
    command.leave(state)


def _parser() -> command.Words:
    """An option for each parameter of the flow."""
    told = "Trains what has changed since the last time, and promotes it where it is provably better."
    parser = command.Words(prog="python -m pipelines.flows.retrain", description=told)
    add = parser.add_argument
    add("--force", metavar="STAGE", action="append", default=[], help="run this stage even where nothing changed")
    add("--fetch", choices=get_args(Fetch), default="nothing", help="what happens first to data that DVC holds")
    add("--promote", choices=get_args(Policy), default="auto", help="ask: pause until somebody resumes the run")
    add("--dirty", action="store_true", help="train changes, too, that are not committed")
    add("--max-age-days", type=float, help="challenge an older champion even where nothing changed")
    add("--notify", metavar="BLOCK", help="a notification block that hears what happened")
    return parser


if __name__ == "__main__":
    main()
