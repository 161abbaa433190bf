"""The evaluation as a page on which a person sees what the numbers mean and whether they are good."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files, scatter
from ..html.page import Section
from ..prepared import PreparedData, Split
from . import measured, reading, shown
from .gallery import Gallery, hang
from .page import page
from .plots import tables
from .reading import Report

__all__ = ["tables", "write"]

SCATTERED = 10_000
"""Points that are drawn where nobody drew them before."""


def write(
    report: Report,
    generated: Split,
    data: PreparedData,
    *,
    html: Path,
    grid: bytes | None = None,
    interpolation: bytes | None = None,
) -> None:
    """Writes the page, whole or not at all: one file of at most about 3 MB, equal for equal input.

    report: the whole evaluation with its lists. grid and interpolation: PNG files made with the samples; of points
    the grid is drawn here where there is none. Whatever is missing in the report is left out or said to be unknown.
    """
    points = data.kind == "points"
    noun = "point" if points else "picture"
    pairs = reading.pairs(report, generated=len(generated), train=len(data.train))
    gallery: Gallery | None = None
    if points:
        grid = grid or _scatter(generated, data)
        nearest = shown.nearest_points(pairs, data, generated)
    else:
        gallery = hang(generated, data, pairs, reading.by_class(report))
        nearest = shown.copies(gallery, report, data, generated)
    sections: list[Section | None] = [
        measured.numbers(report, noun),
        nearest,
        shown.samples(grid, interpolation, noun),
        shown.classes(gallery, report, data),
        measured.others(report),
        measured.protocol(report),
    ]
    files.write_text(html, page(report, [one for one in sections if one is not None], noun))


def _scatter(generated: Split, data: PreparedData) -> bytes:
    labels = np.array(generated.labels[:SCATTERED])
    known = labels if (labels >= 0).any() else None
    buffer = io.BytesIO()
    drawing = scatter.overview(np.array(generated.pixels[:SCATTERED]), known, data.train)
    Image.fromarray(drawing).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
