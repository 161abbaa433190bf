"""Generators side by side, as a page: their pictures, their numbers, how they were trained, and what differs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .. import files
from ..evaluation_page import measured
from ..html.markup import element
from ..html.page import Section
from . import pictures
from .changes import Change, changes, sentence
from .contestants import LETTERS, Contestant, Looks
from .curves import PANELS, curves
from .numbers import numbers
from .page import page
from .people import opinions, people
from .settings import settings

__all__ = ["LETTERS", "PANELS", "Change", "Contestant", "Looks", "changes", "opinions", "sentence", "write"]


def write(
    contestants: Sequence[Contestant],
    *,
    html: Path,
    noun: Literal["picture", "point"] = "picture",
    no_pictures: str = "",
) -> None:
    """Writes the page of two to six generators, whole or not at all; equal input gives equal bytes.

    no_pictures: why nothing was drawn, as a sentence. UserError where the reports' protocols differ.
    """
    found = [changes(one.report, contestants[0].report) for one in contestants[1:]]
    wall = pictures.Wall(contestants)
    drawn: list[Section | None] = [
        pictures.latents(wall),
        pictures.classes(wall),
        pictures.points(contestants),
        pictures.nearest(wall),
    ]
    if no_pictures:
        drawn = [("latents", "Pictures", [element("p", no_pictures, class_="soft")])]
    parts = [
        numbers(contestants, found, noun),
        *(one for one in (people(contestants), *drawn) if one is not None),
        curves(contestants),
        settings(contestants),
        measured.protocol(contestants[0].report),
    ]
    files.write_text(html, page(contestants, found, parts, noun))
