"""The page of components: what each file of ganlib's folders is, and the options that it takes."""

import inspect
from dataclasses import is_dataclass
from typing import Any

from pydantic import TypeAdapter

from ganlib import components
from ganlib.augmentations import Augmentation
from ganlib.datasets import Source
from ganlib.features import ExtractorLoader
from ganlib.losses import GanLoss
from ganlib.networks import NetworkFamily
from ganlib.penalties import Penalty

from .values import docstrings_of_fields, shown, table, taken

HEAD = """# Components

A component is a file of `ganlib/`, and its name in `params.yaml` is the file's name; its options are its class's
fields. One that `params.yaml` does not name yet is added there by hand, or with a `+`: `dvc exp run -S
network.name=resnet -S +network.spectral_norm=both`. Adding a component is adding a file: the contract tests run over
it because it is there.
"""

KINDS: tuple[tuple[str, str, type], ...] = (
    ("network.name", "networks", NetworkFamily),
    ("loss.name", "losses", GanLoss),
    ("penalty.name", "penalties", Penalty),
    ("augmentation.name", "augmentations", Augmentation),
    ("data.source", "datasets", Source),
    ("evaluate.extractor", "features", ExtractorLoader),
)
OF_SECTIONS = ("datasets", "features")
"""Folders whose components take their options from fields of a section, which the page of settings has."""


def page() -> str:
    """Markdown: a section for each folder, a table for the options of each component that has any."""
    return "\n".join([HEAD, *(_kind(setting, folder, interface) for setting, folder, interface in KINDS)])


def _kind(setting: str, folder: str, interface: type[Any]) -> str:
    lines, options = [], []
    for name in components.names(folder):
        leaf = components.leaf(interface, name)
        said = inspect.getdoc(inspect.getmodule(leaf)) or ""
        lines.append([f"`{name}`", said.partition("\n\n")[0], f"`ganlib/{folder}/{name}.py`"])
        if folder not in OF_SECTIONS and is_dataclass(leaf):
            options += [[f"`{name}`", *row] for row in _options(leaf)]
    parts = [f"## {setting}\n", table(["name", "what it is", "file"], lines), ""]
    if options:
        parts += [table(["of", "option", "takes", "default", "what it is"], options), ""]
    return "\n".join(parts)


def _options(leaf: type[Any]) -> list[list[str]]:
    schema = TypeAdapter(leaf).json_schema()
    schema = schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    said = docstrings_of_fields(leaf)
    return [
        [f"`{name}`", taken(found), shown(found.get("default")), said.get(name, "")]
        for name, found in schema.get("properties", {}).items()
    ]
