"""Registered versions scored on the data as they are now, and the champion beside the data that it was trained on.

The current folder has data/prepared and, where the extractor is the classifier, models/classifier of the same data.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganlib import components, evaluation
from ganlib.errors import UserError
from ganlib.metrics import Counts
from ganlib.prepared import PreparedData, open_prepared
from ganlib.settings import Settings

from . import drift, generators, origin, paths, scores, tracking, verdicts
from .drift import Drift
from .flows.stages import Failure
from .generators import Named, Registration
from .reproduction import checkout
from .sweeping import plan
from .tracking import history, marks, models, origins
from .verdicts import Report

if TYPE_CHECKING:
    from .scores import Bench

Say = Callable[[str], None]
SHORT = 12


@dataclass(frozen=True)
class Scored:
    """A version, and its reports by block."""

    named: Named
    reports: tuple[Report, ...]

    def is_called(self, alias: str) -> bool:
        """Whether the alias names it."""
        return alias in _registration(self.named).aliases

    def values(self, metric: str) -> list[float]:
        """By block; none where it was not measured."""
        found = [report.get(metric, {}).get("value") for report in self.reports]
        return [float(value) for value in found if isinstance(value, int | float)]


@dataclass(frozen=True)
class Verdict:
    """What became of the champion."""

    state: str
    """drifted, steady, the same data, or unknown."""
    sentence: str
    found: Drift | None = None


@dataclass(frozen=True)
class Bundle:
    """By what, and with what, all are scored."""

    settings: Settings
    bench: "Bench"
    seeds: range
    metric: str

    def score(self, named: Named) -> tuple[Report, ...]:
        """By block; from the kept scores where it is known."""
        return tuple(scores.score(self.bench, named, seed=seed) for seed in self.seeds)


def opened(settings: Settings) -> Bundle:
    """By the blocks of promotions and the number that decides them, on the data of the current folder."""
    rules = settings.promote
    kept = verdicts.FILES.get(rules.metric, rules.metric)
    rest = tuple(name for name in components.names("metrics") if name != kept)
    alone = dataclasses.replace(settings, evaluate=dataclasses.replace(settings.evaluate, leave_out=rest))
    bench = scores.open_bench(alone, samples=rules.samples)
    return Bundle(settings, bench, range(rules.seed, rules.seed + rules.blocks), rules.metric)


def chosen(settings: Settings, references: Sequence[str], last: int, alias: str) -> list[Named]:
    """The champion, if there is one, the versions that are named, and the newest so many; each once.

    UserError where a named one is not there, or there is nothing to watch.
    """
    model = settings.publish.model
    with tracking.opened() as store:
        known = model in models.names(store)
        numbers = [int(version.version) for version in models.versions(store, model)] if known else []
        standing = history.read(store, model).aliases.get(alias)
    wanted = [*([alias] if standing is not None else []), *references, *map(str, numbers[:last])]
    if not wanted:
        raise UserError(f"{model} has no {alias} and no versions were named; promote one, or name some: versions.")
    found: dict[str, Named] = {}
    for reference in wanted:
        named = generators.find(reference, settings)
        if named.registration is None:
            raise UserError(f"{reference} names files; the registry's versions are watched.")
        found.setdefault(named.content, named)
    return list(found.values())


def judge(bundle: Bundle, champion: Named, say: Say) -> Verdict:
    """The champion on the data as they are now, beside the data that it was trained on."""
    trained_on = _registration(champion).tags.get("ganlib.data", "")
    if trained_on == bundle.bench.data.digest:
        return Verdict("the same data", f"{champion.name} meets the data that it was trained on: nothing new.")
    try:
        with old_data(champion, trained_on, say) as old:
            return compared(bundle, champion, old)
    except UserError as reason:
        return Verdict("unknown", f"Whether {champion.name} has drifted cannot be told: {reason}")


def compared(bundle: Bundle, champion: Named, old: PreparedData) -> Verdict:
    """Scored on parts of either data by the same networks; UserError where they are too few."""
    new, blocks = bundle.bench.data, len(bundle.seeds)
    size = min(len(old.train), len(new.train)) // blocks
    found = []
    for data in (old, new):
        evaluation.check(bundle.bench.settings, Counts(bundle.bench.samples, size, len(data.heldout)))
        benches = [dataclasses.replace(bundle.bench, data=part) for part in drift.parts(data, blocks, size)]
        scores.check(benches[0], champion)
        reports = [scores.score(one, champion, seed=seed) for one, seed in zip(benches, bundle.seeds, strict=True)]
        found.append([drift.value(report, bundle.metric) for report in reports])
    known = drift.between(found[0], found[1], bundle.metric)
    told = f"{known.sentence()} (data {old.digest[:SHORT]} and {new.digest[:SHORT]}, {blocks} parts of {size} each)"
    if known.proven:
        return Verdict("drifted", f"{champion.name} has drifted: {told}.", known)
    return Verdict("steady", f"{champion.name} is not provably worse: {told}.", known)


@contextmanager
def old_data(named: Named, digest: str, say: Say) -> Iterator[PreparedData]:
    """The data that it was trained on, for as long as the block lasts; UserError where DVC does not have them."""
    registration = _registration(named)
    if registration.run_id is None:
        raise UserError("it has no run, which would know its data.")
    with tracking.opened() as store:
        lock = origins.of_run(store, registration.run_id, named.name).lock
    if lock is None:
        raise UserError("its run has no record of DVC's hash of its data.")
    with checkout.opened(f"watch-{digest[:16]}", plan.commit(), lock, keep=False, say=say) as made:
        for command in ("checkout", "pull"):
            with suppress(Failure):
                made.dvc(command, paths.PREPARED.as_posix(), quietly=True)
            if origin.prepared_digest(made.folder) == digest:
                yield open_prepared(made.folder / paths.PREPARED)
                return
    raise UserError(f"DVC has its data ({digest[:SHORT]}) neither in the cache nor in a remote.")


def mark(champion: Named, verdict: Verdict, data: str) -> None:
    """The version's tag says that it has drifted, or no longer says so; where nothing is known it stays."""
    registration = _registration(champion)
    found = verdict.found
    if verdict.state in ("unknown", "the same data"):
        return
    words = None
    if verdict.state == "drifted" and found is not None:
        numbers = [float(f"{value:.6g}") for value in (found.worse, found.low, found.high)]
        words = {"data": data, "metric": found.metric, "worse_by": numbers[0], "between": numbers[1:]}
    with tracking.opened() as store:
        marks.set_drift(store, registration.model, registration.version, words)


def _registration(named: Named) -> Registration:
    assert named.registration is not None, "only registered generators come here"
    return named.registration


def rows(bundle: Bundle, found: Sequence[Scored]) -> list[dict[str, str]]:
    """A row for each version, the first one's first: its mean over the blocks, and how much worse than the first."""
    metric = bundle.metric
    sign = -1 if metric in verdicts.HIGHER else 1
    shown = []
    for one in found:
        values, first = one.values(metric), found[0].values(metric)
        row = {"version": one.named.name, metric: f"{math.fsum(values) / len(values):.4g}" if values else "absent"}
        row["worse than the first by"] = ""
        if one is not found[0] and len(values) == len(first) > 1:
            by = [sign * (ours - theirs) for ours, theirs in zip(values, first, strict=True)]
            low, high = verdicts.bounds(by, (1 + drift.LEVEL) / 2)
            row["worse than the first by"] = f"{math.fsum(by) / len(by):+.3g} [{low:+.3g}, {high:+.3g}]"
        row["protocol"] = str(one.reports[0]["protocol"]["name"])
        shown.append(row)
    return shown
