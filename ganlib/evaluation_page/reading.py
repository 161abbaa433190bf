"""The report in the form that the page needs: whatever is missing, empty or no number is left out, never a failure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .meanings import Words, words_of

Report = Mapping[str, Any]
"""`protocol`, and for each result what is said of it (see ganlib/metrics)."""

OF_ITSELF = ("value", "low", "high")
AT_FLOOR_COUNT = ("value_at_floor_count", "low_at_floor_count", "high_at_floor_count")
OF_FLOOR = ("floor", "floor_low", "floor_high")


@dataclass(frozen=True)
class Number:
    """A number, and its interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def reach(self) -> float | None:
        """Half of the interval's width."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def all(self) -> tuple[float, ...]:
        """The number and its bounds."""
        return tuple(one for one in (self.value, self.low, self.high) if one is not None)


@dataclass(frozen=True)
class Row:
    """One result that has a value."""

    key: str
    words: Words
    generated: Number
    alike: Number | None
    """Of the first generated pictures, as many as there are in the floor."""
    floor: Number | None
    no_floor: str | None
    """Why there is none, where that is said."""
    ideal: float | None = None
    """What perfect pictures score, where that is known without measuring any."""
    of: float | None = None
    """How many there are to be found."""

    @property
    def compared(self) -> Number:
        """What stands beside the floor, like with like."""
        return self.alike or self.generated


@dataclass(frozen=True)
class Pair:
    """A generated picture and the training picture nearest to it, by their rows."""

    generated: int
    train: int
    feature_distance: float | None
    pixel_distance: float | None
    closer: float | None
    """Share of held-out pictures that are nearer to theirs."""


def finite(value: Any) -> float | None:
    """The number; none where it is none, or no finite one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond all floating-point ones
        return None
    return number if math.isfinite(number) else None


def results(report: Report) -> dict[str, dict[str, Any]]:
    """Without the protocol."""
    return {key: dict(one) for key, one in report.items() if key != "protocol" and isinstance(one, Mapping)}


def words(report: Report) -> dict[str, Any]:
    """The protocol."""
    found = report.get("protocol")
    return dict(found) if isinstance(found, Mapping) else {}


def absent(report: Report) -> dict[str, str]:
    """Reasons by result."""
    return {key: _reason(one["absent"]) for key, one in results(report).items() if "absent" in one}


def _reason(given: Any) -> str:
    return given if isinstance(given, str) and given else "no reason is given"


def rows(report: Report) -> list[Row]:
    """Every result with a value, in the report's order."""
    found = []
    for key, result in results(report).items():
        value = number(result, *OF_ITSELF)
        if value is not None and "absent" not in result:
            floor = result.get("floor")
            why = _reason(floor["absent"]) if isinstance(floor, Mapping) and "absent" in floor else None
            alike, floored = number(result, *AT_FLOOR_COUNT), number(result, *OF_FLOOR)
            ideal = finite(result.get("perfect"))
            ideal = words_of(key).ideal if ideal is None else ideal
            found.append(Row(key, words_of(key), value, alike, floored, why, ideal, finite(result.get("of"))))
    return found


def number(result: Mapping[str, Any], value: str, low: str, high: str) -> Number | None:
    """From a result's entries of these names."""
    found = finite(result.get(value))
    return None if found is None else Number(found, finite(result.get(low)), finite(result.get(high)))


def others(report: Report) -> list[tuple[str, str, float]]:
    """(result, name, number) of every number that is no value, floor or bound of theirs."""
    known = {*OF_ITSELF, *AT_FLOOR_COUNT, *OF_FLOOR, "perfect", "of"}
    return [
        (key, name, value)
        for key, result in results(report).items()
        for name, value in _numbers({name: one for name, one in result.items() if name not in known})
    ]


def _numbers(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{above}{name}, ")
        elif (found := finite(value)) is not None:
            yield f"{above}{name}", found


def by_class(report: Report) -> dict[str, dict[str, float]]:
    """What is known of each class, whichever results say it: `fid` and `accuracy`, each with `_floor` for held-out
    pictures and `_alike` for as many generated ones, where that matters."""
    found: dict[str, dict[str, float]] = {}
    for entry in _entries(report, "class"):
        for name in {"fid", "accuracy"} & set(entry):
            parts = {"": name, "_alike": f"{name}_at_floor_count", "_floor": "floor"}
            numbers = {f"{name}{part}": finite(entry.get(key)) for part, key in parts.items()}
            known = {key: value for key, value in numbers.items() if value is not None}
            found.setdefault(str(entry["class"]), {}).update(known)
    return {name: numbers for name, numbers in found.items() if numbers}


def pairs(report: Report, *, generated: int, train: int) -> list[Pair]:
    """Of pictures that there are, in the report's order."""
    found = []
    for entry in _entries(report, "feature_distance"):
        one, other = entry.get("generated"), entry.get("train")
        if type(one) is type(other) is int and 0 <= one < generated and 0 <= other < train:
            in_features, in_pixels = finite(entry.get("feature_distance")), finite(entry.get("pixel_distance"))
            found.append(Pair(one, other, in_features, in_pixels, finite(entry.get("share_of_heldout_closer"))))
    return found


def _entries(report: Report, name: str) -> Iterator[Mapping[str, Any]]:
    """Every entry, with an entry of that name, of the lists in the results."""
    for result in results(report).values():
        for listed in result.values():
            if isinstance(listed, Sequence) and not isinstance(listed, str):
                yield from (one for one in listed if isinstance(one, Mapping) and name in one)
