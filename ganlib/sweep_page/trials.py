"""What came of each point, trainings of one setting with several seeds together, and which setting is best."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..evaluation_page import reading
from ..evaluation_page.meanings import words_of
from ..evaluation_page.reading import Number, Report
from ..uncertainty import LEVEL


@dataclass(frozen=True)
class Trial:
    """One training: a point of the sweep."""

    values: Mapping[str, Any]
    """What was tried, by dotted name, without the seed."""
    seed: int | None
    """None where the sweep names no seeds."""
    report: Report | None = None
    """As reports/evaluation.json; none where there is none."""
    grid: bytes | None = None
    """PNG of its first pictures, or of its points."""
    run: str = ""
    """What it is called where runs are listed."""
    problem: str = ""
    """Why it failed, as a sentence."""

    def number(self, metric: str) -> Number | None:
        """With the interval that its pictures give."""
        return reading.number(reading.results(self.report or {}).get(metric, {}), *reading.OF_ITSELF)


@dataclass(frozen=True)
class Setting:
    """Trainings that differ in nothing but their seed."""

    values: Mapping[str, Any]
    trials: tuple[Trial, ...]
    metric: str

    @cached_property
    def scores(self) -> tuple[float, ...]:
        """Of the trainings that have one."""
        numbers = [trial.number(self.metric) for trial in self.trials]
        return tuple(number.value for number in numbers if number is not None)

    @cached_property
    def error(self) -> float | None:
        """Standard error of the mean over seeds; none of fewer than two."""
        return statistics.stdev(self.scores) / math.sqrt(len(self.scores)) if len(self.scores) > 1 else None

    @cached_property
    def mean(self) -> Number | None:
        """Over seeds, with the interval in which another seed's expectation lies (Student's t); of one training its
        number, with the interval of its pictures, which says nothing of other seeds."""
        if not self.scores:
            return None
        if self.error is None:
            return next(number for trial in self.trials if (number := trial.number(self.metric)) is not None)
        mean, reach = statistics.fmean(self.scores), _student(len(self.scores) - 1) * self.error
        return Number(mean, mean - reach, mean + reach)

    def beside(self, other: "Setting") -> Number | None:
        """How much its mean is above the other's, by Welch's t; none where one of them has fewer than two seeds."""
        if self.error is None or other.error is None:
            return None
        by = statistics.fmean(self.scores) - statistics.fmean(other.scores)
        squares = [(one.error or 0.0) ** 2 for one in (self, other)]
        if not sum(squares):
            return Number(by, by, by)
        counts = [len(one.scores) for one in (self, other)]
        shares = [square**2 / (count - 1) for square, count in zip(squares, counts, strict=True)]
        reach = _student(sum(squares) ** 2 / sum(shares)) * math.sqrt(sum(squares))
        return Number(by, by - reach, by + reach)


def settings_of(trials: Sequence[Trial], metric: str) -> list[Setting]:
    """The best first by their means; those without a number come last."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(repr(sorted(trial.values.items(), key=lambda item: item[0])), []).append(trial)
    made = [Setting(those[0].values, tuple(those), metric) for those in found.values()]
    sign = -1 if words_of(metric).better == "higher" else 1
    return sorted(made, key=lambda one: (one.mean is None, sign * one.mean.value if one.mean else 0))


def rivals(settings: Sequence[Setting]) -> list[Setting] | None:
    """Those that nothing proves worse than the first; None where its seeds, or a rival's, are too few to tell."""
    scored = [one for one in settings if one.mean is not None]
    if not scored or any(one.error is None for one in scored):
        return None
    found = []
    for one in scored[1:]:
        by = one.beside(scored[0])
        assert by is not None
        assert by.low is not None
        assert by.high is not None
        if by.low <= 0 <= by.high:
            found.append(one)
    return found


def said(values: Mapping[str, Any]) -> str:
    """`train.lr 0.001, loss.name hinge`."""
    return ", ".join(f"{name} {value_said(value)}" for name, value in values.items())


def value_said(value: Any) -> str:
    """As a person writes it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _student(degrees: float) -> float:
    # Imported here: only a sweep's page should pay for it.
    from scipy.special import stdtrit  # noqa: PLC0415

    return float(stdtrit(degrees, (1 + LEVEL) / 2))
