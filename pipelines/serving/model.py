"""How MLflow draws with a registered generator: this file and the carried folder are all it has.

It is copied into the model and imports nothing of this project. The carried source runs under a package name of
its own, from memory, after its sha256 was compared with the model's description: two versions in one process each
run their own code, and a changed file runs not at all.
"""

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel


def refuse(sentence: str) -> MlflowException:
    """The caller's mistake: over HTTP it becomes a 400."""
    return MlflowException(sentence, error_code=INVALID_PARAMETER_VALUE)


class CarriedSource(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one package from the sources it was given, from memory: what was verified is what runs."""

    def __init__(self, name: str, folder: Path, sources: dict[str, bytes]) -> None:
        self.files = {}
        for path, source in sources.items():
            parts = path.removesuffix(".py").split("/")
            module = ".".join([name, *(part for part in parts if part != "__init__")])
            self.files[module] = (folder / path, source)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's place, where it is one of ours."""
        del path, target
        if fullname not in self.files:
            return None
        file, _ = self.files[fullname]
        inside = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, file, loader=self, submodule_search_locations=inside)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module's source."""
        file, source = self.files[module.__name__]
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - this is what an importer does


def verified(folder: Path, digests: dict[str, str]) -> dict[str, bytes]:
    """The carried source by its path inside the package; refuses where any carried file is not as registered."""
    sources = {}
    for path, digest in digests.items():
        content = (folder / path).read_bytes()
        if sha256(content).hexdigest() != digest:
            raise refuse(f"{path} of this model is not the file that was registered; nothing of it was run.")
        if path.startswith("code/ganlib/"):
            sources[path.removeprefix("code/ganlib/")] = content
    return sources


def carried_package(folder: Path, digests: dict[str, str]) -> str:
    """Makes the carried source importable and returns its package name, unique for its content and place."""
    sources = verified(folder, digests)
    identity = repr((str(folder), sorted(digests.items())))
    name = f"ganlib_{sha256(identity.encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        sys.meta_path.insert(0, CarriedSource(name, folder / "code" / "ganlib", sources))
    return name


class ServedGenerator(PythonModel):
    """A row with a seed (and a label, if it knows classes) in, an HxWxC uint8 image or a float32 point out."""

    def load_context(self, context: Any) -> None:
        """Builds the network from its own source and fills in its weights."""
        folder = Path(context.artifacts["generator"])
        package = carried_package(folder, context.model_config["digests"])
        self.latents = importlib.import_module(f"{package}.latents")
        self.sampling = importlib.import_module(f"{package}.sampling")
        bundle = importlib.import_module(f"{package}.bundle")
        self.generator, self.description = bundle.load_generator(folder, device=context.model_config["device"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> "np.ndarray[Any, Any]":
        """NxHxWxC uint8 (C is 1 for grey, 3 for RGB, one more with alpha), or NxD float32 of a generator of points.

        Each image, or point, depends on its row's seed and label alone.

        A label is a class's number or name. Without one the class is the seed modulo the number of classes.
        """
        del context, params
        import torch

        known = self.description
        channels, height, width = known.image_shape
        points = known.kind == "points"
        if model_input.empty:
            shape = (0, channels) if points else (0, height, width, channels)
            return np.zeros(shape, dtype=np.float32 if points else np.uint8)
        seeds = [self._seed(row, seed) for row, seed in enumerate(model_input["seed"])]
        given = model_input["label"] if "label" in model_input else [None] * len(seeds)
        labels = [self._class(row, label, seed) for row, (label, seed) in enumerate(zip(given, seeds, strict=True))]
        draw = {"dim": known.latent_dim, "distribution": known.latent_distribution}
        latents = torch.cat([self.latents.sample_latents(seed, [0], **draw) for seed in seeds])
        classes = torch.tensor(labels) if known.classes else None
        batches = self.sampling.generate(self.generator, latents, classes, batch_size=256)
        made = torch.cat(list(batches))
        result: np.ndarray[Any, Any] = (made.flatten(1) if points else made.permute(0, 2, 3, 1).contiguous()).numpy()
        return result

    def _seed(self, row: int, seed: Any) -> int:
        if int(seed) < 0:
            raise refuse(f"seed {seed} in row {row} is negative; give a whole number from 0 to 2^63 - 1.")
        return int(seed)

    def _class(self, row: int, label: Any, seed: int) -> int:
        """The class number that a row asks for; 0, and never looked at, where the generator knows no classes."""
        classes = self.description.classes
        absent = label is None or label is pd.NA or (isinstance(label, float) and np.isnan(label))
        if absent:
            return seed % len(classes) if classes else 0
        if not classes:
            raise refuse(f"row {row} has label {label!r} but this generator knows no classes; leave the label out.")
        if isinstance(label, str) and label in classes:
            return int(classes.index(label))
        number = isinstance(label, int | float | np.integer | np.floating) and not isinstance(label, bool)
        if number and int(label) == label and 0 <= label < len(classes):
            return int(label)
        shown = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
        raise refuse(
            f"label {label!r} in row {row} is no class of this generator; "
            f"give a number from 0 to {len(classes) - 1} or one of the names: {shown}."
        )


set_model(ServedGenerator())
