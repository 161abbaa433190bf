"""A project folder with outputs as the stages would leave them, and MLflow stores: empty, serving, and dead."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganlib import bundle
from ganlib.networks import Fit, NetworkFamily
from ganlib.settings import Settings, parse, plain
from pipelines import lineage, paths
from pipelines.lineage import Lineage

REPOSITORY = Path(__file__).parents[2]
SETTINGS = {"network": {"name": "mlp", "width": 1}, "publish": {"experiment": "e", "model": "pictures"}}


@dataclass(frozen=True)
class Project:
    """A folder with the outputs of a whole pipeline, and what they were made from."""

    folder: Path
    settings: Settings
    lineage: Lineage

    def train_again(self, *, seed: int) -> "Project":
        """Another generator in place of the first, with results of its own."""
        other = replace(self, lineage=replace(self.lineage, code={"train.py": f"{seed:064d}"}))
        write_outputs(other, seed=seed)
        return other


def write_outputs(project: Project, *, seed: int = 0, classes: tuple[str, ...] = ("zero", "one", "two")) -> None:
    """What train, classifier, sample and evaluate leave; the seed decides weights and numbers."""
    torch.manual_seed(seed)
    family = bundle.components.build(NetworkFamily, "mlp", {"width": 1}, section="network")
    fit = Fit((1, 4, 4), 8, len(classes))
    description = bundle.Description("mlp", {"width": 1}, (1, 4, 4), 8, "normal", classes, 3000, (5,) * len(classes))
    for folder in (paths.GAN, paths.TRAINING_GRIDS, paths.CLASSIFIER_METRICS.parent, paths.PREPARED):
        folder.mkdir(parents=True, exist_ok=True)
    bundle.save_gan(paths.GAN, description, family.generator(fit), None)
    lineage.write(paths.GAN, project.lineage)
    rows = [f"{1000 * i},{0.5 / i + seed},{1 / 3 + i}" for i in (1, 2, 3)]
    paths.HISTORY.write_text("\n".join(["images_seen,discriminator_loss,generator_loss", *rows]) + "\n")
    grid = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    for picture in (paths.TRAINING_GRIDS / "000001000.png", paths.TRAINING_GRIDS / "000003000.png", paths.GRID):
        Image.fromarray(grid).save(picture)
    paths.CLASSIFIER_METRICS.write_text(json.dumps({"heldout_accuracy": 0.97, "classes": 3}))
    protocol = {
        "name": "classifier-n2000-train-ab12", "samples": 2000, "floor_count": 9, "sample_seed": 0,
        "reference_count": 50, "extractor": "classifier", "features": 64,
    }  # fmt: skip
    fid = {"value": 12.5 + seed, "value_at_floor_count": 13.0, "floor": 2.0}
    kid = {"absent": "too few pictures"}
    paths.EVALUATION.write_text(json.dumps({"protocol": protocol, "fid": fid, "kid": kid}))
    dataset = {"shape": [1, 4, 4], "classes": classes, "counts": {"train": 9, "heldout": 3}, "digest": "d" * 64}
    (paths.PREPARED / "dataset.json").write_text(json.dumps({**dataset, "source": {"name": "digits"}}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: bytes) -> Project:
    """The current folder: trained, judged, not published; its embedded store is empty."""
    return project_in(tmp_path / "project", monkeypatch, empty_database)


def project_in(folder: Path, monkeypatch: pytest.MonkeyPatch, empty_database: bytes) -> Project:
    """As the fixture `project`, in a folder that does not exist yet."""
    folder.mkdir()
    (folder / "ganlib").symlink_to(REPOSITORY / "ganlib")
    (folder / "mlflow.db").write_bytes(empty_database)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = parse(SETTINGS, where="test")
    made = Project(folder, settings, lineage_of(settings))
    write_outputs(made)
    return made


def lineage_of(settings: Settings) -> Lineage:
    """What a generator of these settings was made from."""
    sections = {name: plain(settings)[name] for name in lineage.TRAIN_SECTIONS}
    return Lineage(settings=sections, code={"train.py": "c" * 64}, data="d" * 64)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MLflow database as the stages create it; making one takes seconds."""
    from pipelines.tracking import store

    folder = tmp_path_factory.mktemp("empty")
    (folder / paths.STATE).mkdir()
    store._quieten()
    store._create(folder / "mlflow.db", (folder / "mlartifacts").as_uri())
    return (folder / "mlflow.db").read_bytes()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    """Fails where it does not come true in time."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come true in time"
        time.sleep(0.05)


def answers(uri: str) -> bool:
    try:
        urllib.request.urlopen(f"{uri}/health", timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def serving(
    folder: Path, database: str, *options: str, port: int | None = None, **environment: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The address of a real MLflow server over this database, and its process, which leads a group of its own."""
    port = port or free_port()
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database, "--artifacts-destination", (folder / "files").as_uri(), *options]
    around = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **environment}
    around.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=around, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), seconds=400)
        yield f"http://127.0.0.1:{port}", server
    finally:
        kill(server)


def kill(server: "subprocess.Popen[bytes]") -> None:
    """With all its workers."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Iterator[str]:
    """The address of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_database)
    with serving(folder, f"sqlite:///{folder}/mlflow.db") as (uri, _):
        yield uri


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def publish(project: Project) -> None:
    """What the publish stage writes; MLflow hears nothing of it."""
    from pipelines import registry

    paths.PUBLISHED.write_text(json.dumps(registry.manifest(project.settings)))


def everything_in_mlflow() -> dict[str, object]:
    """All that the store holds of experiment `e`, in a form that can be compared."""
    from pipelines import tracking

    with tracking.opened() as store:
        client = store.client
        experiment = client.get_experiment_by_name("e")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        models = client.search_logged_models([experiment.experiment_id]) if experiment else []
        return {
            "runs": {run.info.run_id: whole_run(client, run) for run in runs},
            "logged models": {model.model_id: (str(model.status), model.metrics) for model in models},
            "versions": {v.version: v.tags for v in client.search_model_versions("name = 'pictures'")},
            # Tests that share a server have models of other names there.
            "aliases": {model.name: model.aliases for model in client.search_registered_models("name = 'pictures'")},
        }


def whole_run(client: Any, run: Any) -> dict[str, Any]:
    run_id = run.info.run_id
    histories = {name: client.get_metric_history(run_id, name) for name in run.data.metrics}
    folders = ("", "images", "reports", "metrics", "models/gan")
    return {
        "status": run.info.status,
        "params": run.data.params,
        "tags": {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        "points": {name: sorted((p.step, p.timestamp, p.value) for p in all_) for name, all_ in histories.items()},
        "files": sorted(file.path for folder in folders for file in client.list_artifacts(run_id, folder)),
        "data": [(given.dataset.name, given.dataset.digest) for given in run.inputs.dataset_inputs],
    }


def only_run() -> dict[str, Any]:
    """The one run that the store holds."""
    (run,) = everything_in_mlflow()["runs"].values()  # type: ignore[attr-defined]
    return dict(run)
