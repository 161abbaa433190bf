"""Registered generators: one version for one content, found by its digest and never registered twice."""

import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlib.errors import UserError

from .. import packaging, paths
from .store import Store, written

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.models import ModelSignature

CONTENT = "ganlib.content"
PACKAGE = "ganlib.package"
"""Tag of a version: the digest over all files that its generator is carried in; older versions have none."""
VARIABLE = "MLFLOW_TRACKING_URI"
NEEDED = ("torch", "numpy", "pandas", "safetensors", "pydantic", "jaxtyping")
LIMITS = {"most_rows": 1024, "most_numbers": 1 << 24}
"""What one request may ask of a served generator: rows, and numbers in all its pictures."""


@dataclass(frozen=True)
class Candidate:
    """A generator that may be registered."""

    name: str
    """The registered model's name."""
    content: str
    """sha256 of the weights: what a version is found by."""
    code: str
    """Digest of the source that was published with it."""
    package: str
    """Digest over all files that are carried with it."""
    description: Mapping[str, Any]
    """As in gan.json."""
    tags: Mapping[str, str]
    """Lineage, for the version and the logged model."""

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags with the digests of what is registered."""
        return {**self.tags, CONTENT: self.content, PACKAGE: self.package}


def find_version(store: Store, name: str, content: str) -> "ModelVersion | None":
    """The version with this content; the lowest, if hosts that could not see each other made several."""
    quoted = name.replace("'", "''")
    found = store.client.search_model_versions(f"name = '{quoted}' and tags.`{CONTENT}` = '{content}'")
    return min(found, key=lambda version: int(version.version), default=None)


def model_id(version: "ModelVersion") -> str | None:
    """The logged model behind a version."""
    match = re.fullmatch(r"models:/(m-[0-9a-f]+)", version.source or "")
    return match[1] if match else None


def register(store: Store, run: "Run", candidate: Candidate) -> "ModelVersion":
    """The version with the candidate's content, made where there is none."""
    with store.lock:
        found = find_version(store, candidate.name, candidate.content)
        if found is not None:
            return found
        logged = _logged_model(store, run, candidate)
        _make_model(store, candidate.name)
        with _addressed(store):
            made = store.client.create_model_version(
                candidate.name,
                source=f"models:/{logged.model_id}",
                run_id=run.info.run_id,
                tags={name: value for name, value in logged.tags.items() if name.startswith("ganlib.")},
                description=_summary(candidate.description),
                model_id=logged.model_id,
            )
        winner = find_version(store, candidate.name, candidate.content) or made
        if winner.version != made.version:
            store.client.delete_model_version(candidate.name, str(made.version))
        return winner


def _make_model(store: Store, name: str) -> None:
    """Where there is none of this name; another host may be quicker."""
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):
        store.client.get_registered_model(name)
        return
    try:
        store.client.create_registered_model(name, description="Image generators, published by ganlib.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def point_alias(store: Store, version: "ModelVersion", alias: str) -> None:
    """Lets the alias name this version; does nothing where it does."""
    if store.client.get_registered_model(version.name).aliases.get(alias) != version.version:
        written(lambda: store.client.set_registered_model_alias(version.name, alias, str(version.version)))


def aliases(store: Store, version: "ModelVersion") -> list[str]:
    """The aliases that name this version."""
    given = store.client.get_registered_model(version.name).aliases
    return sorted(alias for alias, number in given.items() if str(number) == str(version.version))


def _logged_model(store: Store, run: "Run", candidate: Candidate) -> "LoggedModel":
    """A complete logged model with this content: an earlier one that was never registered, or a new one.

    Its tags speak of the files that it holds, which in an earlier one are those of that time.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    experiment = run.info.experiment_id
    left = store.client.search_logged_models([experiment], filter_string=f"tags.`{CONTENT}` = '{candidate.content}'")
    for model in left:
        if model.status == LoggedModelStatus.READY:
            return model
    made = store.client.create_logged_model(
        experiment, name="generator", source_run_id=run.info.run_id, tags=candidate.all_tags, model_type="generator"
    )
    with tempfile.TemporaryDirectory(prefix="ganlib-") as aside:
        _save(Path(aside) / "model", run.info.run_id, made.model_id, candidate)
        store.client.log_model_artifacts(made.model_id, str(Path(aside) / "model"))
    store.client.finalize_logged_model(made.model_id, "READY")
    step = int(candidate.description["images_seen"])
    store.client.log_outputs(run.info.run_id, [LoggedModelOutput(made.model_id, step)])
    return made


def _save(folder: Path, run_id: str, model: str, candidate: Candidate) -> None:
    """Writes the model as MLflow loads it; nothing in it names a path of this machine."""
    network = str(candidate.description["network"])
    packed = folder.parent / "generator"
    digests = packaging.pack(packed, network)
    same = digests["generator.safetensors"] == candidate.content and packaging.code_digest(network) == candidate.code
    if not same or packaging.package_digest(digests) != candidate.package:
        raise UserError(
            f"{candidate.name} cannot be registered: the weights or the source of ganlib are no longer those that "
            f"{paths.PUBLISHED} speaks of; publish anew: dvc repro && dvc repro -f -s publish."
        )
    with warnings.catch_warnings():
        # MLflow warns of its own type hints, and pandas of how MLflow writes the example.
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        import pandas as pd
        from mlflow.models import Model

        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(packaging.SERVED_BY),
            artifacts={"generator": str(packed)},
            signature=_signature(candidate.description),
            input_example=pd.DataFrame({"seed": [0, 1]}),
            pip_requirements=[f"{name}=={version_of(name).split('+')[0]}" for name in NEEDED],
            model_config={"digests": digests, "device": "cpu", **LIMITS},
            mlflow_model=Model(run_id=run_id, model_id=model),
        )
    written = Model.load(str(folder))
    flavor = written.flavors["python_function"]
    flavor["model_code_path"] = packaging.SERVED_BY.name
    flavor["artifacts"] = {"generator": {"path": "artifacts/generator", "uri": "artifacts/generator"}}
    written.save(str(folder / "MLmodel"))
    shutil.rmtree(packed)


def _signature(description: Mapping[str, Any]) -> "ModelSignature":
    """Seeds, and class numbers or names, in; uint8 images, or float32 points, out; see `serving/model.py`."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    channels, height, width = description["image_shape"]
    label = ColSpec(AnyType(), "label", required=False)  # type: ignore[no-untyped-call]
    if _makes_points(description):
        made = TensorSpec(np.dtype("float32"), (-1, channels), "points")
    else:
        made = TensorSpec(np.dtype("uint8"), (-1, height, width, channels), "images")
    params = [ParamSpec("truncation", DataType.double, None), ParamSpec("format", DataType.string, "array")]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.long, "seed"), label]), outputs=Schema([made]), params=ParamSchema(params)
    )


def _summary(description: Mapping[str, Any]) -> str:
    channels, height, width = description["image_shape"]
    classes = f", {len(description['classes'])} classes" if description["classes"] else ""
    if _makes_points(description):
        size, shown = f"points of {channels} dimension{'s' if channels > 1 else ''}", "points"
    else:
        size, shown = f"{height}x{width}x{channels}", "images"
    return f"{description['network']}, {size}{classes}, {description['images_seen']} {shown} seen"


def _makes_points(description: Mapping[str, Any]) -> bool:
    """Descriptions older than points do not say."""
    return bool(description.get("kind") == "points")


@contextmanager
def _addressed(store: Store) -> Iterator[None]:
    """MLflow looks the logged model of a new version up in the process-wide store, whatever the client's is."""
    import mlflow

    before = os.environ.get(VARIABLE)
    mlflow.set_tracking_uri(store.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # back to what the environment says
        if before is not None:
            os.environ[VARIABLE] = before


def names(store: Store) -> list[str]:
    """Of all registered models."""
    return sorted(model.name for model in store.client.search_registered_models(max_results=1000))


def versions(store: Store, name: str) -> "list[ModelVersion]":
    """All versions, the newest first; UserError where no model has this name."""
    _model(store, name)
    quoted = name.replace("'", "''")
    found = store.client.search_model_versions(f"name = '{quoted}'", max_results=10_000)
    return sorted(found, key=lambda version: -int(version.version))


def by_number(store: Store, name: str, number: int) -> "ModelVersion":
    """UserError where there is no such version, or no such model."""
    there = {int(version.version): version for version in versions(store, name)}
    if number not in there:
        known = ", ".join(map(str, sorted(there))) or "none"
        raise UserError(f"{name} has no version {number}; there is: {known}. Look: ganlib models {name}.")
    return there[number]


def by_alias(store: Store, name: str, alias: str) -> "ModelVersion":
    """UserError where the alias names no version, or there is no such model."""
    given = _model(store, name).aliases
    if alias not in given:
        known = ", ".join(sorted(given)) or "none"
        raise UserError(f"{name} has no alias {alias!r}; there is: {known}. Look: ganlib models {name}.")
    return by_number(store, name, int(given[alias]))


def of_run(store: Store, run_id: str) -> "ModelVersion":
    """The newest version that came of the run; UserError where there is none."""
    found = store.client.search_model_versions(f"run_id = '{run_id}'")
    if not found:
        raise UserError(f"The run {run_id} has no registered generator; name another, or publish it: dvc repro.")
    return max(found, key=lambda version: int(version.version))


def fetch(store: Store, version: "ModelVersion", folder: Path) -> None:
    """Copies the files that the generator is carried in to an existing folder, unread and unchecked."""
    from mlflow.artifacts import download_artifacts

    identifier = model_id(version)
    if identifier is None:
        raise UserError(f"{version.name} version {version.version} has no files that ganlib knows ({version.source}).")
    with tempfile.TemporaryDirectory(prefix="ganlib-", dir=folder.parent) as aside:
        uri = f"{store.client.get_logged_model(identifier).artifact_location}/artifacts/generator"
        fetched = Path(download_artifacts(artifact_uri=uri, dst_path=aside, tracking_uri=store.uri))
        shutil.copytree(fetched, folder, dirs_exist_ok=True)


def _model(store: Store, name: str) -> "RegisteredModel":
    from mlflow.exceptions import MlflowException

    try:
        return store.client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    known = ", ".join(names(store)) or "none yet"
    raise UserError(f"No registered model is called {name!r}; there is: {known}.")
