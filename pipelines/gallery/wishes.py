"""What a request may ask for, each with its bounds; everything else is refused in a sentence."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ganlib.errors import UserError

from .ballot import Choice
from .studio import MOST_FRAMES, MOST_IN_A_FILE, MOST_PICTURES, Position

Seed = Annotated[int, Field(ge=0, lt=2**64)]
Index = Annotated[int, Field(ge=0, le=10**9)]
Label = Annotated[int, Field(ge=0)] | None
Truncation = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] | None
Letter = Annotated[str, StringConstraints(max_length=1)]
Wish = TypeVar("Wish")
NO_MORE = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=NO_MORE)
class Wall:
    """`count` pictures of a seed from `first` on; of one class, or of all in turn."""

    seed: Seed = 0
    first: Index = 0
    count: Annotated[int, Field(ge=1, le=MOST_PICTURES)] = 24
    label: Label = None
    truncation: Truncation = None


@dataclass(frozen=True, config=NO_MORE)
class Sheet(Wall):
    """A wall of one generator, as a file."""

    who: Letter = "A"


@dataclass(frozen=True, config=NO_MORE)
class Archive(Sheet):
    """Likewise, with room for more."""

    count: Annotated[int, Field(ge=1, le=MOST_IN_A_FILE)] = 24


@dataclass(frozen=True, config=NO_MORE)
class Way:
    """From one picture to another."""

    start_seed: Seed
    start_index: Index
    end_seed: Seed
    end_index: Index
    start_label: Label = None
    end_label: Label = None
    steps: Annotated[int, Field(ge=2, le=MOST_FRAMES)] = 33
    truncation: Truncation = None

    @property
    def start(self) -> Position:
        """Where it begins."""
        return Position(self.start_seed, self.start_index, self.start_label)

    @property
    def end(self) -> Position:
        """Where it leads."""
        return Position(self.end_seed, self.end_index, self.end_label)


@dataclass(frozen=True, config=NO_MORE)
class Film(Way):
    """A way of one generator, as a file."""

    who: Letter = "A"


@dataclass(frozen=True, config=NO_MORE)
class One:
    """A picture of one generator."""

    seed: Seed = 0
    index: Index = 0
    label: Label = None
    truncation: Truncation = None
    who: Letter = "A"


@dataclass(frozen=True, config=NO_MORE)
class Nothing:
    """No more than the address says."""


@dataclass(frozen=True, config=NO_MORE)
class Vote:
    """An answer to a question."""

    question: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    choice: Choice


def from_query(kind: type[Wish], query: Mapping[str, str]) -> Wish:
    """The wish in an address; what is empty counts as left out. UserError where it cannot be."""
    return _checked(kind, {name: value for name, value in query.items() if value})


def from_body(kind: type[Wish], body: bytes) -> Wish:
    """The wish in a JSON object; UserError where it cannot be."""
    try:
        words = json.loads(body)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, dict):
        raise UserError("The body is no JSON object.")
    return _checked(kind, words)


def _checked(kind: type[Wish], words: dict[str, Any]) -> Wish:
    try:
        return TypeAdapter(kind).validate_python(words)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"][:1]))
    if first["type"] == "unexpected_keyword_argument":
        raise UserError(f"{name[:40]} is nothing that can be asked for here.")
    if first["type"] in ("missing", "missing_argument"):
        raise UserError(f"{name} is missing.")
    given = str(words.get(name))
    raise UserError(f"{name} is {given[:40]!r}: {first['msg'][0].lower()}{first['msg'][1:]}.")
