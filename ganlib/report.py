"""An evaluation's numbers in rows, as tables show them. Needs no torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DIGITS, DIGITS_OF_BOUNDS = 4, 3
"""Significant ones, as tables show them."""


@dataclass(frozen=True)
class Number:
    """With the bounds of its interval, where it has them; or why there is no number."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    absent: str = ""

    def __str__(self) -> str:
        """`0.2391 [0.221, 0.257]`, `absent`, or nothing."""
        if self.value is None:
            return "absent" if self.absent else ""
        bounds = (
            ""
            if self.low is None or self.high is None
            else f" [{self.low:.{DIGITS_OF_BOUNDS}g}, {self.high:.{DIGITS_OF_BOUNDS}g}]"
        )
        return f"{self.value:.{DIGITS}g}{bounds}"


@dataclass(frozen=True)
class Row:
    """One figure of merit."""

    name: str
    value: Number
    at_floor_count: Number
    """Of as many generated pictures as there are held-out ones, where the count matters."""
    floor: Number
    """What held-out real pictures score."""

    def cells(self) -> tuple[str, str, str, str] | None:
        """As a table shows it; none where there is no value."""
        if self.value.absent:
            return None
        return self.name, str(self.value), str(self.at_floor_count), str(self.floor)


def rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Of each result its value; of one that is several numbers without a first among them, a row for each."""
    for name, result in report.items():
        if name == "protocol":
            continue
        if "value" in result or "absent" in result:
            at_floor_count = Number(result.get("value_at_floor_count"))
            yield Row(name, _number(result, "value"), at_floor_count, _number(result, "floor"))
        else:
            for part, value in result.items():
                yield Row(f"{name} {part.replace('_', ' ')}", Number(value), Number(), Number())


def numbers_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report without its lists: what people and DVC compare. The details are for pages and for pairing."""
    return {
        key: numbers_of(value) if isinstance(value, Mapping) else value
        for key, value in report.items()
        if not isinstance(value, list)
    }


def table(report: Mapping[str, Any]) -> str:
    """The report for people: a line for each number, and the protocol in one line."""
    words = report["protocol"]
    n, m = words["samples"], words["floor_count"]
    lines = [("", f"{n} generated", f"first {m}", f"{m} held-out (floor)")]
    lines += [cells for row in rows(report) if (cells := row.cells()) is not None]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    aligned = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    head = (
        f"{words['name']}: {n} generated (seed {words['sample_seed']}) against {words['reference_count']} training "
        f"pictures, through {words['extractor']}, {words['features']} features; in brackets 95 % intervals"
    )
    return "\n".join([head, *(line.rstrip() for line in aligned), *absences(report)])


def absences(report: Mapping[str, Any]) -> list[str]:
    """A sentence for each reason why some results are absent."""
    names: dict[str, list[str]] = {}
    for row in rows(report):
        if row.value.absent:
            names.setdefault(row.value.absent, []).append(row.name)
    return [f"Absent: {', '.join(those)}, because {reason}." for reason, those in names.items()]


def _number(result: Mapping[str, Any], name: str) -> Number:
    value = result.get(name)
    prefix = "" if name == "value" else f"{name}_"
    if isinstance(value, Mapping):
        return Number(absent=str(value["absent"]))
    if name == "value" and "absent" in result:
        return Number(absent=str(result["absent"]))
    return Number(value, result.get(f"{prefix}low"), result.get(f"{prefix}high"))
