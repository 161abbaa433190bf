"""From a name in the settings to the file of that name to the object: `losses/hinge.py` is `loss.name: hinge`."""

import difflib
import importlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated_dataclass

from .errors import UserError

WORDS = {
    "string_pattern_mismatch": "it has characters that cannot stand there; letters, digits, _ and - can",
    "string_type": "it should be text, in quotes",
    "string_too_short": "give a name",
}
"""Of kinds of problems, where pydantic's own are not a person's."""

Kind = TypeVar("Kind")
Leaf = TypeVar("Leaf")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def component(leaf: type[Leaf]) -> type[Leaf]:
    """Marks the one class of a component's file; its fields are what a person may set, checked by type."""
    config = ConfigDict(extra="forbid", strict=True)
    return validated_dataclass(frozen=True, kw_only=True, config=config)(leaf)  # type: ignore[return-value]


def names(folder: str) -> list[str]:
    """The components a folder of ganlib holds, as `loss.name` and its siblings may name them."""
    files = (Path(__file__).parent / folder).glob("*.py")
    return sorted(file.stem for file in files if not file.stem.startswith("_"))


def build(interface: type[Kind], name: str, options: Mapping[str, Any], *, section: str) -> Kind:
    """The component `name` of the folder that `interface` belongs to, with its options set.

    `section` is the settings' word for it (`loss`), used in messages. UserError names an unknown component, an
    unknown option or a wrong value, and what would do instead.
    """
    folder = interface.__module__.rsplit(".", 1)[-1]
    available = names(folder)
    if name not in available:
        raise UserError(f"{section}.name is {name!r}; choose one of: {', '.join(available)}.")
    try:
        # As JSON, because pydantic's strict mode takes a mapping for a section, such as a schedule, only there.
        return TypeAdapter(leaf(interface, name)).validate_json(json.dumps(dict(options), default=str))
    except ValidationError as error:
        found = leaf(interface, name)
        sentences = explain(error, lambda path: keys_within(found, path), section=section, holder=name)
        raise UserError(" ".join(sentences)) from None


def fields_of(interface: type[Kind], name: str) -> list[str]:
    """The parameters that the component `name` takes."""
    found = leaf(interface, name)
    return [field.name for field in fields(found)] if is_dataclass(found) else []


def leaf(interface: type[Kind], name: str) -> type[Kind]:
    """The class of the component `name`, which the folder must hold."""
    module = importlib.import_module(f".{interface.__module__.rsplit('.', 1)[-1]}.{name}", __package__)
    return only_leaf(vars(module).values(), interface, module.__name__)


def only_leaf(candidates: Iterable[Any], interface: type[Kind], module: str) -> type[Kind]:
    """The class that a component's file is about."""
    leaves = [
        value
        for value in candidates
        if isinstance(value, type) and issubclass(value, interface) and value.__module__ == module
    ]
    assert len(leaves) == 1, f"{module} must define exactly one {interface.__name__}, it has {len(leaves)}"
    return leaves[0]


def explain(
    error: ValidationError,
    known_keys: Callable[[tuple[str, ...]], list[str]],
    *,
    section: str = "",
    holder: str = "",
) -> list[str]:
    """One sentence for each thing pydantic found wrong.

    `known_keys` gives the parameters at a path; `section` is put before every path; `holder` is the component
    that does not have the parameter.
    """
    sentences: dict[str, str] = {}
    # Where a union was tried, the problem that lies deepest speaks of the branch that was meant.
    for problem in sorted(error.errors(), key=lambda problem: -len(_path(problem["loc"]))):
        path = _path(problem["loc"])
        place = ".".join([section, *path] if section else path)
        if any(deeper.startswith(f"{place}.") for deeper in sentences):
            continue
        if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            sentence = _unknown(place, path[-1], known_keys(tuple(path[:-1])), holder if len(path) == 1 else "")
        elif problem["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
            sentence = f"{place} is missing; give it a value."
        elif problem["type"] in ("dataclass_type", "dataclass_exact_type"):
            inside = ", ".join(known_keys(tuple(path)))
            sentence = f"{place} must be a section with these keys: {inside}."
        elif problem["type"] == "float_type" and known_keys(tuple(path)):
            inside = ", ".join(f"{key}: ..." for key in known_keys(tuple(path)))
            sentence = f"{place} is {problem['input']!r}; give a number, or how it changes: {{{inside}}}."
        else:
            reason = WORDS.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
            reason = reason.replace("Input should be", "it should be")
            sentence = f"{place} is {problem['input']!r}; {reason.rstrip('.')}."
        sentences.setdefault(place, sentence)
    return list(sentences.values())


def keys_within(holder: Any, path: tuple[str, ...]) -> list[str]:
    """The parameters at `path` inside a settings class, followed through unions; none where a plain value stands."""
    for part in path:
        if not is_dataclass(holder):
            return []
        hint = get_type_hints(holder).get(part)
        holder = next((branch for branch in (hint, *get_args(hint)) if is_dataclass(branch)), None)
    return [field.name for field in fields(holder)] if is_dataclass(holder) else []


def _path(location: tuple[int | str, ...]) -> list[str]:
    return [part for part in location if isinstance(part, str) and not _is_branch(part)]


def _is_branch(part: str) -> bool:
    """Pydantic puts the tried branch of a union into the path: `constrained-int`, `tuple[...]`, a class."""
    return not part.isidentifier() or part in ("int", "float", "str", "bool", "none") or part[0].isupper()


def _unknown(place: str, word: str, known: list[str], holder: str) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        way_out = f"did you mean {close[0]}?"
    elif known:
        way_out = f"leave it out; known here: {', '.join(known)}."
    else:
        way_out = "it takes none."
    return f"{place} is not a parameter{f' of {holder}' if holder else ''}; {way_out}"
