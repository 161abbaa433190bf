"""From DVC's outputs to MLflow: the run completed, the generator registered once per content."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganlib import files
from ganlib.settings import Settings

from . import lineage, origin, outputs, packaging, paths, tracking
from .outputs import Outputs
from .tracking import contents, models, origins, runs

if TYPE_CHECKING:
    from .tracking import ModelVersion, Run


@dataclass(frozen=True)
class Synced:
    """What MLflow shows of the generator in models/gan."""

    run_id: str
    run_name: str
    experiment_id: str
    model: str | None
    """Name of the registered model; none where the generator was not published."""
    version: str | None
    aliases: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """For programs; `page` is where MLflow's pages show the run."""
        return {**vars(self), "page": tracking.run_page(self.experiment_id, self.run_id)}

    def sentence(self) -> str:
        """For people, in one line."""
        aliases = f" ({', '.join(self.aliases)})" if self.aliases else ""
        registered = f"registered as {self.model} version {self.version}{aliases}" if self.model else "not registered"
        return f"MLflow run {self.run_name} is complete; the generator is {registered}."


def manifest(settings: Settings) -> dict[str, Any]:
    """What publishing this generator means, in digests: the same for the same generator, at any time and place."""
    found = outputs.read()
    return {
        "alias": settings.publish.alias,
        "code_sha256": packaging.code_digest(found.description["network"]),
        "data_sha256": found.lineage.data,
        "evaluation_sha256": files.sha256_of(paths.EVALUATION) if paths.EVALUATION.is_file() else None,
        "generator_sha256": found.content,
        "key": found.lineage.key,
        "model": settings.publish.model,
        "network": found.description["network"],
    }


def sync(settings: Settings, *, published: dict[str, Any] | None = None) -> Synced:
    """Makes run and registry say what the outputs say; changes nothing where they do.

    published: what is being published just now; DVC's records call that stage out of date until it has ended.
    Works in an empty store and with some of the outputs; a generator is registered when publish has run. UserError
    where nothing was trained, StoreError where the store is away.
    """
    found = outputs.read()
    if published is not None:
        found = replace(found, published=published)
    with tracking.opened() as store:
        experiment = store.experiment(settings.publish.experiment)
        run = runs.claim(store, experiment, found.lineage, lineage.environment(settings), training=False)
        origins.keep(store, run, origin.texts(settings, found.lineage), overwrite=False)
        contents.add_points(store, run, found.history)
        contents.add_pictures(store, run, found.pictures)
        contents.add_files(store, run, found.reports)
        if found.dataset is not None:
            _add_dataset(store, run, found.dataset)
        version = models.register(store, run, _candidate(found)) if found.published else None
        contents.add_points(store, run, found.metrics(), model_id=models.model_id(version) if version else None)
        runs.set_tags(store, run, {runs.GENERATOR: found.content})
        runs.finish(store, run)
        runs.reap(store, experiment)
        if version and found.published:
            # Last of all: whoever follows the alias finds everything else in place.
            models.point_alias(store, version, found.published["alias"])
        return _synced(store, run, version)


def look(settings: Settings, found: Outputs) -> Synced | None:
    """What MLflow has of the generator now, changing nothing; None where it has no run of it. StoreError as in sync."""
    if not tracking.exists():
        return None
    with tracking.opened() as store:
        experiment = store.experiment(settings.publish.experiment)
        run = runs.find(store, experiment, found.lineage.key)
        if run is None:
            return None
        name = found.published["model"] if found.published else settings.publish.model
        return _synced(store, run, models.find_version(store, name, found.content))


def _synced(store: tracking.Store, run: "Run", version: "ModelVersion | None") -> Synced:
    return Synced(
        run_id=run.info.run_id,
        run_name=run.info.run_name,
        experiment_id=run.info.experiment_id,
        model=version.name if version else None,
        version=str(version.version) if version else None,
        aliases=tuple(models.aliases(store, version)) if version else (),
    )


def _add_dataset(store: tracking.Store, run: "Run", dataset: outputs.Json) -> None:
    profile: outputs.Json = {name: dataset[name] for name in ("shape", "counts")}
    contents.add_dataset(store, run, name=dataset["source"]["name"], digest=dataset["digest"], profile=profile)


def _candidate(found: Outputs) -> models.Candidate:
    """The published generator; UserError where its source is no longer what was published."""
    assert found.published is not None
    published = found.published
    return models.Candidate(
        name=published["model"],
        content=found.content,
        code=published["code_sha256"],
        package=packaging.package_digest(packaging.package_digests(found.description["network"])),
        description=found.description,
        tags={
            "ganlib.key": found.lineage.key,
            "ganlib.data": found.lineage.data,
            "ganlib.code": published["code_sha256"],
            **({"ganlib.evaluation": published["evaluation_sha256"]} if published["evaluation_sha256"] else {}),
        },
    )
