"""Blind votes in the registry: a tag of both versions that they are about, a record for each sitting.

A record is found by the contents of the two generators. Its sitting alone writes it, anew with each vote, and writes
it to both versions; whoever reads takes equal keys for one.
"""

import json
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ganlib.errors import UserError

from . import history
from .store import Store

RECORD = "ganlib.votes."
"""Beginning of the tags' names; the rest is the sitting's key."""


@dataclass(frozen=True)
class Sitting:
    """Who was asked about which two generators, and when."""

    key: str
    """Nanoseconds since 1970 and a random number: in the order of time, and nobody else's."""
    at: str
    """UTC."""
    user: str
    host: str
    first: str
    second: str
    """sha256 of the generators' weights."""
    seed: int
    """Of the pictures that were shown."""


@dataclass(frozen=True)
class Votes:
    """What was said in a sitting."""

    sitting: Sitting
    for_first: int = 0
    for_second: int = 0
    undecided: int = 0


def begun(first: str, second: str, seed: int) -> Sitting:
    """A sitting of this user, now."""
    now = time.time_ns()
    at = datetime.fromtimestamp(now / 1e9, UTC).isoformat(timespec="seconds")
    key = f"{now:020d}-{secrets.token_hex(4)}"
    return Sitting(key, at, history.user(), socket.gethostname(), first, second, seed)


def record(store: Store, versions: Iterable[tuple[str, int]], votes: Votes) -> None:
    """Writes the votes to these versions, over what the same sitting wrote before."""
    name, text = written(votes)
    for model, number in versions:
        store.client.set_model_version_tag(model, str(number), name, text)


def written(votes: Votes) -> tuple[str, str]:
    """The tag's name, and what it holds."""
    words = asdict(votes)
    key = words["sitting"].pop("key")
    return RECORD + key, json.dumps(words, sort_keys=True)


def read(tags: Mapping[str, str], name: str) -> list[Votes]:
    """Of a version's tags, the oldest first; UserError, which calls the version `name`, where one cannot be read."""
    return [_votes(tag, tags[tag], name) for tag in sorted(tags) if tag.startswith(RECORD)]


def _votes(tag: str, text: str, name: str) -> Votes:
    try:
        words = json.loads(text)
        sitting = Sitting(key=tag.removeprefix(RECORD), **words.pop("sitting"))
        votes = Votes(sitting, **words)
        counts = (votes.for_first, votes.for_second, votes.undecided)
        if any(type(count) is not int or count < 0 for count in counts):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(
            f"The tag {tag} of {name} in MLflow holds no votes that this ganlib can read; it was changed, or a newer "
            f"ganlib wrote it. Upgrade, or delete the tag."
        ) from None
    return votes
