"""The page around the sections: one file that needs nothing else and asks nobody for anything."""

import base64
from collections.abc import Sequence
from hashlib import sha256

from .facts import Facts
from .findings import Finding
from .markup import Markup, by, count, element, join, percent, shortened
from .style import STYLE
from .summary import Summary

BANDS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGB with alpha"}

Section = tuple[str, str, Sequence[Markup]]
"""(id, heading, content)."""


def page(summary: Summary, facts: Facts, looks: list[Finding], sections: Sequence[Section]) -> Markup:
    """The whole document."""
    title = f"Data card: {count(summary.total, summary.noun)} from {shortened(summary.source, 40)}"
    body = [
        element(
            "header",
            element("p", "Data card", class_="eyebrow"),
            element("h1", f"{count(summary.total, summary.noun)} from {shortened(summary.source, 40)}"),
            element("p", lead(summary, facts), class_="lead"),
            tiles(summary, facts),
            look_at(summary, looks, {name for name, _, _ in sections}),
            contents(sections),
        ),
        element("main", *(part(*section) for section in sections)),
        element("footer", element("p", "Data ", element("code", summary.digest), " · the same facts in data.json")),
    ]
    html = element("html", head(title), element("body", *body), lang="en")
    return Markup(f"<!DOCTYPE html>\n{html}\n")


def head(title: str) -> Markup:
    """No script, no request: the policy names the one style sheet by its digest and lets pictures be data only."""
    digest = base64.b64encode(sha256(STYLE.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'),
        element("meta", name_="referrer", content="no-referrer"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="data:,"),  # or a browser asks the server for one
        Markup(f"<style>{STYLE}</style>"),
    )


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


def tiles(summary: Summary, facts: Facts) -> Markup:
    """The five numbers that people look for."""
    channels, height, width = summary.shape
    points = summary.kind == "points"
    left_out = facts.files - facts.kept
    lost = f"{left_out:,} left out" if left_out else "none left out"
    shown = [
        (f"Input {summary.item}s", f"{facts.files:,}", lost),
        (f"Training {summary.noun}s", f"{summary.train:,}", percent(1 - summary.got_share)),
        ("Held out", f"{summary.heldout:,}", percent(summary.got_share)),
        ("Classes", f"{len(summary.classes):,}" if summary.classes else "none", None),
        ("Dimensions", f"{channels}", None) if points else ("Size", by(width, height), BANDS[channels]),
    ]
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value, element("small", more) if more else None))
            for name, value, more in shown
        ),
        class_="tiles",
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


def show(section: str) -> Markup:
    """The way to a section."""
    return element("a", "Show", href=f"#{section}", aria_label=f"Show: {section.replace('-', ' ')}")


def contents(sections: Sequence[Section]) -> Markup:
    """Links to the sections."""
    links = [element("li", element("a", heading, href=f"#{name}")) for name, heading, _ in sections]
    return element("nav", element("ul", *links), aria_label="Sections")


def part(name: str, heading: str, content: Sequence[Markup]) -> Markup:
    """A section under its heading."""
    return element(
        "section", element("h2", heading, id=f"{name}-heading"), join(content), class_="part", id=name,
        aria_labelledby=f"{name}-heading",
    )  # fmt: skip
