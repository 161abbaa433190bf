"""The sections of pictures: the same latents and the same classes side by side, and what lies nearest."""

import io
from collections.abc import Mapping, Sequence

from PIL import Image

from ..evaluation_page import reading, verdicts
from ..evaluation_page.numbers import short
from ..evaluation_page.reading import Pair
from ..evaluation_page.sheets import drawing
from ..html.markup import Markup, element, percent, shortened
from ..html.page import Section
from ..html.thumbnails import Album
from .contestants import LETTERS, Contestant, Pictures
from .numbers import letter

NAMED = 60
"""Characters of a class's name."""


class Wall:
    """The pictures of all generators in one album, by their places in it."""

    def __init__(self, contestants: Sequence[Contestant]) -> None:
        self.album = Album()
        self.contestants = contestants
        looks = {place: one.looks for place, one in enumerate(contestants) if one.looks is not None}
        self.first = {place: self._hung(one.first) for place, one in looks.items() if one.first is not None}
        self.by_class = {
            place: {name: self._hung(pictures) for name, pictures in one.by_class.items()}
            for place, one in looks.items()
            if one.by_class
        }
        self.nearest = {
            place: [(pair, self.album.add(ours), self.album.add(theirs)) for pair, ours, theirs in one.nearest]
            for place, one in looks.items()
            if one.nearest
        }
        self.album.develop()

    def _hung(self, pictures: Pictures) -> list[int]:
        return [self.album.add(picture) for picture in pictures]


def latents(wall: Wall) -> Section | None:
    """The first pictures of each, those of one latent below each other."""
    if not wall.first:
        return None
    alike = len({wall.contestants[place].latents for place in wall.first}) == 1
    said = (
        "Each column starts from one latent and asks for one class. Not picked: the first ones of their seed."
        if alike
        else "The first ones of the seed, not picked. The generators' latents are not of one kind, so what stands in "
        "one column has nothing in common but its class."
    )
    classes = [look.classes for place in wall.first if (look := wall.contestants[place].looks) and look.classes]
    items = []
    for row in range(min(map(len, wall.first.values()))):
        name = classes[0][row] if classes else ""
        shown = [
            element("div", letter(place), wall.album.image(there[row], _alt(place, f"picture {row}", name)))
            for place, there in wall.first.items()
        ]
        caption = element("span", element("bdi", shortened(name, NAMED))) if name else None
        items.append(element("li", *shown, caption))
    return "latents", "Same latents", [element("p", said, class_="soft"), element("ul", *items, class_="columns")]


def classes(wall: Wall) -> Section | None:
    """The first pictures of each class, a row for each generator."""
    if not wall.by_class:
        return None
    known = {place: reading.by_class(wall.contestants[place].report) for place in wall.by_class}
    names = dict.fromkeys(name for one in wall.by_class.values() for name in one)
    content: list[Markup] = [
        element("p", f"{LETTERS[place]} knows no classes.", class_="soft")
        for place in wall.first
        if place not in wall.by_class
    ]
    for name in names:
        rows = [
            element("div", letter(place), _sheet(wall, place, name, there.get(name, ())), class_="row")
            for place, there in wall.by_class.items()
        ]
        written = [_numbers(place, known[place].get(name, {})) for place in wall.by_class]
        small = [element("small", one) for one in written if one]
        content.append(
            element(
                "div", element("h4", element("bdi", shortened(name, NAMED)), *small), element("div", *rows),
                class_="class",
            )
        )  # fmt: skip
    return "classes", "Same classes", content


def _sheet(wall: Wall, place: int, name: str, there: Sequence[int]) -> Markup:
    if not there:
        return element("p", "no picture of it was drawn", class_="soft")
    items = [element("li", wall.album.image(one, _alt(place, "picture", name))) for one in there]
    return element("ul", *items, class_="sheet", aria_label=shortened(f"{LETTERS[place]}: pictures of {name}"))


def _numbers(place: int, numbers: Mapping[str, float]) -> str:
    written = [f"FID {short(numbers['fid'])}"] if "fid" in numbers else []
    written += [f"accuracy {percent(numbers['accuracy'])}"] if 0 <= numbers.get("accuracy", -1.0) <= 1 else []
    return f"{LETTERS[place]}: {', '.join(written)}" if written else ""


def _alt(place: int, what: str, name: str) -> str:
    return f"{LETTERS[place]}, {what}" + (f", {name}" if name else "")


def points(contestants: Sequence[Contestant]) -> Section | None:
    """Of generators of points a drawing each."""
    content: list[Markup] = []
    for place, one in enumerate(contestants):
        if one.looks is not None and one.looks.drawing is not None:
            buffer = io.BytesIO()
            Image.fromarray(one.looks.drawing).save(buffer, format="PNG", optimize=True)
            alt = f"Scatter plot: training points left, those of {LETTERS[place]} right"
            content += [
                element("h3", letter(place), " ", element("bdi", shortened(one.name))),
                element("figure", drawing(buffer.getvalue(), alt)),
            ]
    said = "Training points left, generated ones right, on the same axes."
    return ("points", "The points", [element("p", said, class_="soft"), *content]) if content else None


def nearest(wall: Wall) -> Section | None:
    """What each gives that lies nearest to a training picture, beside that."""
    if not wall.nearest:
        return None
    said = (
        "Of each generator the pictures that come closest to a training picture, left, beside that picture, right. "
        "The share says how many of the held-out pictures, which are real and new, come closer to theirs."
    )
    content: list[Markup] = [element("p", said, class_="soft")]
    for place, pairs in wall.nearest.items():
        one = wall.contestants[place]
        verdict = verdicts.copying(one.report, "picture")
        badge = element("span", verdict.heading, class_=f"badge {verdict.tone}")
        content.append(element("h3", letter(place), " ", element("bdi", shortened(one.name)), " ", badge))
        items = [
            element(
                "li",
                wall.album.image(ours, f"{LETTERS[place]}, generated picture {pair.generated}"),
                wall.album.image(theirs, f"training picture {pair.train}"),
                element("span", _closer(pair)),
            )
            for pair, ours, theirs in pairs
        ]
        content.append(element("ul", *items, class_="closest"))
    return "nearest", "Nearest training pictures", content


def _closer(pair: Pair) -> str:
    return "" if pair.closer is None else f"{percent(pair.closer)} closer"
