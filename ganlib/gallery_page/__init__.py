"""The page to walk through a generator: it asks the server that it is from for pictures, and nobody else."""

from collections.abc import Sequence

from ..comparison_page.style import STYLE as STYLE_OF_CARDS
from ..html.markup import Markup, element, shortened
from ..html.page import contents, document
from .exhibits import Exhibit
from .script import SCRIPT
from .sections import between, nearest, samples, vote
from .style import STYLE
from .words import header

__all__ = ["Exhibit", "page"]


def page(
    exhibits: Sequence[Exhibit],
    *,
    classes: Sequence[str],
    size: tuple[int, int, int],
    counts: Sequence[int],
    steps: int,
) -> Markup:
    """The whole document about one generator or two.

    classes: that pictures can be asked of; none where there are none. size: (channels, height, width). counts: of
    pictures at once, to choose from. steps: frames of a film.
    """
    parts = [samples(exhibits, classes, size, counts), between(exhibits, steps), nearest()]
    if len(exhibits) == 2:
        parts.append(vote())
    title = " and ".join(shortened(one.name, 60) for one in exhibits)
    footer = element("p", "Everything here is computed on this machine, and nothing leaves it.")
    top = header(exhibits, classes, size, contents(parts))
    return document(f"Gallery: {title}", top, parts, footer, style=STYLE_OF_CARDS + STYLE, script=SCRIPT)
