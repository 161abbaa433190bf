"""The page around the sections: one file that needs nothing else and asks nobody for anything."""

import base64
from collections.abc import Iterable, Sequence
from hashlib import sha256

from .markup import Markup, element, join
from .style import STYLE

Section = tuple[str, str, Sequence[Markup]]
"""(id, heading, content)."""


def document(
    title: str,
    header: Markup,
    sections: Sequence[Section],
    footer: Markup,
    *,
    style: str = "",
    script: str = "",
    frames: bool = False,
) -> Markup:
    """The whole document; `style` is what the page's looks need beyond what all pages share.

    script: what moves on the page; it may ask the server that the page is from, where it is from one of ours.
    frames: whether it shows other pages of that server.
    """
    body = element(
        "body",
        header,
        element("main", *(part(*section) for section in sections)),
        element("footer", footer),
        Markup(f"<script>{script}</script>") if script else None,
    )
    return Markup(
        f"<!DOCTYPE html>\n{element('html', head(title, STYLE + style, script, frames=frames), body, lang='en')}\n"
    )


def head(title: str, style: str, script: str = "", *, frames: bool = False) -> Markup:
    """No request: the policy names the one style sheet by its digest and lets pictures be data only.

    Nor a script, unless one is given: then that one alone runs, and asks nobody but the server that the page is from.
    Nor a page within the page, unless `frames`: then those of that server.
    """
    assert "</script" not in script, "it would end there"
    acts = f"script-src '{_digest(script)}'; connect-src 'self'; " if script else ""
    shows = "frame-src 'self'; " if frames else ""
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; {acts}{shows}img-src data:; base-uri 'none'; "
        f"form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'),
        element("meta", name_="referrer", content="no-referrer"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="data:,"),  # or a browser asks the server for one
        Markup(f"<style>{style}</style>"),
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode('ascii')}"


def tiles(shown: Iterable[tuple[str, str, str | None]]) -> Markup:
    """The numbers that people look for: (name, value, what stands small below it)."""
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value, element("small", more) if more else None))
            for name, value, more in shown
        ),
        class_="tiles",
    )


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
