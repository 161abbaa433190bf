"""What the page is told of each generator."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Exhibit:
    """A generator that is shown."""

    name: str
    facts: Sequence[tuple[str, str]]
    """What it is, as pairs of a word and its value."""
    latents: str
    """What its pictures start from: only where that is equal, equal places show equal latents."""
