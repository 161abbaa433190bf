"""The section on the files' pictures as they came: how large, how stored. And tables of words with bars."""

from collections.abc import Callable, Mapping

import numpy as np

from ..html.charts import bar
from ..html.markup import Markup, by, count, element, percent, shortened
from ..html.page import Section
from . import charts
from .facts import Facts
from .summary import Summary

MODES = {
    "1": "black and white", "L": "8-bit grey", "LA": "grey with alpha", "La": "grey with alpha", "P": "palette",
    "PA": "palette with alpha", "RGB": "colour", "RGBA": "colour with alpha", "RGBa": "colour with alpha",
    "CMYK": "inks of a printer", "YCbCr": "video colour", "LAB": "CIE L*a*b*", "HSV": "hue, saturation, value",
    "I": "32-bit whole numbers", "F": "floating point", "I;16": "16-bit grey", "I;16B": "16-bit grey",
    "RGBX": "colour",
}  # fmt: skip
DONE = 30
"""Rows of a table of words."""


def sizes(facts: Facts, summary: Summary) -> Section | None:
    """How large the files' pictures are, and how they are stored."""
    if len(facts.width) == 0 or summary.kind == "points":
        return None
    _, height, width = summary.shape
    content: list[Markup] = []
    if (facts.width == facts.width[0]).all() and (facts.height == facts.height[0]).all():
        size = by(int(facts.width[0]), int(facts.height[0]))
        same = f"All {len(facts.width):,} pictures came as {size} pixels."
        content.append(element("p", same))
    else:
        prepared = f"A dashed line marks {by(width, height)}, the size that all were given, where it lies within."
        over = f"Of the {count(len(facts.width), summary.item)} whose size is known. {prepared}"
        drawn = [
            _size_chart("Width", facts.width, width),
            _size_chart("Height", facts.height, height),
            _ratio_chart(facts.width / facts.height, width / height),
        ]
        content += [element("p", over, class_="soft"), element("div", *drawn, class_="charts")]
    if facts.modes:
        content += [element("h3", "How they were stored"), tally(facts.modes, "Mode", MODES)]
    return "sizes", "Sizes and modes", content


def _size_chart(name: str, values: np.ndarray, mark: int) -> Markup:
    shown = charts.sizes_histogram(values)
    words = f"from {int(values.min()):,} to {int(values.max()):,} pixels, half of them up to {int(np.median(values)):,}"
    drawn = charts.histogram(
        shown, label=f"{name} of the files' pictures: {words}.", axis=f"{name.lower()} in pixels",
        ticks=charts.size_ticks(shown), name=lambda tick: f"{tick:,.0f}", mark=(mark, f"{mark:,}"),
    )  # fmt: skip
    return _figure(name, drawn, words.capitalize() + ".", _numbers(shown, "pixels", lambda edge: f"{edge:,.0f}"))


def _ratio_chart(ratios: np.ndarray, mark: float) -> Markup:
    shown = charts.ratio_histogram(ratios)
    wide, tall = percent(float((ratios > 1).mean())), percent(float((ratios < 1).mean()))
    words = f"{wide} are wider than tall, {tall} taller than wide"
    names = {0.25: "1:4", 0.5: "1:2", 1.0: "1:1", 2.0: "2:1", 4.0: "4:1"}
    drawn = charts.histogram(
        shown, label=f"Width by height of the files' pictures: {words}.", axis="width by height",
        ticks=list(names), name=lambda tick: names[tick], mark=(mark, ""),
    )  # fmt: skip
    return _figure("Aspect ratio", drawn, f"{words}.", _numbers(shown, "width by height", lambda edge: f"{edge:.2f}"))


def _figure(heading: str, drawn: Markup, words: str, numbers: Markup) -> Markup:
    return element("figure", element("h3", heading), drawn, element("figcaption", words), numbers)


def _numbers(shown: charts.Histogram, unit: str, name: Callable[[float], str]) -> Markup:
    """The chart for those who read tables."""
    rows = [
        element("tr", element("td", f"{name(left)} to {name(right)}"), element("td", f"{n:,}", class_="number"))
        for left, right, n in zip(shown.edges, shown.edges[1:], shown.counts, strict=False)
        if n
    ]
    head = element("tr", element("th", unit, scope="col"), element("th", "Number", scope="col", class_="number"))
    return element(
        "details", element("summary", "As a table"), element("table", element("thead", head), element("tbody", *rows))
    )


def tally(counts: Mapping[str, int], heading: str, meaning: Mapping[str, str]) -> Markup:
    """Words, how often each occurs, and a bar."""
    top, most = max(counts.values()), sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    rows = [
        element(
            "tr",
            element("th", shortened(name), " ", element("span", meaning.get(name), class_="soft"), scope="row"),
            element("td", bar([("train", n / top)]), class_="bars"),
            element("td", f"{n:,}", class_="number"),
        )
        for name, n in most[:DONE]
    ]  # fmt: skip
    head = element(
        "tr",
        element("th", heading, scope="col"),
        element("th", element("span", "Compared"), scope="col"),
        element("th", "Number", scope="col", class_="number"),
    )
    return element("table", element("thead", head), element("tbody", *rows))
