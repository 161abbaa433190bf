"""Runs and registered generators as tables show them, in a few calls to the store, however many there are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import models
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Metric, Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

CHAMPION = "champion"
COMMIT, DIRTY, DATA = "mlflow.source.git.commit", "ganlib.git_dirty", "ganlib.data"


@dataclass(frozen=True)
class Listed:
    """A run with the version that came of it, or a version with the run that it came of; what is missing is None."""

    model: str | None
    version: int | None
    aliases: tuple[str, ...]
    run_id: str | None
    run_name: str | None
    status: str | None
    dataset: str | None
    """Name of its source."""
    data: str | None
    """Digest of the prepared data."""
    images_seen: int | None
    time_ms: int
    """When the version was made, or the run begun: milliseconds since 1970."""
    commit: str | None
    dirty: bool
    numbers: Mapping[str, float]
    """What was evaluated: `fid.value/PROTOCOL` -> 0.2."""


def runs(store: Store, experiment: str, limit: int) -> list[Listed]:
    """The newest runs of the experiment, none where it does not exist."""
    found = store.client.get_experiment_by_name(experiment)
    if found is None:
        return []
    newest = ["attributes.start_time DESC"]
    shown = store.client.search_runs([found.experiment_id], max_results=limit, order_by=newest)
    made: dict[str, ModelVersion] = {}
    if shown:
        of_them = f"run_id IN ({_quoted(run.info.run_id for run in shown)})"
        for version in sorted(store.client.search_model_versions(of_them), key=lambda each: int(each.version)):
            made[version.run_id or ""] = version
    named = _registered(store) if made else {}
    return [_listed(run, made.get(run.info.run_id), None, named, time_ms=run.info.start_time) for run in shown]


def versions(store: Store, name: str, limit: int) -> list[Listed]:
    """The newest versions of a registered model; UserError where there is none of this name."""
    return _with_origins(store, models.versions(store, name)[:limit], _registered(store))


def newest(store: Store, limit: int) -> list[Listed]:
    """Of each registered model its newest version and, where that is another, its champion; the newest model first."""
    named = _registered(store)
    made: dict[str, list[ModelVersion]] = {}
    for version in sorted(store.client.search_model_versions(), key=lambda each: -int(each.version)) if named else ():
        made.setdefault(version.name, []).append(version)
    ordered = sorted(made, key=lambda name: -made[name][0].creation_timestamp)[:limit]
    chosen = []
    for name in ordered:
        champion = str(named[name].aliases.get(CHAMPION)) if name in named else None
        chosen += [made[name][0], *(each for each in made[name][1:] if str(each.version) == champion)]
    return _with_origins(store, chosen, named)


def _with_origins(
    store: Store, chosen: "Sequence[ModelVersion]", named: "Mapping[str, RegisteredModel]"
) -> list[Listed]:
    """The versions with what their runs, also deleted ones, and logged models say."""
    from mlflow.entities import ViewType

    experiments = [found.experiment_id for found in store.client.search_experiments(max_results=1000)]
    run_ids = {version.run_id for version in chosen if version.run_id}
    identifiers = {identifier for version in chosen if (identifier := models.model_id(version))}
    origins: dict[str, Run] = {}
    logged: dict[str, LoggedModel] = {}
    if run_ids:
        wanted = f"attributes.run_id IN ({_quoted(run_ids)})"
        found_runs = store.client.search_runs(experiments, wanted, run_view_type=ViewType.ALL)
        origins = {run.info.run_id: run for run in found_runs}
    if identifiers:
        wanted = f"model_id IN ({_quoted(identifiers)})"
        found = store.client.search_logged_models(experiments, filter_string=wanted, max_results=len(identifiers))
        logged = {model.model_id: model for model in found}
    return [
        _listed(
            origins.get(version.run_id or ""),
            version,
            logged.get(models.model_id(version) or ""),
            named,
            time_ms=version.creation_timestamp,
        )
        for version in chosen
    ]


def _listed(
    run: "Run | None",
    version: "ModelVersion | None",
    logged: "LoggedModel | None",
    named: "Mapping[str, RegisteredModel]",
    *,
    time_ms: int,
) -> Listed:
    tags = {} if run is None else run.data.tags
    own = {} if version is None else version.tags
    points: list[Metric] = [] if run is None else run.data._metric_objs
    if logged is not None and logged.metrics:
        points = logged.metrics  # a run that was trained anew has the numbers of its last generator alone
    given = run.inputs.dataset_inputs if run is not None and run.inputs else []
    registered = named.get(version.name) if version is not None else None
    return Listed(
        model=None if version is None else version.name,
        version=None if version is None else int(version.version),
        aliases=() if version is None or registered is None else _aliases(registered, version),
        run_id=None if run is None else run.info.run_id,
        run_name=None if run is None else run.info.run_name,
        status=None if run is None else run.info.status,
        dataset=given[0].dataset.name if given else None,
        data=own.get(DATA, tags.get(DATA)),
        images_seen=max((point.step for point in points), default=None),
        time_ms=time_ms,
        commit=tags.get(COMMIT),
        dirty=tags.get(DIRTY) == "true",
        numbers=_newest_values(points),
    )


def _newest_values(points: "Iterable[Metric]") -> dict[str, float]:
    """Of the numbers that have a protocol, those that were said last."""
    ordered = sorted(points, key=lambda point: (point.step, point.timestamp))
    return {point.key: point.value for point in ordered if "/" in point.key}


def _aliases(registered: "RegisteredModel", version: "ModelVersion") -> tuple[str, ...]:
    given = registered.aliases.items()
    return tuple(sorted(alias for alias, number in given if str(number) == str(version.version)))


def _registered(store: Store) -> "dict[str, RegisteredModel]":
    return {model.name: model for model in store.client.search_registered_models(max_results=1000)}


def _quoted(identifiers: Iterable[str]) -> str:
    return ", ".join(f"'{identifier}'" for identifier in sorted(identifiers))
