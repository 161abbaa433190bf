"""Whether there is anything to do, and why: data, parameters or code changed, the last run unfinished, or a wish."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ganlib import files

from .worktree import LOCK, Place

DONE = "done.json"
CHANGED = " changed"
SOURCE = "the pictures at data.path"
SHOWN = 4
PARAMS = "params.yaml"
CODE = ("ganlib/", "pipelines/")
Found = dict[str, list[str]]


@dataclass(frozen=True)
class Decision:
    """The reasons to run, by kind; none of them means that there is nothing to do."""

    reasons: Mapping[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.reasons)

    @property
    def source_changed(self) -> bool:
        """Whether there are other pictures than last time, which DVC does not watch."""
        return SOURCE in self.reasons.get(f"data{CHANGED}", ())

    def words(self) -> str:
        """For people: `data changed (pictures); params changed (train.lr, train.seed)`."""
        return "; ".join(
            f"{kind} ({', '.join(named[:SHOWN])}{', ...' if len(named) > SHOWN else ''})" if named else kind
            for kind, named in self.reasons.items()
        )


@dataclass(frozen=True)
class Done:
    """How the last retraining that came to its end left things."""

    lock: str | None
    """Digest of dvc.lock."""
    store: str
    """Digest of the MLflow store's address, which may hold a password."""
    source: str | None
    """Digest of where the pictures come from, where DVC does not watch it."""


def read(state: Path) -> Done | None:
    """None where none has come to its end yet."""
    try:
        return Done(**json.loads((state / DONE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(state: Path, done: Done) -> None:
    """To be called when everything is published, and compared."""
    files.write_text(state / DONE, json.dumps(vars(done)))


def now(place: Place, store: str, source: str | None) -> Done:
    """How things stand."""
    lock = place.folder / LOCK
    return Done(files.sha256_of(lock) if lock.is_file() else None, sha256(store.encode()).hexdigest(), source)


def decide(changes: Mapping[str, Any], before: Done | None, present: Done, forced: Sequence[str]) -> Decision:
    """From what DVC says is out of date, and how the last run ended."""
    reasons: dict[str, list[str]] = {}
    found = classified(changes)
    if present.source is not None and before is not None and before.source != present.source:
        found.setdefault("data", []).append(SOURCE)
    if before is None:
        reasons["nothing was retrained here yet"] = []
    for kind in ("data", "params", "code", "results"):
        if kind in found:
            reasons[f"{kind}{CHANGED}"] = found[kind]
    if forced:
        reasons["forced"] = list(forced)
    if before is not None and not found and (before.lock, before.store) != (present.lock, present.store):
        reasons["the last run did not come to its end, or the MLflow store is another"] = []
    return Decision(reasons)


def classified(changes: Mapping[str, Any]) -> Found:
    """What differs, by kind, each thing once: data, params, code and results (outputs of stages)."""
    found: Found = {}
    for stage, entries in changes.items():
        for kind, name in _each(stage, entries):
            named = found.setdefault(kind, [])
            if name not in named:
                named.append(name)
    return found


def _each(stage: str, entries: list[Any]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if not isinstance(entry, Mapping):  # "changed command", "always changed"
            yield "code", f"{stage}: {entry}"
            continue
        for name in entry.get("changed outs", {}):
            yield ("data" if stage.endswith(".dvc") else "results"), name
        for name, state in entry.get("changed deps", {}).items():
            if isinstance(state, Mapping):  # a file of parameters
                yield from (("params", parameter) for parameter in state)
            elif name == PARAMS:  # all of them, in a first run
                yield "params", name
            elif name.startswith(CODE) or name.endswith(".py"):
                yield "code", name
            else:
                yield ("data" if stage == "prepare" or stage.endswith(".dvc") else "results"), name
