"""The data card: a page on which a person sees what the data is, and the same facts as numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import files
from ..html.page import Section
from . import sections, shown, sizes
from .chosen import Pictures
from .facts import read
from .figures import figures
from .findings import findings
from .gallery import NearPair, hang
from .page import page
from .summary import summary_of

__all__ = ["PAIRS", "NearPair", "write"]

PAIRS = 24
"""Near duplicates that the card has room for."""


def write(folder: Path, description: Mapping[str, Any], pairs: Sequence[NearPair], *, html: Path, facts: Path) -> None:
    """Writes the card of the prepared data in `folder` as a page and as JSON, each whole or not at all.

    description is the content of dataset.json. The page is one file of at most about 3 MB whatever the data, runs
    nothing and asks nobody for anything; equal data gives equal bytes.
    """
    summary, known = summary_of(description), read(folder / "manifest.parquet")
    looks = findings(known, summary)
    parts: list[Section | None]
    if summary.kind == "points":
        parts = [shown.points(Pictures(folder / "images.npy"), summary), sections.classes(summary)]
        parts += [sections.files(known, summary)] if known.reasons else []
    else:
        gallery = hang(folder, summary, known, list(pairs[:PAIRS]))
        parts = [shown.sheets(gallery, summary), sections.classes(summary), sections.files(known, summary)]
        parts += [sizes.sizes(known, summary)]
        parts += [shown.exact_duplicates(gallery, known, summary.item), shown.near_duplicates(gallery, known, summary)]
    parts += [sections.split(summary), sections.preparation(known, summary)]
    document = page(summary, known, looks, [part for part in parts if part is not None])
    numbers = json.dumps(figures(summary, known), indent=2, ensure_ascii=False) + "\n"
    files.write_text(html, document)
    files.write_text(facts, numbers)
