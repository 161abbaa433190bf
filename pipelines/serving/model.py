"""How MLflow draws with a registered generator: this file and the carried folder are all it has.

It is copied into the model and imports nothing of this project. The carried source runs under a package name of
its own, from memory, after its sha256 was compared with the model's description: two versions in one process each
run their own code, and a changed file runs not at all.
"""

import base64
import importlib
import importlib.abc
import importlib.util
import struct
import sys
import zlib
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

SHOWN = 40
"""Characters of what a caller sent that a message repeats."""
PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels to the colour type of a PNG file: grey, grey and alpha, RGB, RGB and alpha."""


class Refused(MlflowException):
    """The caller's mistake, in one sentence: over HTTP a 400."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        super().__init__(sentence, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """The sentence, and nothing else: the server would put all that the caller sent before it."""
        return self._sentence

    @message.setter
    def message(self, value: str) -> None:
        del value


def png(image: "np.ndarray[Any, Any]") -> str:
    """An HxWxC uint8 image of 1 to 4 channels as a PNG file, in base64."""
    height, width, channels = image.shape
    # Every line begins with its filter, 0 for none.
    lines = np.zeros((height, 1 + width * channels), dtype=np.uint8)
    lines[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, PNG_COLOURS[channels], 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b"")):
        file += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return base64.b64encode(file).decode()


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
            raise Refused(f"{path} of this model is not the file that was registered; nothing of it was run.")
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
        config = context.model_config
        package = carried_package(folder, config["digests"])
        self.latents = importlib.import_module(f"{package}.latents")
        self.sampling = importlib.import_module(f"{package}.sampling")
        bundle = importlib.import_module(f"{package}.bundle")
        self.generator, self.description = bundle.load_generator(folder, device=config["device"])
        numbers = int(np.prod(self.description.image_shape))
        self.most_rows = max(1, min(config["most_rows"], config["most_numbers"] // numbers))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> "np.ndarray[Any, Any] | list[str]":
        """NxHxWxC uint8 (C is 1 for grey, 3 for RGB, one more with alpha), or NxD float32 of a generator of points.

        Each image, or point, depends on its row's seed and label, and on the truncation, alone. With the parameter
        `format` at `png` there are PNG files instead, each a string in base64.

        A label is a class's number or name. Without one the class is the seed modulo the number of classes.
        """
        del context
        chosen = params or {}
        as_png = self._as_png(chosen.get("format"))
        truncation = self._truncation(chosen.get("truncation"))
        if len(model_input) > self.most_rows:
            raise Refused(
                f"the request has {len(model_input)} rows, and this model draws {self.most_rows} at once; send several "
                f"requests, or load it with a higher most_rows or most_numbers in its model_config."
            )
        made = self._drawn(model_input, truncation) if len(model_input) else self._nothing()
        return [png(image) for image in made] if as_png else made

    def _drawn(self, rows: pd.DataFrame, truncation: float | None) -> "np.ndarray[Any, Any]":
        """As `predict`, of one row at least."""
        import torch

        known = self.description
        seeds = [self._seed(row, seed) for row, seed in enumerate(rows["seed"])]
        given = rows["label"] if "label" in rows else [None] * len(seeds)
        labels = [self._class(row, label, seed) for row, (label, seed) in enumerate(zip(given, seeds, strict=True))]
        draw = {"dim": known.latent_dim, "distribution": known.latent_distribution}
        latents = torch.cat([self.latents.sample_latents(seed, [0], **draw) for seed in seeds])
        if truncation is not None:
            latents = self.latents.truncated(latents, truncation, known.latent_distribution)
        classes = torch.tensor(labels) if known.classes else None
        made = torch.cat(list(self.sampling.generate(self.generator, latents, classes, batch_size=256)))
        points = known.kind == "points"
        result: np.ndarray[Any, Any] = (made.flatten(1) if points else made.permute(0, 2, 3, 1).contiguous()).numpy()
        return result

    def _nothing(self) -> "np.ndarray[Any, Any]":
        """What no rows become."""
        channels, height, width = self.description.image_shape
        if self.description.kind == "points":
            return np.zeros((0, channels), dtype=np.float32)
        return np.zeros((0, height, width, channels), dtype=np.uint8)

    def _as_png(self, wanted: Any) -> bool:
        if wanted not in (None, "array", "png"):
            raise Refused(f"format is {shown(wanted)}; give array or png.")
        if wanted == "png" and (
            self.description.kind == "points" or self.description.image_shape[0] not in PNG_COLOURS
        ):
            raise Refused("format is 'png' but what this generator makes is no picture that PNG has; give array.")
        return bool(wanted == "png")

    def _truncation(self, wanted: Any) -> float | None:
        if wanted is None:
            return None
        if not float(wanted) > 0:
            raise Refused(f"truncation is {wanted}; give a number above 0, such as 0.7, or leave it out.")
        return float(wanted)

    def _seed(self, row: int, seed: Any) -> int:
        if int(seed) < 0:
            raise Refused(f"seed {seed} in row {row} is negative; give a whole number from 0 to 2^63 - 1.")
        return int(seed)

    def _class(self, row: int, label: Any, seed: int) -> int:
        """The class number that a row asks for; 0, and never looked at, where the generator knows no classes."""
        classes = self.description.classes
        absent = label is None or label is pd.NA or (isinstance(label, float) and np.isnan(label))
        if absent:
            return seed % len(classes) if classes else 0
        if not classes:
            raise Refused(
                f"row {row} has label {shown(label)} but this generator knows no classes; leave the label out."
            )
        if isinstance(label, str) and label in classes:
            return int(classes.index(label))
        number = isinstance(label, int | float | np.integer | np.floating) and not isinstance(label, bool)
        if number and 0 <= label < len(classes) and int(label) == label:
            return int(label)
        names = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
        raise Refused(
            f"label {shown(label)} in row {row} is no class of this generator; "
            f"give a number from 0 to {len(classes) - 1} or one of the names: {names}."
        )


def shown(value: Any) -> str:
    """What a caller sent, as a message repeats it."""
    words = repr(value)
    return words if len(words) <= SHOWN else words[:SHOWN] + "..."


set_model(ServedGenerator())
