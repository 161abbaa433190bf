"""How it stands: what the page shows when it is opened, and what its script is told later on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Mood = Literal["good", "warn", "plain"]


@dataclass(frozen=True)
class Leaf:
    """One of the pages that there may be."""

    address: str
    title: str
    about: str
    """In one line."""


@dataclass(frozen=True)
class Said:
    """Of a page: whether it is there, and when it was written or how to make it, where `words` like these are code."""

    there: bool
    words: str


@dataclass(frozen=True)
class Standing:
    """Of the newest training, and of the pages."""

    project: str
    mood: Mood
    heading: str
    sentence: str
    """In which `words` like these are code."""
    share: float | None
    """Of the training that has been played, 0 to 1; None where that is nobody's question."""
    frame: str | None
    """Which state of the newest training's page is there; None where there is none. Another state, another text."""
    leaves: Mapping[str, Said]
    """By address."""

    @property
    def title(self) -> str:
        """Of the window: while something is trained it begins with how far that has come."""
        at_work = self.mood == "good" and self.share is not None
        return f"{self.share:.0%}, {self.project}" if at_work else self.project
