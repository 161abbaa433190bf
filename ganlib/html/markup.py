"""HTML that nobody's file name can break into: text is escaped unless it was made here."""

from collections.abc import Iterable
from html import escape
from unicodedata import category

EMPTY = frozenset({"br", "circle", "image", "img", "input", "line", "link", "meta", "path", "rect"})
"""Elements without content."""

LONGEST_NAME = 120
"""Characters of a name that are shown: its beginning and its end."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str | None, **attributes: str | float | None) -> Markup:
    """`<name ...>children</name>`. What is None is left out; `class_` is `class`, `aria_label` is `aria-label`. Styles
    are classes: the page's policy forbids them in attributes."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in EMPTY:
        return Markup(f"<{name}{words}/>")
    return Markup(f"<{name}{words}>{join(children)}</{name}>")


def join(parts: Iterable[str | None]) -> Markup:
    """One after the other; what is not Markup is escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(visible(part or "")) for part in parts))


def visible(text: str) -> str:
    """The text with what cannot be printed spelt out: control characters, lone surrogates (names in odd encodings)
    and marks that turn the direction of writing, with which one name can look like another."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _spelt(one) for one in text)


def _spelt(one: str) -> str:
    # Foreign spaces are common in the names of screenshots.
    return " " if one == "\n" or category(one) == "Zs" else one.encode("unicode_escape").decode("ascii")


def shortened(text: str, longest: int = LONGEST_NAME) -> str:
    """The text, or its beginning and its end around an ellipsis."""
    if len(text) <= longest:
        return text
    tail = longest // 2
    return f"{text[: longest - tail - 1]}…{text[-tail:]}"


def file_name(name: str) -> Markup:
    """A place inside the source, as code; it may break anywhere and cannot turn its surroundings' direction."""
    return element("bdi", element("code", shortened(name)))


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `1,234 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def by(width: int, height: int) -> str:
    """A size as people write it, width first."""
    return f"{width:,} × {height:,}"  # noqa: RUF001, the sign that is meant


def percent(share: float) -> str:
    """With a digit after the point where the number is small or not round; never 0% or 100% for what is not."""
    if 0 < share < 0.001:
        return "under 0.1%"
    if 0.999 < share < 1:
        return "over 99.9%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"
