"""The page's sections, which its script fills."""

from collections.abc import Sequence

from ..comparison_page.contestants import LETTERS
from ..html.markup import Markup, element, shortened
from ..html.page import Section
from .exhibits import Exhibit

LONGEST_SEED = 9007199254740991
"""What a browser counts to without rounding; `ganlib sample` takes greater ones."""
USUAL = 24
"""Pictures at once, about."""
WEAKEST, STRONGEST, STEP = 2.0, 0.1, 0.05
"""Of truncation."""


def samples(
    exhibits: Sequence[Exhibit], classes: Sequence[str], size: tuple[int, int, int], counts: Sequence[int]
) -> Section:
    """What is asked for, the wall of pictures, and the one that is chosen."""
    channels, height, width = size
    letters = LETTERS[: len(exhibits)]
    wall = element(
        "ul", id="wall", class_="wall", data_letters=letters, data_width=width, data_height=height,
        data_alpha="yes" if channels in (2, 4) else None, aria_label="Pictures",
    )  # fmt: skip
    keep = [
        element(
            "a", f"{form} of {letter}" if len(letters) > 1 else form, id=f"keep-{form.lower()}-{letter}", download=""
        )
        for letter in letters
        for form in ("PNG", "ZIP")
    ]
    return "samples", "Samples", [
        _controls(classes, counts),
        _said("samples-said"),
        wall,
        element("p", "Keep them: ", *(part for link in keep for part in (link, " ")), class_="keep soft"),
        _chosen(letters),
    ]  # fmt: skip


def _controls(classes: Sequence[str], counts: Sequence[int]) -> Markup:
    seed = element("input", id="seed", type="number", min=0, max=LONGEST_SEED, step=1, value=0, required="")
    fields = [_field("Seed", "seed", seed)]
    if classes:
        options = [element("option", shortened(name, 60), value=number) for number, name in enumerate(classes)]
        turns = element("option", "all in turn", value="")
        fields.append(_field("Class", "label", element("select", turns, *options, id="label")))
    usual = min(counts, key=lambda one: abs(one - USUAL))
    several = [element("option", str(one), value=one, selected="" if one == usual else None) for one in counts]
    fields.append(_field("Pictures", "count", element("select", *several, id="count")))
    strength = element(
        "input", id="truncation", type="range", min=STRONGEST, max=WEAKEST, step=STEP, value=WEAKEST,
        aria_describedby="truncation-said",
    )  # fmt: skip
    fields.append(
        _field("Truncation", "truncation", element("span", strength, element("output", "none", id="truncation-said")))
    )
    buttons = [_button("another", "Another seed"), _button("earlier", "Earlier"), _button("later", "Later")]
    return element("form", *fields, element("div", *buttons, class_="buttons"), id="wish", class_="wish")


def _chosen(letters: str) -> Markup:
    pins = (_button("pin-start", "Pin as start"), _button("pin-end", "Pin as end"))
    close = [
        _button(f"nearest-{letter}", f"Nearest training pictures{f' to {letter}' if len(letters) > 1 else ''}")
        for letter in letters
    ]
    return element(
        "div",
        element("div", id="chosen-pictures", class_="large"),
        element(
            "div",
            element("p", "Choose a picture of the wall.", id="chosen-said", role="status"),
            element("div", *pins, *close, id="chosen-acts", class_="buttons", hidden=""),
        ),
        id="chosen", class_="chosen", aria_label="The chosen picture", role="group",
    )  # fmt: skip


def between(exhibits: Sequence[Exhibit], steps: int) -> Section:
    """The way from one pinned picture to another, as a film and as a strip."""
    letters = LETTERS[: len(exhibits)]
    keep = [
        element(
            "a", f"{form} of {letter}" if len(letters) > 1 else form, id=f"keep-{form.lower()}-{letter}", download=""
        )
        for letter in letters
        for form in ("Strip", "GIF", "MP4")
    ]
    frame = element("input", id="frame", type="range", min=0, max=steps - 1, step=1, value=0)
    return "between", "Between two pictures", [
        element("p", "Pin two pictures of the wall. Their classes, where they differ, change halfway.", class_="soft"),
        _said("between-said"),
        element(
            "div",
            element("div", id="pins", class_="pins"),
            element("div", id="film", class_="large"),
            element("div", _button("play", "Play"), _field("Frame", "frame", frame), class_="buttons"),
            element("div", id="strips"),
            element("p", "Keep it: ", *(part for link in keep for part in (link, " ")), class_="keep soft"),
            id="way", hidden="", data_steps=steps,
        ),
    ]  # fmt: skip


def nearest() -> Section:
    """What of the training pictures looks like the chosen one."""
    return "nearest", "Nearest training pictures", [
        element(
            "p",
            "What a generated picture resembles most among those it learned from; and how many held-out pictures, "
            "which it never saw, come as near to one of them.",
            class_="soft",
        ),
        _said("nearest-said"),
        element("div", id="found"),
    ]  # fmt: skip


def vote() -> Section:
    """Two pictures, one of each generator."""
    sides = [
        element("button", element("span", id=f"{side}-picture"), element("span", side.capitalize()), id=f"vote-{side}",
                type="button", disabled="")
        for side in ("left", "right")
    ]  # fmt: skip
    others = (_button("vote-neither", "Cannot tell"), _button("show-result", "Show the result"))
    return "vote", "Blind vote", [
        element(
            "p",
            "Which looks more like a real one? One is drawn by A and one by B; which is where is tossed each time. "
            "Decide how often you will vote before you look at the result.",
            class_="soft",
        ),
        element("div", *sides, id="ballot", class_="ballot", role="group", aria_label="The question"),
        element("div", *others, class_="buttons"),
        _said("vote-said"),
        element("p", id="result", class_="result"),
    ]  # fmt: skip


def _field(name: str, of: str, control: Markup) -> Markup:
    return element("div", element("label", name, for_=of), control, class_="field")


def _button(name: str, words: str) -> Markup:
    return element("button", words, id=name, type="button")


def _said(name: str) -> Markup:
    return element("p", id=name, class_="said soft", role="status")
