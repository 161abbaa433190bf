"""What a sweep will do, checked before anything long is paid for: commit, settings of every point, lengths."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlib import settings
from ganlib.errors import UserError
from ganlib.evaluation_page.meanings import WORDS

from .. import lineage, origin, params
from ..repository import git
from . import space
from .space import Values


@dataclass(frozen=True)
class Wishes:
    """What a person asks for."""

    values: Mapping[str, str]
    """By dotted name what to try, as `space.read` takes it."""
    random: int | None = None
    """How many settings to draw; none: all combinations."""
    search_seed: int = 0
    at_once: int = 1
    metric: str | None = None
    """By which points are ordered; none: promote.metric."""


@dataclass(frozen=True)
class Point:
    """One training."""

    values: Values
    params: str
    """The whole params.yaml."""

    @property
    def name(self) -> str:
        """`train.lr=0.001, train.seed=0`."""
        return space.named(self.values)


@dataclass(frozen=True)
class Plan:
    """All that will be done."""

    points: tuple[Point, ...]
    commit: str
    """Whose source is trained."""
    dirty: bool
    """Whether files were changed since then."""
    metric: str
    at_once: int


def made(wishes: Wishes) -> Plan:
    """The plan, for the project in the current folder; UserError where a point, or the whole, cannot be."""
    if wishes.at_once < 1:
        raise UserError(f"--at-once is {wishes.at_once}; at least one point must run at a time.")
    if wishes.random is not None and wishes.random < 1:
        raise UserError(f"--random is {wishes.random}; draw at least one setting.")
    given = space.read(wishes.values)
    drawn = None if wishes.random is None else space.drawn(given, wishes.random, seed=wishes.search_seed)
    points = _checked(space.grid(given) if drawn is None else drawn)
    chosen = _metric(wishes.metric or params.load().promote.metric)
    source = commit()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *lineage.MADE_BY_RUNNING, ":!params.yaml")
    return Plan(points, source, bool(changed), chosen, min(wishes.at_once, len(points)))


def _checked(every: list[Values]) -> tuple[Point, ...]:
    """UserError where the settings of one are not valid, or two would be the same training."""
    from .. import preflight

    params.load()
    base = origin.loaded(Path(origin.PARAMS).read_text(encoding="utf-8"), origin.PARAMS)
    points: dict[str, Point] = {}
    for values in every:
        document = _with(base, values)
        where = f"params.yaml with {space.named(values)}"
        parsed = settings.parse(document, where=where)
        try:
            preflight.before_preparing(parsed)
        except UserError as mistake:
            raise UserError(f"{where}: {mistake}") from None
        point = Point(values, origin.dumped(document))
        key = _training(parsed)
        if key in points:
            raise UserError(f"{points[key].name} and {point.name} are the same training; leave one of them out.")
        points[key] = point
    return tuple(points.values())


def _training(parsed: settings.Settings) -> str:
    """Equal where source and data being the same make the trainings the same."""
    sections = {name: dict(settings.plain(parsed)[name]) for name in lineage.TRAIN_SECTIONS}
    for name in lineage.WHERE_NOT_WHAT:
        del sections["train"][name]
    return lineage.digest_of(sections)


def _with(base: Mapping[str, Any], values: Values) -> dict[str, Any]:
    document = copy.deepcopy(dict(base))
    for name, value in values.items():
        *sections, last = name.split(".")
        place = document
        for section in sections:
            there = place.get(section)
            place[section] = place = there if isinstance(there, dict) else {}
        place[last] = value
    return document


def _metric(name: str) -> str:
    known = [key for key, words in WORDS.items() if words.better]
    if name not in known:
        raise UserError(f"{name!r} is no number by which one is better than another; choose of: {', '.join(known)}.")
    return name


def commit() -> str:
    """The one that is checked out; UserError where there is none yet."""
    git("rev-parse", "--git-dir")
    try:
        return git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except UserError:
        raise UserError("What is run is the source of a commit, and there is none yet; make one: git commit.") from None
