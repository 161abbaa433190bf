"""The section of what people said who saw pictures of two generators and did not know whose was whose."""

from collections.abc import Sequence

from ..evaluation_page.judging import Tone
from ..html.markup import Markup, count, element
from ..html.page import Section
from .contestants import LETTERS, Contestant
from .numbers import letter

HOW = (
    "Asked in the gallery (ganlib gallery), pair by pair: two pictures of one class from the same latents, left and "
    "right tossed each time. The interval is Wilson's, of the share among those who could tell. It says how sure these "
    "votes are of these voters, and nothing of what other people would say."
)
TONES: dict[str, Tone] = {"preferred": "good", "the other one preferred": "bad"}


def opinions(contestants: Sequence[Contestant]) -> list[str]:
    """A sentence for each generator that people compared with the first."""
    return [
        one.preference.sentence(LETTERS[place], LETTERS[0])
        for place, one in enumerate(contestants)
        if one.preference is not None
    ]


def people(contestants: Sequence[Contestant]) -> Section | None:
    """A row for each generator that people compared with the first; None where nobody was asked."""
    rows = [_row(place, one) for place, one in enumerate(contestants) if one.preference is not None]
    if not rows:
        return None
    titles = ("", "preferred to A in", "could not tell", "share, 95 % interval")
    head = element("thead", element("tr", *(element("th", title, scope="col") for title in titles)))
    table = element("table", head, element("tbody", *rows), class_="people")
    return "people", "What people say", [table, element("p", HOW, class_="soft")]


def _row(place: int, one: Contestant) -> Markup:
    said = one.preference
    assert said is not None
    share = "none"
    if said.decided:
        low, middle, high = (f"{100 * each:.0f}" for each in (said.interval.low, said.share, said.interval.high))
        share = f"{middle} %, {low} to {high} %"
    verdict = element("span", said.verdict, class_=f"badge {TONES.get(said.verdict, 'plain')}")
    votes = f"{said.ours:,} of {count(said.decided, 'vote')}, {count(said.sittings, 'sitting')}"
    cells = [element("td", text) for text in (votes, f"{said.undecided:,}")]
    return element("tr", element("th", letter(place), scope="row"), *cells, element("td", share, " ", verdict))
