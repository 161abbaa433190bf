"""The sections of numbers: metrics beside their floors, classes, everything else, and the protocol."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..html.markup import Markup, count, element, shortened
from ..html.page import Section
from . import charts, judging, reading, verdicts
from .meanings import NAMES, words_of
from .numbers import between, said, short
from .reading import Number, Report, Row

LONGEST = 600
"""Characters of a value of the protocol."""

HOW = (
    "Every interval is meant to hold, with a probability of 95%, the number that endlessly many pictures of the same "
    "generator would give.",
    "The generated pictures fall into 20 groups (picture i into group i mod 20), and each number is computed anew "
    "without each group in turn. How much the 20 results differ says how much luck there is in the whole (the "
    "delete-a-group jackknife, Kott 2001; Student's t with 19 degrees of freedom). A share of independent pictures "
    "takes Wilson's interval instead, which is honest where all or none succeed.",
    "The training pictures count as given. So the intervals say nothing of how another training run, with another "
    "seed, would have come out; that takes several runs.",
    "The floor is what held-out real pictures score in the place of generated ones: nobody who makes new pictures of "
    "the same kind can be expected to do better. Few pictures score otherwise than many, so it is compared with as "
    "many generated ones. Two numbers count as different where they lie farther apart than both half widths together "
    "(as the square root of the sum of their squares).",
)


def numbers(report: Report, noun: str) -> Section:
    """Each result with its interval beside the floor with its own."""
    rows = reading.rows(report)
    generated, compared = judging.counts(report)
    content: list[Markup] = []
    if rows:
        content += [_legend(rows, noun), _table(rows, generated, compared, noun)]
    else:
        content.append(element("p", "There are none."))
    missing = [element("li", sentence) for verdict in verdicts.unknown(report) for sentence in verdict.sentences]
    if missing:
        content += [element("h3", "Not known, and why"), element("ul", *missing)]
    how = element("details", element("summary", "How the intervals and the floor are made"),
                  *(element("p", one) for one in HOW), class_="how")  # fmt: skip
    return "numbers", "The numbers", [*content, how]


def _legend(rows: Sequence[Row], noun: str) -> Markup:
    marks = [("spot generated", f"generated {noun}s, with the 95% interval")]
    if any(row.alike for row in rows):
        marks.append(("ring generated", "as many of them as are held out"))
    if any(row.floor for row in rows):
        marks.append(("spot heldout", f"held-out real {noun}s: the floor, with its interval"))
    return element("ul", *(element("li", _mark(name), words) for name, words in marks), class_="legend")


def _mark(name: str) -> Markup:
    if name == "spot heldout":
        drawn = element("path", class_=name, d="M3 8L8 3L13 8L8 13Z")
    else:
        drawn = element("circle", class_=name, cx=8, cy=8, r=4 if name.startswith("spot") else 6)
    return element("svg", drawn, class_="mark", viewBox="0 0 16 16", aria_hidden="true")


def _table(rows: Sequence[Row], generated: int, compared: int, noun: str) -> Markup:
    alike = any(row.alike and row.alike.value != row.generated.value for row in rows)
    counted = [f"All {generated:,}" if generated > 1 else "Generated", *([f"First {compared:,}"] if alike else [])]
    counted.append(f"{compared:,} held out" if compared > 1 else "Held out")
    heads = [("Metric", ""), *((title, "number") for title in counted), ("On one axis", "")]
    heads.append((f"Beside real {noun}s", ""))
    body = []
    for row in rows:
        written = [row.generated, *([row.alike] if alike else []), row.floor]
        cells = [_cell(one, row, title) for one, title in zip(written, counted, strict=True)]
        said_of = judging.judge(row, generated=generated, compared=compared)
        badge = element("span", said_of.short, class_=f"badge {said_of.tone}") if said_of.short else None
        body.append(
            element(
                "tr",
                element("th", element("bdi", shortened(row.words.name, 60)), _small(row), scope="row"),
                *cells,
                element("td", charts.intervals(row, label=_heard(row), name=partial(_tick, row)), class_="axis"),
                element("td", badge, class_="verdict"),
            )
        )
    head = element("tr", *(element("th", title, scope="col", class_=look or None) for title, look in heads))
    return element("table", element("thead", head), element("tbody", *body), class_="numbers")


def _small(row: Row) -> Markup | None:
    sentences = [row.words.meaning] if row.words.meaning else []
    sentences += [f"There are {short(row.of)}."] if row.of is not None else []
    if row.ideal is not None:
        perfect = _tick(row, float(f"{row.ideal:.4g}"))
        sentences.append(f"Perfect would be {perfect} (dotted line).")
    direction = element("em", f"{row.words.direction.capitalize()}.") if row.words.direction else None
    return element("small", " ".join([*sentences, ""]), direction) if sentences or direction else None


def _cell(number: Number | None, row: Row, title: str) -> Markup:
    if number is None:
        return element("td", "", class_="number", data_label=title)
    percent = row.words.percent
    bounds = between(number, percent=percent)
    text = said(number, percent=percent, like=row.generated)
    return element("td", text, element("small", bounds) if bounds else None, class_="number", data_label=title)


def _tick(row: Row, value: float) -> str:
    return f"{100 * value:g}%" if row.words.percent else f"{value:g}".replace("-", "−")  # noqa: RUF001


def _heard(row: Row) -> str:
    """What the chart shows, for who cannot see it."""
    parts = []
    for name, number in (("generated", row.generated), ("held out", row.floor)):
        if number is not None:
            bounds = between(number, percent=row.words.percent)
            parts.append(f"{name} {said(number, percent=row.words.percent)}" + (f" ({bounds})" if bounds else ""))
    return f"{row.words.name}: {', '.join(parts)}"


def others(report: Report) -> Section | None:
    """Numbers that have no floor: what the discriminator says, thresholds, deviations."""
    known = reading.others(report)
    if not known:
        return None
    rows = []
    for key, name, value in known:
        title = words_of(key).name
        spoken = NAMES.get(name, name).replace("_", " ")
        rows.append(
            element(
                "tr", element("th", element("bdi", shortened(title, 60)), scope="row"),
                element("td", shortened(spoken, 120)), element("td", short(value), class_="number"),
            )
        )  # fmt: skip
    head = element(
        "tr", element("th", "Of", scope="col"), element("th", "What", scope="col"),
        element("th", "Number", scope="col", class_="number"),
    )  # fmt: skip
    content = [element("table", element("thead", head), element("tbody", *rows), class_="others")]
    if any(key == "discriminator" for key, _, _ in known):
        said_of = (
            "A discriminator at the end of the game says a half of everything. Where it prefers training to held-out "
            "pictures it knows its training pictures by heart."
        )
        content.insert(0, element("p", said_of, class_="soft"))
    return "others", "Other numbers", content


def protocol(report: Report) -> Section:
    """Every word of it: two numbers may be compared only where all of this is equal."""
    pairs = [
        part
        for name, value in reading.words(report).items()
        for part in (element("dt", str(name).replace("_", " ")), element("dd", shortened(_words(value), LONGEST)))
    ]
    said_of = (
        "Numbers may be compared only where all of this is the same; the name ends in a digest of it. "
        f"{count(len(pairs) // 2, 'entry', 'entries')}."
    )
    return "protocol", "The protocol", [element("p", said_of, class_="soft"), element("dl", *pairs, class_="settings")]


def _words(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_words(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value)) or "none"
    if isinstance(value, float) and reading.finite(value) is None:
        return "no number"
    return str(value)
