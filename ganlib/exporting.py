"""A generator for other programs: ONNX, torch.export, or weights alone; compared with the generator before it is kept.

The inputs are `latents` and, where it knows classes, `labels`; any number of rows. `images` come out as networks have
them: pictures in about [-1, 1].
"""

import io
import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from . import bundle, files
from .bundle import Description
from .errors import UserError
from .latents import sample_latents
from .shapes import Labels, Latents

Format = Literal["onnx", "safetensors", "torch-export"]

BATCHES = (1, 7, 56)
"""Rows of the calls in which an export is compared with its generator."""

TOLERANCE = 1e-4
"""Between an export and its generator, in each number; relative to the largest one where that is above 1."""

FACTS = "ganlib"
"""Key of an ONNX file's metadata, and name of the extra file in a .pt2, that says in JSON what stands in it."""

Runs = Callable[[Latents, Labels | None], Any]
"""Latents and labels in, an array of images out."""


@dataclass(frozen=True)
class Checked:
    """How an export was compared with its generator."""

    largest_difference: float
    tolerance: float
    batches: tuple[int, ...]
    against: str


def require(wanted: Format) -> None:
    """UserError where a package is missing that the format needs."""
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if wanted == "onnx" and missing:
        raise UserError(
            f"Exporting to ONNX needs {', '.join(missing)}; install in the project's folder: "
            f"pip install -e '.[export]' -c constraints.txt."
        )


def write_onnx(generator: nn.Module, known: Description, path: Path, facts: Mapping[str, Any]) -> Checked:
    """One file, checked with onnxruntime on the CPU; the whole of it or none."""
    import onnx
    import onnxruntime

    with warnings.catch_warnings():
        # The batch is one axis of both inputs, and is named once.
        warnings.filterwarnings("ignore", message="# The axis name")
        made = torch.onnx.export(
            generator,
            _inputs(known, 2),
            dynamo=True,
            verbose=False,
            input_names=list(_axes(known)),
            output_names=["images"],
            dynamic_shapes=_axes(known),
        )
    assert made is not None
    proto = made.model_proto
    # They tell of the machine's folders.
    for told in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        del told.metadata_props[:]
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(latents: Latents, labels: Labels | None) -> Any:
        inputs = zip(_axes(known), (latents, labels), strict=False)
        return session.run(["images"], {name: given.numpy() for name, given in inputs if given is not None})[0]

    checked = compare(generator, known, run)
    onnx.helper.set_model_props(proto, {FACTS: _facts(known, facts, checked, ("torch", "onnx", "onnxruntime"))})
    files.write_bytes(path, proto.SerializeToString())
    return checked


def write_torch_export(generator: nn.Module, known: Description, path: Path, facts: Mapping[str, Any]) -> Checked:
    """One .pt2 file, checked as torch.export.load reads it; the whole of it or none.

    torch.export.load can run what a file tells it to: it is for files that you trust.
    """
    made = torch.export.export(generator, _inputs(known, 2), dynamic_shapes=_axes(known))
    for part in made.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # tells of the machine's folders
    first = io.BytesIO()
    torch.export.save(made, first)
    first.seek(0)
    module = torch.export.load(first).module()
    checked = compare(generator, known, lambda *inputs: module(*inputs[: len(_axes(known))]).numpy())
    last = io.BytesIO()
    torch.export.save(made, last, extra_files={f"{FACTS}.json": _facts(known, facts, checked, ("torch",))})
    files.write_bytes(path, last.getvalue())
    return checked


def write_weights(
    generator: nn.Module, known: Description, source: Path, path: Path, facts: Mapping[str, Any]
) -> Checked:
    """A folder with weights and description as they stand in `source`, checked as this ganlib loads them."""
    with files.whole_folder(path) as aside:
        for name in (bundle.GENERATOR, bundle.DESCRIPTION):
            shutil.copyfile(source / name, aside / name)
        loaded, _ = bundle.load_generator(aside)
        checked = compare(generator, known, lambda latents, labels: loaded(latents, labels).numpy())
        told = _facts(known, facts, checked, ("torch", "safetensors"))
        (aside / "export.json").write_text(told + "\n", encoding="utf-8")
    return checked


def compare(generator: nn.Module, known: Description, run: Runs) -> Checked:
    """UserError where the two give other images of the same random latents."""
    largest, drawn = 0.0, 0
    tolerance = TOLERANCE
    for rows in BATCHES:
        latents, labels = _drawn(known, range(drawn, drawn + rows))
        drawn += rows
        with torch.inference_mode():
            wanted = generator(latents, labels).numpy()
            made = run(latents, labels)
        if made.shape != wanted.shape:
            raise UserError(f"The export makes {made.shape} where the generator makes {wanted.shape}; it was not kept.")
        tolerance = max(tolerance, TOLERANCE * float(np.abs(wanted).max()))
        largest = max(largest, float(np.abs(made - wanted).max()), key=lambda found: (np.isnan(found), found))
    if not largest <= tolerance:
        raise UserError(
            f"The export differs from the generator by {largest:.2g} where {tolerance:.2g} is allowed, so it was not "
            f"kept; export to another format, or with another version of torch."
        )
    return Checked(largest, tolerance, BATCHES, f"torch {version('torch')} on the CPU")


def _drawn(known: Description, indices: range) -> tuple[Latents, Labels | None]:
    latents = sample_latents(0, indices, dim=known.latent_dim, distribution=known.latent_distribution)
    return latents, torch.tensor([i % len(known.classes) for i in indices]) if known.classes else None


def _inputs(known: Description, rows: int) -> tuple[torch.Tensor, ...]:
    latents, labels = _drawn(known, range(rows))
    return (latents,) if labels is None else (latents, labels)


def _axes(known: Description) -> dict[str, dict[int, Any]]:
    """The inputs' names, each with the axis that may have any length."""
    batch = torch.export.Dim("batch", min=1)
    return {"latents": {0: batch}, "labels": {0: batch}} if known.classes else {"latents": {0: batch}}


def _facts(known: Description, facts: Mapping[str, Any], checked: Checked, packages: tuple[str, ...]) -> str:
    """All that a program needs to use the export, and a person to trust it."""
    latents = {"normal": "N(0, 1)", "uniform": "uniform on [-1, 1]"}[known.latent_distribution]
    shape = ", ".join(map(str, known.image_shape))
    pixels = "" if known.kind == "points" else ": (x + 1) * 127.5, rounded and cut to 0..255, are pixels"
    labels = {"labels": f"int64 [batch], 0 to {len(known.classes) - 1}"} if known.classes else {}
    told = {
        **facts,
        "inputs": {"latents": f"float32 [batch, {known.latent_dim}], each number {latents}", **labels},
        "outputs": {"images": f"float32 [batch, {shape}]{pixels}"},
        "classes": known.classes,
        "checked": asdict(checked),
        "versions": {name: version(name) for name in packages},
    }
    return json.dumps(told, indent=2)
