"""Moves of aliases that are recorded, and whole or undone at any kill.

A move is a record, then the alias of the version before, then the alias, then a mark that the record was carried out. A
record without its mark belongs to a process that died on the way, or is still at it: whoever reads carries it out.
Aliases that differ from a marked record were moved by somebody else, and stay.

Processes of one host share a lock: a record without a mark that was made under the lock that one holds is a dead one's.
Those of several hosts see each other's records: who finds a stranger's between its look and its own record takes its
own back. Nobody builds upon a stranger's record before its maker has marked it, or has been silent for long.
"""

import random
import time
from functools import partial

from ganlib.errors import UserError

from .history import CARRIED_OUT, History, Move, Record, append, previous, read
from .store import Store, written

PATIENCE_SECONDS = 15.0
"""That a maker on another host has, from when its record was first seen, to mark or to withdraw it."""
ASK_SECONDS = 0.3
WAITS = (0.5, 1.0, 2.0)
"""Seconds, at most, until the next try of two hosts that took their records back because of one another."""


def settled(store: Store, model: str) -> History:
    """The history, after what a dead process left undone was carried out."""
    found = read(store, model)
    if not found.due():
        return found
    with store.lock:
        return _settled(store, model)


def make(store: Store, model: str, move: Move, *, again: str) -> Record:
    """Records the move and carries it out.

    UserError where the alias no longer names `move.before`, with `again` as the way out; then nothing was changed.
    """
    with store.lock:
        for wait in (*WAITS, 0.0):
            record = _attempt(store, model, move, again)
            if record is not None:
                return record
            time.sleep(random.uniform(0, wait))  # noqa: S311 - no secret
    raise _moved(model, move, read(store, model).aliases.get(move.alias), again)


def _settled(store: Store, model: str) -> History:
    """See `settled`; the caller holds the lock. Waits for makers on other hosts that may be at it."""
    seen_first: dict[str, float] = {}
    while True:
        found, now = read(store, model), time.monotonic()
        due = found.due()
        dead = [
            record
            for record in due
            if record.holder == store.holder or now - seen_first.setdefault(record.key, now) >= PATIENCE_SECONDS
        ]
        for record in dead:
            if found.overtaken(record):
                _withdraw(store, model, record, after=found)
            else:
                _carry_out(store, model, record)
        if not due:
            return found
        if not dead:
            time.sleep(ASK_SECONDS)


def _attempt(store: Store, model: str, move: Move, again: str) -> Record | None:
    """None where the record was taken back; the caller holds the lock."""
    seen = _settled(store, model)
    if seen.aliases.get(move.alias) != move.before:
        raise _moved(model, move, seen.aliases.get(move.alias), again)
    record = append(store, model, move, after=seen)
    now = read(store, model)
    strangers = {one.key for one in now.records if one.move.alias == move.alias}
    if record.key in now.carried_out or strangers <= {record.key, *(one.key for one in seen.records)}:
        _carry_out(store, model, record)
        return record
    _withdraw(store, model, record, after=now)
    return None


def delete(store: Store, model: str, number: int) -> None:
    """Takes a version out of the registry; UserError as in `check_unused`."""
    with store.lock:
        check_unused(_settled(store, model), model, number)
        store.client.delete_model_version(model, str(number))


def check_unused(seen: History, model: str, number: int) -> None:
    """UserError where an alias names the version, or a rollback would need it."""
    named = sorted(alias for alias, version in seen.aliases.items() if version == number)
    if named:
        raise UserError(
            f"{model} version {number} is {' and '.join(named)}, and MLflow would drop the alias with it; let the "
            f"alias name another version first."
        )
    for alias in sorted({record.move.alias for record in seen.standing}):
        last = seen.newest(alias)
        if last is not None and last.move.before == number and seen.aliases.get(alias) == last.move.to:
            raise UserError(f"{model} version {number} was {alias} before the present one; a rollback needs it.")


def _withdraw(store: Store, model: str, record: Record, *, after: History) -> None:
    """Takes a record back of which nothing was done, or what was done is not the last word."""
    back = Move("withdraw", record.move.alias, record.move.to, record.move.to, withdraws=record.key)
    append(store, model, back, after=after)
    now = read(store, model)
    last = now.done(record.move.alias)
    if record.key in now.carried_out and last is not None:
        _carry_out(store, model, last)


def _carry_out(store: Store, model: str, record: Record | None) -> None:
    """Points both aliases and marks the record; the caller holds the lock.

    What another host has carried out meanwhile has the last word.
    """
    while record is not None:
        _point(store, model, previous(record.move.alias), record.move.before)
        _point(store, model, record.move.alias, record.move.to)
        written(partial(store.client.set_registered_model_tag, model, CARRIED_OUT + record.key, "yes"))
        last = read(store, model).done(record.move.alias)
        record = last if last is not None and last.key > record.key else None


def _point(store: Store, model: str, alias: str, number: int | None) -> None:
    """Lets the alias name the version; leaves it where the version was deleted, which `ganlib history` says."""
    from mlflow.exceptions import MlflowException

    if number is None:
        return
    try:
        written(lambda: store.client.set_registered_model_alias(model, alias, str(number)))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _moved(model: str, move: Move, now: int | None, again: str) -> UserError:
    had, has = (f"version {number}" if number is not None else "nothing" for number in (move.before, now))
    return UserError(
        f"The {move.alias} of {model} was {had} and is {has} now: somebody moved it meanwhile. Nothing was changed; "
        f"run it again: {again}."
    )
