"""A training as a page: how its pictures came about, its curves, and what its warnings mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import files
from ..diagnostics import Row
from ..rules import Rules
from .page import Pace, page

__all__ = ["Pace", "write"]


def write(
    history: Sequence[Row], grids: Mapping[int, bytes], rules: Rules, *, html: Path, pace: Pace | None = None
) -> None:  # fmt: skip
    """Writes the page, whole or not at all: one file of at most about 3 MB, equal for equal input.

    history: rows as training reports them. grids: PNG files by the images seen when they were drawn. pace: how fast it
    goes, for a training that is not over.
    """
    files.write_text(html, page(history, grids, rules, pace))
