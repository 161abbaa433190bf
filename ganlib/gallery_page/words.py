"""The page's first words: what is shown, and how to walk through it."""

from collections.abc import Sequence

from ..comparison_page.page import card
from ..html.markup import Markup, by, count, element, shortened
from .exhibits import Exhibit

KEYS = (
    ("Arrow keys", "in the wall, from picture to picture"),
    ("Page Down, Page Up", "in the wall, the pictures after and before"),
    ("S, E", "in the wall, pin the picture as start or as end"),
    ("N", "in the wall, the training pictures nearest to it"),
    ("Left, Right, Down", "in the vote, the left one, the right one, cannot tell"),
)
COLOURS = {1: "Grey", 2: "Grey transparent", 3: "Coloured", 4: "Coloured transparent"}


def header(
    exhibits: Sequence[Exhibit], classes: Sequence[str], size: tuple[int, int, int], links: Markup
) -> Markup:  # fmt: skip
    """What stands above the sections."""
    cards = [card(place, one.name, one.facts) for place, one in enumerate(exhibits)]
    keys = [part for key, does in KEYS for part in (element("dt", key), element("dd", does))]
    return element(
        "header",
        element("p", "Gallery", class_="eyebrow"),
        element("h1", " and ".join(shortened(one.name, 60) for one in exhibits)),
        element("p", lead(exhibits, classes, size), class_="lead"),
        element("noscript", element("p", "This page draws by JavaScript, which is off here.", class_="look")),
        element("ol", *cards, class_="contestants"),
        element("details", element("summary", "Keys"), element("dl", *keys, class_="settings")),
        links,
    )


def lead(exhibits: Sequence[Exhibit], classes: Sequence[str], size: tuple[int, int, int]) -> str:
    """What is drawn."""
    channels, height, width = size
    of_classes = f", of {count(len(classes), 'class', 'classes')}" if classes else ""
    what = f"{COLOURS[channels]} pictures of {by(width, height)} pixels{of_classes}"
    if len(exhibits) == 1:
        return f"{what}, each drawn from a seed and a number: the same ones give the same picture."
    if len({one.latents for one in exhibits}) == 1:
        return f"{what}. Where A and B stand together, both drew from the same latents."
    return f"{what}. A and B start from other kinds of latents: what stands together has its class in common alone."
