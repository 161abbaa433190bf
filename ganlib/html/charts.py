"""Charts as SVG inside a page: coloured by its style sheet, so they follow light and dark."""

import math
from collections.abc import Sequence

from .markup import Markup, element

WIDTH, HEIGHT = 340, 200
"""Of a chart, in its own units; the page stretches it."""


def nice_step(about: float, *, whole: bool = False) -> float:
    """1, 2 or 5 times a power of ten, at least `about`; at least 1 where it shall be whole."""
    power = 10.0 ** math.floor(math.log10(about))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * (1 - 1e-9))
    return max(1.0, step) if whole else step


def bar(shares: Sequence[tuple[str, float]]) -> Markup:
    """Thin bars over each other, for a cell of a table that says the numbers too: (class, 0 to 1) each."""
    rects = [
        element("rect", class_=name, y=9 * row, width=f"{100 * share:.2f}%", height=8, rx=1.5)
        for row, (name, share) in enumerate(shares)
        if share > 0
    ]
    return element("svg", *rects, class_="cell", height=9 * len(shares) - 1, aria_hidden="true")


def chart(parts: Sequence[Markup], label: str, *, width: int = WIDTH, height: int = HEIGHT) -> Markup:
    """The SVG around; a reader that cannot see it says the label."""
    return element("svg", *parts, class_="chart", viewBox=f"0 0 {width} {height}", role="img", aria_label=label)


def short(number: float) -> str:
    """12, 3.5k, 2M: for axes."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


def rect(x: float, y: float, width: float, height: float, name: str) -> Markup:
    """Of the style sheet's class `name`."""
    return element("rect", class_=name, x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.1f}", height=f"{height:.1f}")


def line(name: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    """Of the style sheet's class `name`."""
    return element("line", class_=name, x1=f"{x1:.1f}", x2=f"{x2:.1f}", y1=f"{y1:.1f}", y2=f"{y2:.1f}")


def text(x: float, y: float, words: str, name: str) -> Markup:
    """Of the style sheet's classes `name`."""
    return element("text", words, class_=name, x=f"{x:.1f}", y=f"{y:.1f}")
