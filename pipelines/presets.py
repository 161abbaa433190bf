"""Known games by name: each file of params/ holds what it sets, and the rest takes its default."""

import dataclasses
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken

from ganlib import components, files, settings
from ganlib.errors import UserError

from . import params

FOLDER = Path(__file__).parents[1] / "params"
KEPT = {
    "data": ("path", "watch", "download", "labels", "image_column", "label_column"),
    "train": ("processes", "device_cache_gb", "capture"),
    "evaluate": ("weights", "weights_sha256"),
    "publish": ("experiment", "alias"),
    "promote": tuple(field.name for field in dataclasses.fields(settings.PromoteSettings)),
}
"""What says where your data and machines are, and what you demand, rather than which game is played: a preset leaves it
as you set it, as do `device` and `workers`, as long as its source or extractor has a use for it."""

CHOICES = ("network", "loss", "penalty", "augmentation")


def names() -> list[str]:
    """The presets there are."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def about(name: str) -> str:
    """What a preset is for, in a sentence: the first line of its file."""
    with _file(name).open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()


def apply(name: str, path: Path = Path("params.yaml")) -> settings.Settings:
    """Rewrites params.yaml to play a preset's game, and returns what it then says; comments stay.

    UserError where there is no such preset or no valid params.yaml, before anything is written.
    """
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    preset = yaml.load(_file(name))
    before = params.load(path)
    document = yaml.load(path)
    column = _usual_column(document)
    for section, defaults in settings.plain(settings.parse({}, where="defaults")).items():
        if not isinstance(defaults, dict):
            continue
        chosen, there = preset.get(section, {}), document.get(section, CommentedMap())
        if section in CHOICES:
            wanted = chosen or defaults
        else:
            kept = _kept(section, before, preset) - set(chosen)
            wanted = {key: there[key] if key in kept else chosen.get(key, defaults[key]) for key in there} | chosen
        if wanted:
            _become(document.setdefault(section, there), wanted, column)
    text = io.StringIO()
    yaml.dump(document, text)
    parsed = settings.parse(YAML(typ="safe", pure=True).load(text.getvalue()), where=f"{path} with preset {name}")
    files.write_text(path, text.getvalue())
    return parsed


def _file(name: str) -> Path:
    if name not in names():
        raise UserError(f"{name!r} is no preset; choose one of: {', '.join(names())}.")
    return FOLDER / f"{name}.yaml"


def _kept(section: str, before: settings.Settings, preset: Any) -> set[str]:
    """The section's keys that the preset leaves alone; a source refuses settings that it has no use for."""
    kept = set(KEPT.get(section, ()))
    if section == "data":
        from ganlib.datasets import OPTIONAL, Source

        source = preset.get("data", {}).get("source", settings.DataSettings().source)
        kept -= set(OPTIONAL) - set(components.fields_of(Source, source))
    if section == "evaluate":
        extractor = preset.get("evaluate", {}).get("extractor", settings.EvaluateSettings().extractor)
        kept = kept if extractor == before.evaluate.extractor else set()
    return kept


def _become(section: CommentedMap, wanted: Mapping[str, Any], column: int | None) -> None:
    """The section with these values and no others; what stands below it stays below it."""
    below = _cut_below(section)
    for key in [key for key in section if key not in wanted]:
        del section[key]
    for key, value in wanted.items():
        _set(section, key, value, column)
    _put_below(section, next(reversed(section)), below)


def _set(section: CommentedMap, key: str, value: Any, column: int | None) -> None:
    """Leaves what is already so untouched, as it was written; schedules stand on one line."""
    if key in section and section[key] == value:
        return
    old = section.get(key)
    below = _cut_below(old) if isinstance(old, CommentedMap) and not old.fa.flow_style() else ""
    if isinstance(value, dict):
        value = CommentedMap(value)
        value.fa.set_flow_style()
    elif isinstance(value, float) and value.is_integer() and value >= 1:
        value = int(value)  # as people write it
    section[key] = value
    if (token := _beside(section, key)) is not None and column is not None:
        token.column = column
    _put_below(section, key, below)


def _beside(section: CommentedMap, key: str) -> CommentToken | None:
    """The comment on the key's line, with the blank and comment lines that follow it."""
    held = section.ca.items.get(key)
    return None if held is None else held[2]


def _cut_below(section: CommentedMap) -> str:
    """Takes the blank and comment lines after the section out of it."""
    if not section:
        return ""
    key = next(reversed(section))
    if isinstance(section[key], CommentedMap) and not section[key].fa.flow_style():
        return _cut_below(section[key])
    if (token := _beside(section, key)) is None:
        return ""
    own, _, below = token.value.partition("\n")
    token.value = f"{own}\n"
    return below


def _put_below(section: CommentedMap, key: str, below: str) -> None:
    """Puts such lines after the key's own."""
    if not below:
        return
    if (token := _beside(section, key)) is None:
        section.ca.items[key] = [None, None, CommentToken("\n", CommentMark(0), None), None]
        token = section.ca.items[key][2]
    token.value = f"{token.value.rstrip()}\n{below}"


def _usual_column(document: CommentedMap) -> int | None:
    """Where most comments begin that stand beside a value; none where no column has more than half of them."""
    columns = Counter(token.column for token in _all_beside(document) if token.value.startswith("#"))
    column, count = columns.most_common(1)[0] if columns else (0, 0)
    return column if 2 * count > columns.total() else None


def _all_beside(section: CommentedMap) -> Iterator[CommentToken]:
    for key, value in section.items():
        if (token := _beside(section, key)) is not None:
            yield token
        if isinstance(value, CommentedMap) and not value.fa.flow_style():
            yield from _all_beside(value)
