"""The page of settings: every key of params.yaml with its type, range, default and meaning."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ganlib.settings import Settings, plain
from pipelines import origin

from .values import shown, table, taken

HEAD = """# Settings

Every key of `params.yaml`. A name that does not exist, or a value that cannot be, is refused with a sentence that
says what would do. Where a number or a schedule may stand, a schedule is written `{start: 2.0e-4, end: 5.0e-5,
over_kimg: 20000}` (a half cosine over the first so many thousand images, then constant; `shape: linear` for a
straight line). The options of networks, losses, penalties, augmentations and sources are on [the page of
components](components.md).
"""


def page(params: Path) -> str:
    """Markdown; meanings are the comments of params.yaml."""
    schema = TypeAdapter(Settings).json_schema()
    text = params.read_text(encoding="utf-8")
    sheet = Sheet(comments(text), plain(Settings()), origin.loaded(text, params.name))
    parts: list[str] = []
    alone: list[list[str]] = []
    for section, found in schema["properties"].items():
        name = str(found.get("$ref", "")).rsplit("/", 1)[-1]
        if not name:
            alone.append(sheet.row(taken(found), section))
        elif name == "Choice":
            rows = [sheet.row("", section, key) for key in {**sheet.defaults[section], **sheet.shipped[section]}]
            parts.append(f"## {section}\n\nA component's name, and options of its own.\n\n{_table(rows)}\n")
        else:
            known = schema["$defs"][name]
            rows = [sheet.row(taken(one), section, key) for key, one in known["properties"].items()]
            parts.append(f"## {section}\n\n{known['description']}\n\n{_table(rows)}\n")
    return "\n".join([HEAD, f"{_table(alone)}\n", *parts])


@dataclass(frozen=True)
class Sheet:
    """What is said of settings beside their types."""

    meanings: Mapping[str, str]
    defaults: Mapping[str, Any]
    """Of a key that params.yaml leaves out."""
    shipped: Mapping[str, Any]
    """The params.yaml of the repository."""

    def row(self, takes: str, *place: str) -> list[str]:
        """Of the setting at this place."""
        name = ".".join(place)
        default, shipped = (_at(place, side) for side in (self.defaults, self.shipped))
        said = shown(default) if default == shipped else f"{shown(default) or 'empty'} (shipped: {shown(shipped)})"
        return [f"`{name}`", takes, said, self.meanings.get(name, "")]


def comments(text: str) -> dict[str, str]:
    """What params.yaml says of each key, by dotted name."""
    found, section = {}, ""
    for indent, key, comment in re.findall(r"^( *)([a-z0-9_]+):(?:.*? # (.*))?$", text, re.MULTILINE):
        if not indent:
            section = key
        if comment:
            found[f"{section}.{key}" if indent else key] = comment
    return found


def _at(place: tuple[str, ...], held: Any) -> Any:
    for key in place:
        held = held.get(key)
    return held


def _table(rows: list[list[str]]) -> str:
    return table(["setting", "takes", "default", "what it is"], rows)
