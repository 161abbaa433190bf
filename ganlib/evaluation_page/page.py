"""The evaluation's page: its first words, and what stands around the sections."""

from collections.abc import Sequence
from typing import Any

from ..html.markup import Markup, element, shortened
from ..html.page import Section, contents, document, show, tiles
from . import reading, verdicts
from .meanings import COPIES
from .numbers import said
from .reading import Report
from .style import STYLE
from .verdicts import Verdict

TILES = (COPIES, "fid", "kid", "precision", "recall", "coverage", "modes", "high_quality", "isc", "class_accuracy")
MOST_TILES = 5
MARKS = {"bad": "✕", "warn": "!", "good": "✓", "plain": "i"}


def page(report: Report, sections: Sequence[Section], noun: str) -> Markup:
    """The whole document."""
    words = reading.words(report)
    there = {name for name, _, _ in sections}
    title = _title(words, noun)
    header = element(
        "header",
        element("p", "Evaluation", class_="eyebrow"),
        element("h1", title),
        element("p", lead(words, noun), class_="lead"),
        element("div", *(_verdict(one, there) for one in verdicts.verdicts(report, noun)), class_="verdicts"),
        _tiles(report, noun),
        contents(sections),
    )
    name = str(words.get("name", ""))
    footer = element(
        "p", *(("Protocol ", element("code", shortened(name, 200)), " · ") if name else ()),
        "the same numbers in metrics/evaluate.json",
    )  # fmt: skip
    return document(f"Evaluation: {title}", header, sections, footer, style=STYLE)


def _title(words: dict[str, Any], noun: str) -> str:
    samples = words.get("samples")
    return f"{samples:,} generated {noun}s" if isinstance(samples, int) else f"Generated {noun}s"


def lead(words: dict[str, Any], noun: str) -> str:
    """What was compared with what, and through whose eyes."""
    known = {name: f"{one:,} " for name, one in words.items() if isinstance(one, int)}
    through = ""
    if "extractor" in words:
        through = f", by {known.get('features', '')}features that {shortened(str(words['extractor']), 60)} sees"
    training, heldout = known.get("reference_count", ""), known.get("heldout_count", "")
    return (
        f"Compared with {training}training {noun}s{through}. The floor is what {heldout}held-out real {noun}s score, "
        f"the measure of what is as good as real. Features that were learned from the training {noun}s make held-out "
        f"ones look a little farther off than they are, so a generator that knows the training {noun}s well may score "
        f"beyond it; that is no merit by itself."
    )


def _verdict(verdict: Verdict, there: set[str]) -> Markup:
    link = show(verdict.section) if verdict.section in there else None
    mark = element("span", MARKS[verdict.tone], class_="sign", aria_hidden="true")
    if len(verdict.sentences) == 1:
        content = element("p", verdict.sentences[0], " ", link)
    else:
        items = [element("li", sentence) for sentence in verdict.sentences[:-1]]
        content = element("ul", *items, element("li", verdict.sentences[-1], " ", link))
    return element("div", element("h2", mark, verdict.heading), content, class_=f"look {verdict.tone}")


def _tiles(report: Report, noun: str) -> Markup | None:
    """The five numbers that people look for first, each with its floor below."""
    rows = {row.key: row for row in reading.rows(report)}
    shown = []
    for row in [rows[key] for key in TILES if key in rows][:MOST_TILES]:
        percent = row.words.percent
        floor = f"held-out {noun}s: {said(row.floor, percent=percent)}" if row.floor else row.words.direction
        shown.append((row.words.name[:1].upper() + row.words.name[1:], said(row.generated, percent=percent), floor))
    return tiles(shown) if shown else None
