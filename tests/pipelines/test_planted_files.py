"""Somebody can write to the artifact store: what becomes of a planted file, by each of the two ways to load a model.

`ganlib` compares every file with the tag of the version, which stands in the registry. MLflow's own `load_model`
runs the model's code and settings as they lie in the store: the digests of the carried files stand there too.
"""

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from mlflow.exceptions import MlflowException
from mlflow_project import Project, publish
from safetensors.torch import save

from ganlib.errors import UserError
from pipelines import generators, packaging, paths, registry, tracking

CPU = torch.device("cpu")
Plant = Callable[[Path, Path], None]


@pytest.fixture
def model(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The registered model's folder in the store."""
    publish(project)
    registry.sync(project.settings)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    (found,) = (project.folder / "mlartifacts").rglob("MLmodel")
    return found.parent


class Malice:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, left: Path) -> None:
        self.left = left

    def __reduce__(self) -> Any:
        return (exec, (f"open({str(self.left)!r}, 'w')",))


def as_pickle(carried: Path, left: Path) -> None:
    (carried / "generator.safetensors").write_bytes(pickle.dumps(Malice(left)))


def weights(content: bytes) -> Plant:
    return lambda carried, left: (carried / "generator.safetensors").write_bytes(content) and None


def description(**values: Any) -> Plant:
    def plant(carried: Path, left: Path) -> None:
        told = json.loads((carried / "gan.json").read_text())
        (carried / "gan.json").write_text(json.dumps(told | values))

    return plant


def as_network(carried: Path, left: Path) -> None:
    with (carried / "code/ganlib/networks/mlp.py").open("a") as file:
        file.write(f"\nopen({str(left)!r}, 'w').close()\n")


def as_another_network(carried: Path, left: Path) -> None:
    description(network="evil")(carried, left)
    (carried / "code/ganlib/networks/evil.py").write_text(f"open({str(left)!r}, 'w').close()\n")


PLANTS: dict[str, Plant] = {
    "pickle for weights": as_pickle,
    "broken header": weights(struct.pack("<Q", 9) + b"{not json"),
    "endless header": weights(struct.pack("<Q", 1 << 62) + b"{}"),
    "other tensors": weights(save({"x": torch.zeros(1)})),
    "network by path": description(network="../../evil"),
    "huge pictures": description(image_shape=[3, 1 << 24, 1 << 24]),
    "source of the network": as_network,
    "another network": as_another_network,
}  # fmt: skip


def loaded_by_mlflow() -> Any:
    import mlflow

    return mlflow.pyfunc.load_model("models:/pictures@challenger")


def test_a_planted_file_is_refused_by_its_digest_before_anything_runs(model: Path, project: Project) -> None:
    carried, aside, left = model / "artifacts/generator", project.folder / "aside", project.folder / "it-ran"
    shutil.copytree(carried, aside)
    for name, plant in PLANTS.items():
        plant(carried, left)
        with pytest.raises(UserError, match="are not those that were registered; nothing of them was run"):
            generators.open_drawer(generators.find("1", project.settings), CPU)
        with pytest.raises(MlflowException, match="of this model is not the file that was registered; nothing of it"):
            loaded_by_mlflow()
        assert not left.exists(), name
        shutil.rmtree(carried)
        shutil.copytree(aside, carried)
    assert list((project.folder / paths.STATE / "generators").iterdir()) == []
    assert len(loaded_by_mlflow().predict(pd.DataFrame({"seed": [1]}))) == 1


def test_what_was_fetched_before_is_checked_again(model: Path, project: Project) -> None:
    """A planted file in the folder of fetched generators is replaced by the registered one."""
    left, kept = project.folder / "it-ran", generators.find("1", project.settings).folder
    as_network(kept, left)
    as_pickle(kept, left)
    generators.open_drawer(generators.find("1", project.settings), CPU)
    assert not left.exists()


def test_a_pickle_beside_the_model_is_never_opened_and_one_that_it_names_is_refused(
    model: Path, project: Project
) -> None:
    left = project.folder / "it-ran"
    (model / "python_model.pkl").write_bytes(pickle.dumps(Malice(left)))
    assert len(loaded_by_mlflow().predict(pd.DataFrame({"seed": [1]}))) == 1
    told = yaml.safe_load((model / "MLmodel").read_text())
    flavor = told["flavors"]["python_function"]
    del flavor["model_code_path"]
    flavor |= {"python_model": "python_model.pkl", "cloudpickle_version": "3.1.2"}
    (model / "MLmodel").write_text(yaml.safe_dump(told))
    with pytest.raises(MlflowException, match=r"[Pp]ickle"):
        loaded_by_mlflow()
    generators.open_drawer(generators.find("1", project.settings), CPU)
    assert not left.exists(), "and ganlib reads none of these files"


def test_who_can_write_the_digests_too_deceives_mlflow_and_not_ganlib(model: Path, project: Project) -> None:
    """Why ganlib compares with the registry: digests that lie beside the files can be changed with them."""
    left, carried = project.folder / "it-ran", model / "artifacts/generator"
    as_network(carried, left)
    told = yaml.safe_load((model / "MLmodel").read_text())
    told["flavors"]["python_function"]["config"]["digests"] = packaging.digests_in(carried)
    (model / "MLmodel").write_text(yaml.safe_dump(told))
    with pytest.raises(UserError, match="are not those that were registered; nothing of them was run"):
        generators.open_drawer(generators.find("1", project.settings), CPU)
    assert not left.exists()
    loaded_by_mlflow()
    assert left.exists()
