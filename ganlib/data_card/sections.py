"""The sections that say what went in and what came out: tables and charts."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..datasets import (
    BOMB,
    BROKEN,
    EXACT_DUPLICATE,
    NEAR_DUPLICATE,
    NOT_AN_IMAGE,
    OTHER_SIZE,
    TOO_SMALL,
    TRUNCATED,
    UNREADABLE,
)  # fmt: skip
from ..html.charts import bar
from ..html.markup import Markup, element, file_name, percent, shortened
from ..html.page import Section
from . import charts
from .facts import Example, Facts
from .sizes import tally
from .summary import Summary

MEANING = {
    UNREADABLE: "Could not be read from the disk or the archive.",
    TRUNCATED: "Ends before its picture does.",
    BROKEN: "Is damaged inside.",
    NOT_AN_IMAGE: "Is no picture in any format that is read.",
    TOO_SMALL: "Has a side shorter than data.min_side.",
    BOMB: "Unpacks to far more pixels than an honest picture has.",
    OTHER_SIZE: "Has another size than the pictures shall have, and data.fit is none.",
    EXACT_DUPLICATE: "Has the same pixels as an earlier file, which stands for both.",
    NEAR_DUPLICATE: "Looks like an earlier picture (data.near_duplicates: drop).",
}
SENTENCE = 320
"""Characters of a sentence about a file."""
BARRED, LISTED = 40, 1000
"""Up to so many classes have bars; so many at most are listed."""
NOTES = 30
"""Notes of the source."""


def files(facts: Facts, summary: Summary) -> Section:
    """Every input file by what became of it."""
    rows: list[tuple[str, str, int, list[Example]]]
    rows = [("in the data set", f"Became a {summary.noun} of the data set.", facts.kept, [])]
    rows += [(name, MEANING.get(name, ""), n, facts.examples.get(name, [])) for name, n in facts.reasons.items()]
    head = element(
        "thead",
        element(
            "tr",
            element("th", f"{summary.item}s".capitalize(), scope="col"),
            element("th", "What it means", scope="col"),
            element("th", "Number", scope="col", class_="number"),
            element("th", "Share", scope="col", class_="number"),
        ),
    )
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", meaning, *_examples(n, examples), class_="meaning"),
            element("td", f"{n:,}", class_="number"),
            element("td", percent(n / max(1, facts.files)), class_="number"),
        )
        for name, meaning, n, examples in rows
    ]
    return "files", f"Input {summary.item}s", [element("table", head, element("tbody", *body), class_="files")]


def _examples(number: int, examples: list[Example]) -> Iterator[Markup]:
    if examples:
        which = f"Show the first {len(examples)}" if number > len(examples) else "Show"
        items = [
            element("li", file_name(one.name), element("br"), shortened(one.sentence, SENTENCE))
            for one in examples
        ]  # fmt: skip
        yield element("details", element("summary", which), element("ul", *items, class_="names"))


def classes(summary: Summary) -> Section | None:
    """How many of each class there are on both sides of the split."""
    if not summary.classes:
        return None
    train, heldout = summary.class_counts["train"], summary.class_counts["heldout"]
    counts = [(name, train.get(name, 0), heldout.get(name, 0)) for name in summary.classes]
    if len(counts) <= BARRED:
        return "classes", "Classes", [_class_table(counts)]
    ordered = sorted(counts, key=lambda one: (-one[1], one[0]))
    numbers = [one[1] for one in ordered]
    most, least, middle = ordered[0], ordered[-1], int(np.median(numbers))
    sentence = (
        f"{len(counts):,} classes with {least[1]:,} to {most[1]:,} training {summary.noun}s, {middle:,} in the middle. "
        f"Most: {shortened(most[0], 60)}. Fewest: {shortened(least[0], 60)}."
    )
    listed = [
        element("li", element("bdi", shortened(name, 60)), element("span", f"{n:,} + {held:,}", class_="number"))
        for name, n, held in counts[:LISTED]
    ]
    rest = len(counts) - LISTED
    more = element("p", f"and {rest:,} more in data.json", class_="more") if rest > 0 else None
    content = [
        element("p", sentence),
        charts.ranks(numbers, label=f"Training {summary.noun}s for each class. {sentence}"),
        element(
            "details", element("summary", f"Every class: training + held-out {summary.noun}s"),
            element("ul", *listed, class_="columns"), more,
        ),
    ]  # fmt: skip
    return "classes", "Classes", content


def _class_table(counts: list[tuple[str, int, int]]) -> Markup:
    top = max(1, *(max(n, held) for _, n, held in counts))
    key = [element("span", class_=f"key {name}", aria_hidden="true") for name in ("train", "heldout")]
    head = element(
        "tr",
        element("th", "Class", scope="col"),
        element("th", element("span", "Compared"), scope="col"),
        element("th", key[0], "Training", scope="col", class_="number"),
        element("th", key[1], "Held out", scope="col", class_="number"),
    )
    body = [
        element(
            "tr",
            element("th", element("bdi", shortened(name, 60)), scope="row"),
            element("td", bar([("train", n / top), ("heldout", held / top)]), class_="bars"),
            element("td", f"{n:,}", class_="number"),
            element("td", f"{held:,}", class_="number"),
        )
        for name, n, held in counts
    ]
    return element("table", element("thead", head), element("tbody", *body))


def split(summary: Summary) -> Section:
    """Who is held out, and why nobody can move across unnoticed."""
    asked = f" {percent(summary.asked_share)} were asked for." if summary.asked_share is not None else ""
    held = f"{summary.heldout:,} ({percent(summary.got_share)})"
    got = f"{summary.train:,} {summary.noun}s are for training and {held} are held out.{asked}"
    how = (
        f"Each {summary.noun}'s own content decides: sha256 over its values and data.seed. So adding {summary.noun}s "
        f"moves no old one across, and equal ones always lie on the same side."
    )
    share = 100 * (1 - summary.got_share)
    strip = element(
        "svg",
        element("rect", class_="train", width=f"{share:.2f}%", height="100%"),
        element("rect", class_="heldout", x=f"{share:.2f}%", width=f"{100 - share:.2f}%", height="100%"),
        class_="cell strip", role="img", aria_label=got,
    )  # fmt: skip
    return "split", "The split", [strip, element("p", got), element("p", how, class_="soft")]


def preparation(facts: Facts, summary: Summary) -> Section:
    """What was done to the pictures, by which settings, and what the source had to say."""
    content: list[Markup] = []
    if facts.done:
        content.append(tally(facts.done, "Done to the pictures", {}))
    elif summary.kind == "pictures":
        content.append(element("p", "Nothing: the pictures are as they came."))
    if summary.notes:
        notes = [element("li", shortened(note, SENTENCE)) for note in summary.notes[:NOTES]]
        content += [element("h3", "Notes of the source"), element("ul", *notes)]
    if summary.preparation:
        pairs = [
            part
            for name, value in summary.preparation.items()
            if name != "near_duplicates"
            for part in (element("dt", name.replace("_", " ")), element("dd", shortened(_words(value), SENTENCE)))
        ]
        content += [element("h3", "Settings"), element("dl", *pairs, class_="settings")]
    return "preparation", "What was done", content


def _words(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_words(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
