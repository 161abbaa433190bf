"""Whether a generator takes the champion's place, from what both scored in the same blocks of latents.

A block's difference depends on its latents alone, because the reference counts as given; so the K differences are
independent, and Student's t bounds their mean on either side at `promote.level`. Each demand ends as `holds` (the
bounds prove it), `broken` (they prove the contrary) or `open`. Only if all hold is the generator promoted: a false
promotion needs the first demand to fail, whatever the others do, so it is no more likely than 1 - level.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ganlib.errors import UserError
from ganlib.settings import PromoteSettings, Settings

Report = Mapping[str, Any]
"""As reports/evaluation.json."""
State = Literal["holds", "open", "broken", "skipped"]
Outcome = Literal["promote", "reject", "inconclusive"]

HIGHER = frozenset({"precision", "recall", "density", "coverage", "class accuracy", "worst class"})
"""Of these more is better; of the other numbers less."""
PLACES: Mapping[str, tuple[str, ...]] = {
    "class accuracy": ("class_accuracy", "value"),
    "worst class": ("class_accuracy", "worst", "accuracy"),
}
"""Where a report has a number, other than at `value` of its own name."""
FILES = {"precision": "precision_recall", "recall": "precision_recall",
         "density": "density_coverage", "coverage": "density_coverage"}  # fmt: skip
"""Files of ganlib/metrics that are not called as the number."""


class Missing(Exception):  # noqa: N818 - the message is part of the verdict
    """A report lacks a number, or has none that is finite."""


@dataclass(frozen=True)
class Check:
    """One demand, and what became of it."""

    name: str
    state: State
    demand: str
    """In few words: `worse by 0.01 at most`."""
    values: tuple[float, ...] = ()
    """By block: the rate of copies, how much worse than the champion, or by how much it misses a limit."""
    low: float | None = None
    high: float | None = None
    """One-sided bounds of their mean."""
    ours: float | None = None
    theirs: float | None = None
    """Means over the blocks of the two generators' numbers, or of the generator's and the held-out pictures'."""
    problem: str | None = None
    """Why there are no numbers."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a generator that would be champion."""

    outcome: Outcome
    checks: tuple[Check, ...]

    @property
    def reason(self) -> str | None:
        """The first demand that is broken; of several memorisation comes before all others."""
        return next((check.name for check in self.checks if check.state == "broken"), None)

    @property
    def title(self) -> str:
        """`promote`, `inconclusive` or `reject (memorisation)`."""
        return f"{self.outcome} ({self.reason})" if self.reason else self.outcome

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"title": self.title, **asdict(self)}


def judge(ours: Sequence[Report], theirs: Sequence[Report] | None, rules: PromoteSettings) -> Verdict:
    """From a report of each block of the generator, and of the champion; none where there is no champion.

    UserError where the two were not scored by the same protocol and latents.
    """
    if len(ours) < 2:
        raise UserError(f"A verdict takes two blocks or more, and there is {len(ours)}; raise promote.blocks.")
    checks = [_checked("memorisation", lambda: _copies(ours, rules))]
    if theirs is None:
        checks += [_checked("fid", lambda: _first_fid(ours, rules))]
        checks += [_checked("recall", lambda: _first_recall(ours, rules))]
    else:
        _require_alike(ours, theirs)
        checks += [_checked(rules.metric, lambda: _better(ours, theirs, rules))]
        checks += [_no_worse(name, allowed, ours, theirs, rules) for name, allowed in guards(rules).items()]
    states = {check.state for check in checks}
    if "broken" in states:
        return Verdict("reject", tuple(checks))
    return Verdict("inconclusive" if "open" in states else "promote", tuple(checks))


def guards(rules: PromoteSettings) -> dict[str, float]:
    """What may not be worse than the champion's, and by how much; the deciding number guards itself."""
    all_of_them = {
        "kid": rules.worse_kid,
        "recall": rules.worse_recall,
        "class accuracy": rules.worse_accuracy,
        "worst class": rules.worse_class,
    }
    return {name: allowed for name, allowed in all_of_them.items() if allowed is not None and name != rules.metric}


def needed_files(rules: PromoteSettings) -> set[str]:
    """Files of ganlib/metrics without which there is no verdict."""
    names = {rules.metric, *guards(rules), "fid", "recall"}
    files = {FILES.get(name, PLACES.get(name, (name,))[0]) for name in names}
    return files | {"memorisation"}


def require_metrics(settings: Settings) -> None:
    """UserError where the settings leave a metric out that a verdict needs."""
    missed = sorted(needed_files(settings.promote) & set(settings.evaluate.leave_out))
    if missed:
        raise UserError(
            f"evaluate.leave_out leaves out {', '.join(missed)}, which a promotion is judged by; take it off that list."
        )


def bounds(values: Sequence[float], level: float) -> tuple[float, float]:
    """(low, high) of the mean, each exceeded by the truth with a probability of 1 - level; Student's t."""
    # Imported here: only a verdict should pay for it.
    from scipy.special import stdtrit

    mean = math.fsum(values) / len(values)
    reach = float(stdtrit(len(values) - 1, level)) * statistics.stdev(values, mean) / math.sqrt(len(values))
    return mean - reach, mean + reach


def _require_alike(ours: Sequence[Report], theirs: Sequence[Report]) -> None:
    names = [[report["protocol"]["name"] for report in side] for side in (ours, theirs)]
    if names[0] != names[1]:
        raise UserError(
            f"the two were scored by different protocols or latents ({names[0][0]}, ... and {names[1][0]}, ...), and "
            f"such numbers cannot be compared; score both by the same settings, data and seeds."
        )


def _better(ours: Sequence[Report], theirs: Sequence[Report], rules: PromoteSettings) -> Check:
    name = rules.metric
    worse, means = _how_much_worse(name, ours, theirs)
    low, high = bounds(worse, rules.level)
    state: State = "holds" if high < -rules.margin else "broken" if low > 0 else "open"
    by = f" by over {rules.margin:g}" if rules.margin else ""
    return Check(name, state, f"better{by}", worse, low, high, *means)


def _no_worse(
    name: str, allowed: float, ours: Sequence[Report], theirs: Sequence[Report], rules: PromoteSettings
) -> Check:
    demand = f"worse by {allowed:g} at most"
    if name in PLACES:
        problems = [_problem(report, name) for report in (*ours, *theirs)]
        if all(problems):  # data or generators without classes
            return Check(name, "skipped", demand, problem=problems[0])

    def compared() -> Check:
        worse, means = _how_much_worse(name, ours, theirs)
        low, high = bounds(worse, rules.level)
        return Check(name, _within(low, high, allowed), demand, worse, low, high, *means)

    return _checked(name, compared)


def _copies(ours: Sequence[Report], rules: PromoteSettings) -> Check:
    """Each block's own bounds, averaged: all blocks share their doubt about held-out pictures, which t knows not of."""
    rates, lows, highs = (tuple(_finite(report, "copies", key) for report in ours) for key in ("value", "low", "high"))
    low, high = (math.fsum(bound) / len(ours) for bound in (lows, highs))
    demand = f"{rules.max_copies:g} at most"
    return Check("memorisation", _within(low, high, rules.max_copies), demand, rates, low, high, ours=_mean(rates))


def _first_fid(ours: Sequence[Report], rules: PromoteSettings) -> Check:
    found, floor = _beside_floor(ours, "fid")
    over = tuple(one - rules.first_fid * other for one, other in zip(found, floor, strict=True))
    low, high = bounds(over, rules.level)
    demand = f"{rules.first_fid:g} x held-out at most"
    return Check("fid", _within(low, high, 0), demand, over, low, high, _mean(found), _mean(floor))


def _first_recall(ours: Sequence[Report], rules: PromoteSettings) -> Check:
    found, floor = _beside_floor(ours, "recall")
    short = tuple(rules.first_recall * other - one for one, other in zip(found, floor, strict=True))
    low, high = bounds(short, rules.level)
    demand = f"{rules.first_recall:g} x held-out at least"
    return Check("recall", _within(low, high, 0), demand, short, low, high, _mean(found), _mean(floor))


def _beside_floor(ours: Sequence[Report], name: str) -> tuple[list[float], list[float]]:
    """At the count of the floor, and the floor."""
    found, floor = ([_finite(report, name, key) for report in ours] for key in ("value_at_floor_count", "floor"))
    return found, floor


def _how_much_worse(
    name: str, ours: Sequence[Report], theirs: Sequence[Report]
) -> tuple[tuple[float, ...], tuple[float, float]]:
    """(by block how much worse ours is, the means of both)."""
    place = PLACES.get(name, (name, "value"))
    found, others = ([_finite(report, *place) for report in side] for side in (ours, theirs))
    sign = -1 if name in HIGHER else 1
    worse = tuple(sign * (one - other) for one, other in zip(found, others, strict=True))
    return worse, (_mean(found), _mean(others))


def _within(low: float, high: float, allowed: float) -> State:
    return "holds" if high <= allowed else "broken" if low > allowed else "open"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _checked(name: str, check: Callable[[], Check]) -> Check:
    """The check; broken where a number is missing, because nothing vouches for such a generator."""
    try:
        return check()
    except Missing as missing:
        return Check(name, "broken", "a finite number", problem=str(missing))


def _problem(report: Report, name: str) -> str | None:
    try:
        _finite(report, *PLACES[name])
    except Missing as missing:
        return str(missing)
    return None


def _finite(report: Report, name: str, *keys: str) -> float:
    """The number at this place of the report; Missing says why there is none."""
    found: Any = report.get(name, {"absent": "it was not computed"})
    for key in keys:
        if isinstance(found, Mapping) and "absent" in found:
            raise Missing(f"{name} is absent: {found['absent']}")
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping) and "absent" in found:
        raise Missing(f"{' '.join((name, *keys))} is absent: {found['absent']}")
    if not isinstance(found, int | float) or not math.isfinite(found):
        raise Missing(f"{' '.join((name, *keys))} is {found}, which is no finite number")
    return float(found)
