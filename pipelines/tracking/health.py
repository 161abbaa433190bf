"""What a look at the whole store tells: runs that nobody is at any more, and trainings that have ended well."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import runs
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

MANY = 10_000


@dataclass(frozen=True)
class Left:
    """A run that says RUNNING and is not."""

    name: str
    host: str
    silent: float | None
    """Seconds since its process was last heard of; None where it never was."""


def experiments(store: Store) -> int:
    """How many there are."""
    return len(store.client.search_experiments(max_results=1000))


def left_runs(store: Store, experiment: str, *, end: bool) -> list[Left]:
    """The runs of the experiment that nobody is at any more; with `end` they are marked KILLED."""
    found = store.client.get_experiment_by_name(experiment)
    if found is None:
        return []
    if end:
        left = runs.reap(store, found.experiment_id)
    else:
        left = [run for run in runs.running(store, found.experiment_id) if runs.is_left(run)]
    return [_left(run) for run in left]


def _left(run: "Run") -> Left:
    host = run.data.tags.get(runs.HOST, "an unknown host")
    return Left(run.info.run_name or run.info.run_id, host, runs.silent_seconds(run))


def ended_well(store: Store) -> dict[str, bool]:
    """Of each lineage key that any run has: whether all of its runs are FINISHED."""
    everywhere = [found.experiment_id for found in store.client.search_experiments(max_results=1000)]
    states: dict[str, bool] = {}
    for run in store.client.search_runs(everywhere, f"tags.`{runs.KEY}` != ''", max_results=MANY):
        key = run.data.tags[runs.KEY]
        states[key] = states.get(key, True) and run.info.status == "FINISHED"
    return states


def registered_keys(store: Store) -> set[str]:
    """The lineage keys whose generator is in the registry."""
    versions = store.client.search_model_versions(max_results=MANY)
    return {version.tags[runs.KEY] for version in versions if runs.KEY in version.tags}
