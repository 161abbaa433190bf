"""Who named which version champion, when and why: MLflow remembers no alias' past, so tags of the model do.

A record is a tag under a key of its own, which nobody writes again; what it holds is a `Move`. `moves.py` writes them.
"""

import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ganlib.errors import UserError

from .store import Store

RECORD, CARRIED_OUT = "ganlib.history.", "ganlib.carried-out."
"""Beginnings of the tags' names; the rest is the record's key."""
LONGEST = 5000
"""Characters that MLflow's databases keep of a tag."""
LONGEST_WHY = 1000

Action = Literal["promote", "rollback", "withdraw"]


@dataclass(frozen=True)
class Move:
    """An alias gets another version."""

    action: Action
    alias: str
    before: int | None
    """The version that it named; none where it named none."""
    to: int
    verdict: str | None = None
    evidence: Mapping[str, Any] | None = None
    """What the verdict rests on, in short; the whole is a file of the challenger's run."""
    forced: bool = False
    why: str | None = None
    withdraws: str | None = None
    """Key of the record that this one takes back."""


@dataclass(frozen=True)
class Record:
    """A move that was made, or is being made."""

    key: str
    """Nanoseconds since 1970 and a random number: in the order of time, and nobody else's."""
    at: str
    """UTC."""
    user: str
    host: str
    move: Move
    holder: str = ""
    """`Store.holder` of whoever made it."""
    after: str = ""
    """Key of the alias' newest record that its maker had seen."""


@dataclass(frozen=True)
class History:
    """Of one registered model, as it is now."""

    records: tuple[Record, ...] = ()
    """The oldest first, with those that were taken back."""
    carried_out: frozenset[str] = frozenset()
    aliases: Mapping[str, int] = field(default_factory=dict)

    @property
    def standing(self) -> tuple[Record, ...]:
        """Records of moves that were not taken back."""
        withdrawn = {record.move.withdraws for record in self.records}
        return tuple(
            record for record in self.records if record.move.action != "withdraw" and record.key not in withdrawn
        )

    def newest(self, alias: str) -> Record | None:
        """The last word about the alias."""
        return next(self._backwards(alias), None)

    def done(self, alias: str) -> Record | None:
        """The last word about the alias that was carried out."""
        return next((one for one in self._backwards(alias) if one.key in self.carried_out), None)

    def _backwards(self, alias: str) -> Iterator[Record]:
        return (one for one in reversed(self.standing) if one.move.alias == alias)

    def overtaken(self, record: Record) -> bool:
        """Whether another move of the alias, of which the record's maker knew nothing, was carried out."""
        last = self.done(record.move.alias)
        return bool(record.holder) and last is not None and last.key > record.after

    def due(self) -> list[Record]:
        """The last word about each alias, where it was not carried out."""
        last = [self.newest(alias) for alias in sorted({record.move.alias for record in self.standing})]
        return [record for record in last if record is not None and record.key not in self.carried_out]


def previous(alias: str) -> str:
    """The alias of the version that had this one before."""
    return "previous" if alias == "champion" else f"previous-{alias}"


def read(store: Store, model: str) -> History:
    """As the registry has it; empty where no model has this name."""
    from mlflow.exceptions import MlflowException

    try:
        found = store.client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return History()
    tags = found.tags
    records = [_record(model, name.removeprefix(RECORD), tags[name]) for name in tags if name.startswith(RECORD)]
    marks = frozenset(name.removeprefix(CARRIED_OUT) for name in tags if name.startswith(CARRIED_OUT))
    aliases = {alias: int(number) for alias, number in found.aliases.items()}
    return History(tuple(sorted(records, key=lambda record: record.key)), marks, aliases)


def strays(history: History) -> list[str]:
    """A sentence for each time that an alias was moved by somebody else, the oldest first.

    Between two records it shows in the next one, which says what it found; after the last one in the alias itself.
    """
    found: dict[str, int] = {}
    sentences = []
    for record in history.standing:
        move = record.move
        if move.alias in found and move.before != found[move.alias]:
            sentences.append(
                f"Before {record.at} somebody else moved {move.alias} from version {found[move.alias]} to "
                f"{_version(move.before)}."
            )
        found[move.alias] = move.to
        if move.before is not None:
            found[previous(move.alias)] = move.before
    for alias, number in found.items():
        now = history.aliases.get(alias)
        if now != number:
            sentences.append(f"{alias} is {_version(now)} now, where the last record left version {number}.")
    return sentences


def append(store: Store, model: str, move: Move, *, after: History) -> Record:
    """A new record, later than all there are even where this host's clock is behind."""
    newest = max((int(record.key.partition("-")[0]) for record in after.records), default=0)
    moment = max(time.time_ns(), newest + 1)
    key = f"{moment:020d}-{secrets.token_hex(4)}"
    at = datetime.fromtimestamp(moment / 1e9, UTC).isoformat(timespec="seconds")
    seen = after.newest(move.alias)
    record = Record(key, at, user(), socket.gethostname(), move, store.holder, "" if seen is None else seen.key)
    words = asdict(record)
    del words["key"]
    text = json.dumps(words, ensure_ascii=False, sort_keys=True)
    assert len(text) < LONGEST, "MLflow's database would refuse it or cut it off"
    store.client.set_registered_model_tag(model, RECORD + key, text)
    return record


def _version(number: int | None) -> str:
    return "nothing" if number is None else f"version {number}"


def _record(model: str, key: str, text: str) -> Record:
    try:
        words = json.loads(text)
        move, holder, after = Move(**words["move"]), words.get("holder", ""), words.get("after", "")
        return Record(key, words["at"], words["user"], words["host"], move, holder, after)
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"The tag {RECORD}{key} of {model} in MLflow is no record that this ganlib can read; it was changed, or a "
            f"newer ganlib wrote it. Upgrade, or delete the tag."
        ) from None


def user() -> str:
    """Who is at it, as the system calls them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container whose user has no name
        return str(os.getuid())
