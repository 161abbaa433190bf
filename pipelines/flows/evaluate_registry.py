"""Registered versions scored on today's data, as a Prefect flow: `python -m pipelines.flows.evaluate_registry`."""

import contextlib
import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

# Prefect reads its environment when it is imported, and the package's __init__ has set it by now.
from prefect import State, flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from ganlib.errors import UserError
from pipelines import origin, params, watching
from pipelines.flows import command
from pipelines.flows.slots import GPU, device_slot, slot
from pipelines.flows.stages import Failure, Stages
from pipelines.flows.voice import say, says_something
from pipelines.stage import EXIT_MISTAKE
from pipelines.sweeping import plan, slots, trying
from pipelines.watching import Bundle, Scored, Verdict

NEEDED = ("prepare", "classifier")
"""Stages whose outputs every score needs; what else they need runs before them."""
EXIT_DRIFTED = 1


@task(name="data", task_run_name="data", cache_policy=NO_CACHE)
def prepare(project: Path, environment: dict[str, str]) -> None:
    """Prepares the data where they have changed, and what looks at them, in the folder."""
    with Stages(project, say, environment=environment) as stages:
        names = stages.names()
        last = max((place for place, name in enumerate(names) if name in NEEDED), default=-1)
        for name in names[: last + 1]:
            if name in NEEDED or name.endswith(".dvc"):
                with trying.alone(project, name), device_slot(name, say):
                    stages.run(name)


@task(name="score", task_run_name="score {name}", cache_policy=NO_CACHE, persist_result=False)
def score(name: str, bundle: Bundle, named: Any) -> Scored:  # noqa: ARG001 - of the task run
    """One version, by every block."""
    with slot(GPU, say):
        return Scored(named, bundle.score(named))


@task(name="drift", task_run_name="drift", cache_policy=NO_CACHE, persist_result=False)
def judge(bundle: Bundle, champion: Scored) -> Verdict:
    """The champion beside the data that it was trained on; the registry is told."""
    found = watching.judge(bundle, champion.named, say)
    watching.mark(champion.named, found, bundle.bench.data.digest)
    return found


@flow(name="evaluate-registry")
def evaluate_registry(
    versions: tuple[str, ...] = (), last: int = 3, alias: str = "champion", project: str = "."
) -> State[Any]:
    """Scores the champion and other versions on the data as they are now, and says whether the champion has drifted.

    Args:
        versions: which others: a version (3), an alias (challenger), NAME/3.
        last: and the newest so many.
        alias: who is watched for drift.
        project: the folder with dvc.yaml.
    """
    logging.getLogger("prefect.task_runs").addFilter(says_something)
    with contextlib.chdir(project):
        try:
            text = Path(origin.PARAMS).read_text(encoding="utf-8")
            settings = params.load()
            named = watching.chosen(settings, versions, last, alias)
            with slots.opened(plan.commit(), 1) as places, places.taken() as (folder, environment):
                slots.lend(folder, text)
                prepare(folder, environment)
                with contextlib.chdir(folder):
                    return compared(watching.opened(settings), named, alias)
        except (UserError, Failure) as mistake:
            return Failed(message=str(mistake), data=Failure(str(mistake), EXIT_MISTAKE))


def compared(bundle: Bundle, named: list[Any], alias: str) -> State[Any]:
    """All scored and shown; the state is called Drifted where the champion has."""
    found = [score(one.name, bundle, one) for one in named]
    shown = watching.rows(bundle, found)
    about = f"{bundle.metric}: mean over {len(bundle.seeds)} blocks of {bundle.bench.samples} pictures."
    create_table_artifact(shown, key="registry", description=about)
    for row in shown:
        get_run_logger().info("%s", ", ".join(f"{name} {value}" for name, value in row.items() if value))
    watched = next((one for one in found if one.is_called(alias)), None)
    if watched is None:
        return Completed(message=f"{len(found)} versions are scored; there is no {alias} that could have drifted.")
    verdict = judge(bundle, watched)
    create_markdown_artifact(f"**{verdict.state}**\n\n{verdict.sentence}", key="drift")
    if verdict.state == "drifted":
        return Completed(name="Drifted", message=verdict.sentence)
    return Completed(message=verdict.sentence)


def main() -> NoReturn:
    """Exit codes: 0; 1 where the champion has drifted, or for anything else; 2 for a mistake; 130 interrupted."""
    parser = command.Words(prog="python -m pipelines.flows.evaluate_registry")
    parser.description = "Scores registered versions on today's data, and says whether the champion has drifted."
    parser.add_argument("versions", nargs="*", help="others than the champion: a version (3), an alias, NAME/3")
    parser.add_argument("--last", metavar="N", type=int, default=3, help="and the newest so many (3)")
    parser.add_argument("--alias", default="champion", help="who is watched for drift (champion)")
    words = parser.parse_args()
    state = command.run(
        lambda: evaluate_registry(tuple(words.versions), words.last, words.alias, return_state=True),
        interrupted="Interrupted: what was scored is kept.",
    )
    if state.is_completed():
        print(state.message)
    if state.name == "Drifted":
        sys.exit(EXIT_DRIFTED)
    command.leave(state)


if __name__ == "__main__":
    main()
