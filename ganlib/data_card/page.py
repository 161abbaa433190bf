"""The card's page: what stands above its sections, and around them."""

from collections.abc import Sequence

from ..html.markup import Markup, by, count, element, percent, shortened
from ..html.page import Section, contents, document, show, tiles
from .facts import Facts
from .findings import Finding
from .style import STYLE
from .summary import Summary

BANDS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGB with alpha"}


def page(summary: Summary, facts: Facts, looks: list[Finding], sections: Sequence[Section]) -> Markup:
    """The whole document."""
    title = f"{count(summary.total, summary.noun)} from {shortened(summary.source, 40)}"
    header = element(
        "header",
        element("p", "Data card", class_="eyebrow"),
        element("h1", title),
        element("p", lead(summary, facts), class_="lead"),
        numbers(summary, facts),
        look_at(summary, looks, {name for name, _, _ in sections}),
        contents(sections),
    )
    footer = element("p", "Data ", element("code", summary.digest), " · the same facts in data.json")
    return document(f"Data card: {title}", header, sections, footer, style=STYLE)


def lead(summary: Summary, facts: Facts) -> str:
    """What it is, in a sentence or two."""
    channels, height, width = summary.shape
    if summary.kind == "points":
        what = f"{count(channels, 'number')} each"
    else:
        what = f"{by(width, height)} pixels, {BANDS[channels]}"
    classes = f", in {count(len(summary.classes), 'class', 'classes')}" if summary.classes else ", without classes"
    share = "All" if facts.kept == facts.files else f"{facts.kept:,} of"
    came = f"{share} {count(facts.files, f'input {summary.item}')} made the data set"
    if summary.total != facts.kept:
        came += f", which holds {count(summary.total, summary.noun)} (each also as its mirror image)"
    return f"{came}: {what}{classes}. {summary.train:,} are for training, {summary.heldout:,} are held out."


def numbers(summary: Summary, facts: Facts) -> Markup:
    """The five numbers that people look for."""
    channels, height, width = summary.shape
    points = summary.kind == "points"
    left_out = facts.files - facts.kept
    lost = f"{left_out:,} left out" if left_out else "none left out"
    return tiles(
        [
            (f"Input {summary.item}s", f"{facts.files:,}", lost),
            (f"Training {summary.noun}s", f"{summary.train:,}", percent(1 - summary.got_share)),
            ("Held out", f"{summary.heldout:,}", percent(summary.got_share)),
            ("Classes", f"{len(summary.classes):,}" if summary.classes else "none", None),
            ("Dimensions", f"{channels}", None) if points else ("Size", by(width, height), BANDS[channels]),
        ]
    )


def look_at(summary: Summary, looks: list[Finding], there: set[str]) -> Markup:
    """The findings, each with a way to where it is shown."""
    if not looks:
        said = f"Nothing stands out: no {summary.item}s lost or repeated, no class that is short of {summary.noun}s."
        nothing = element("p", said)
        return element("div", element("h2", "What to look at"), nothing, class_="look good")
    items = [
        element("li", finding.sentence, " ", show(finding.section) if finding.section in there else None)
        for finding in looks
    ]
    return element("div", element("h2", "What to look at"), element("ul", *items), class_="look")
