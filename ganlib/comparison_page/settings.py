"""The section of settings: only what differs."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..html.markup import Markup, element, shortened
from ..html.page import Section
from .contestants import LETTERS, Contestant
from .numbers import letter

LONGEST = 120
"""Characters of a value."""


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names whose values are not the same everywhere, in the order in which they first come."""
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if any(one.get(name, ...) != settings[0].get(name, ...) for one in settings)]


def settings(contestants: Sequence[Contestant]) -> Section:
    """What each was trained by, where it is not the same."""
    known = [(place, one) for place, one in enumerate(contestants) if not one.no_settings]
    content: list[Markup] = [
        element("p", f"What {LETTERS[place]} was trained by is not known: {one.no_settings}.", class_="soft")
        for place, one in enumerate(contestants)
        if one.no_settings
    ]
    if len(known) > 1:
        names = differing([one.settings for _, one in known])
        letters = ", ".join(LETTERS[place] for place, _ in known)
        said = f"Trained by the same: {letters} do not differ." if not names else "All that differs."
        content.append(element("p", said, class_="soft"))
        if names:
            content.append(_table(names, known))
    return "settings", "Settings", content


def _table(names: Sequence[str], known: Sequence[tuple[int, Contestant]]) -> Markup:
    heads = [element("th", "Setting", scope="col"), *(element("th", letter(place), scope="col") for place, _ in known)]
    body = [
        element(
            "tr",
            element("th", element("code", shortened(name)), scope="row"),
            *(element("td", _value(one.settings, name), data_label=LETTERS[place]) for place, one in known),
        )
        for name in names
    ]
    return element("table", element("thead", element("tr", *heads)), element("tbody", *body), class_="differing")


def _value(settings: Mapping[str, Any], name: str) -> str:
    if name not in settings:
        return "not there"
    value = settings[name]
    return "empty" if value in (None, "null", "") else shortened(str(value), LONGEST)
