"""The games of a layout as pixels: a strip of moments, their curves, and the frames of a film."""

from collections.abc import Iterator, Sequence

from ..playing import Match
from ..strokes import curves as axes
from ..strokes import raster
from ..strokes.raster import Frame, Panel
from . import curves, panels

COLUMNS = 5
"""Moments of a strip."""
STILL = 1.5
"""Scale of what does not move."""
GAP = 14.0
EACH, LAST = 4, 40
"""Frames of film that show one moment, and the last one."""


def strip(matches: Sequence[Match]) -> Frame:
    """A row for each game, from its first round to its last."""
    high = panels.height_of(matches[0]) + GAP
    wide = panels.WIDTH + GAP
    drawn: list[Panel] = []
    for row, match in enumerate(matches):
        frames = match.frames
        for column in range(COLUMNS):
            # Early on more happens.
            moment = frames[round((column / (COLUMNS - 1)) ** 1.3 * (len(frames) - 1))]
            drawn.append((GAP + column * wide, row * high, panels.at_moment(match, moment)))
    return raster.sheet(drawn, COLUMNS * wide + GAP, len(matches) * high + GAP)


def charts(matches: Sequence[Match]) -> Frame:
    """A column for each game: what it looks like at the end, and its curves."""
    wide, first = axes.WIDTH + GAP, panels.height_of(matches[0]) + GAP
    drawn: list[Panel] = []
    most = 0
    for column, match in enumerate(matches):
        drawn.append((GAP + column * wide, 0, panels.at_moment(match, match.moments[-1])))
        found = curves.charts_of(match)
        most = max(most, len(found))
        for row, chart in enumerate(found):
            at = first + row * (axes.HEIGHT + GAP)
            drawn.append((GAP + column * wide, at, axes.drawn(chart, match.recipe.rounds)))
    return raster.sheet(drawn, len(matches) * wide + GAP, first + most * (axes.HEIGHT + GAP), scale=STILL)


def film(matches: Sequence[Match], *, every: int = 1, scale: float = 1.0) -> Iterator[Frame]:
    """All games side by side from the first moment to the last, of which every so manyth is shown."""
    high, wide = panels.height_of(matches[0]), panels.WIDTH
    for moments in zip(*(match.frames[::every] for match in matches), strict=True):
        drawn = [
            (column * wide, 0.0, panels.at_moment(match, moment))
            for column, (match, moment) in enumerate(zip(matches, moments, strict=True))
        ]
        frame = raster.sheet(drawn, len(matches) * wide, high, scale=scale, finer=2)
        again = LAST if moments[0] is matches[0].frames[-1] else EACH * every
        yield from (frame for _ in range(again))
