"""The desk: how the newest training stands, the project's pages, and below them the newest training's own page."""

from collections.abc import Sequence
from pathlib import Path

from ..html.markup import Markup, element, shortened
from ..html.page import document
from .standing import Leaf, Said, Standing
from .style import STYLE

SCRIPT = (Path(__file__).parent / "desk.js").read_text(encoding="utf-8")
FRAME = "/newest.html"
"""Where the newest training's page is."""


def page(standing: Standing, leaves: Sequence[Leaf], runs: str) -> Markup:
    """The whole document; `runs` is where MLflow's pages are."""
    header = element(
        "header",
        element("p", "Desk", class_="eyebrow"),
        element("h1", shortened(standing.project, 60)),
        _state(standing),
        element("p", id="server-said", class_="gone", role="status"),
    )
    shown = [_leaf(leaf, standing.leaves[leaf.address]) for leaf in leaves]
    mlflow = element(
        "li",
        element("a", "MLflow", href=runs),
        element("p", "All runs with their curves and grids, and the registered generators"),
        class_="elsewhere",
    )
    sections = [
        ("pages", "Pages", [element("ul", mlflow, *shown, class_="leaves")]),
        ("newest", "The newest training", [_frame(standing)]),
    ]
    footer = element("p", "Looks every few seconds whether something has changed, and asks nobody but this machine.")
    return document(standing.title, header, sections, footer, style=STYLE, script=SCRIPT, frames=True)


def _state(standing: Standing) -> Markup:
    mood = f"look {standing.mood}" if standing.mood != "warn" else "look"
    known = standing.share is not None
    return element(
        "div",
        element("h2", standing.heading, id="heading"),
        element("p", *spoken(standing.sentence), id="sentence", role="status"),
        element(
            "progress", id="share", max=1, value=standing.share, hidden=None if known else "",
            aria_label="Share of the training that has been played",
        ),
        id="state", class_=mood, data_project=standing.project,
    )  # fmt: skip


def _leaf(leaf: Leaf, said: Said) -> Markup:
    return element(
        "li",
        element("a", leaf.title, href=leaf.address if said.there else None),
        element("p", leaf.about),
        element("p", *spoken(said.words), class_="when"),
        data_address=leaf.address,
    )


def _frame(standing: Standing) -> Markup:
    """The page itself, which may run its own script and reach nothing of the desk's."""
    there = standing.frame is not None
    newer = element(
        "p",
        "There is a newer state of this page. ",
        element("button", "Show it", id="show-newer", type="button"),
        id="newer", class_="newer", role="status", hidden="",
    )  # fmt: skip
    inside = element(
        "iframe", id="frame", title="Page of the newest training", sandbox="allow-scripts",
        src=FRAME if there else None, data_address=FRAME, data_state=standing.frame,
    )  # fmt: skip
    return element(
        "div", newer, inside, element("p", element("a", "This page by itself", href=FRAME), class_="alone"),
        id="framed", hidden=None if there else "",
    )  # fmt: skip


def spoken(sentence: str) -> list[Markup | str]:
    """The sentence's parts; what stands between backticks is code."""
    return [element("code", part) if place % 2 else part for place, part in enumerate(sentence.split("`"))]
