"""Strokes as SVG: coloured by the page's style sheet, so that they follow light and dark."""

import base64
import io
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from ..html.markup import Markup, element
from .shapes import LOOKS, OWN, STRONGEST, Area, Dots, Line, Points, Rings, Stroke, Tint, Words, by_day

LEVELS = 16
"""Of opacity in a tint: a small file with no visible steps."""


def style() -> str:
    """A rule for each role."""
    day, night = ("; ".join(f"--{name}: {ends[place]}" for name, ends in OWN.items()) for place in (0, 1))
    rules = [f":root {{ {day}; }}", f"@media (prefers-color-scheme: dark) {{ :root {{ {night}; }} }}"]
    for role, look in LOOKS.items():
        colour, dashes = f"var(--{look.colour})", ""
        if look.dashes:
            dashes = f" stroke-dasharray: {look.dashes[0]:g} {look.dashes[1]:g};"
        rules.append(
            f"svg path.s-{role} {{ fill: none; stroke: {colour}; stroke-width: {look.width:g}; "
            f"stroke-linejoin: round; stroke-linecap: round;{dashes} }}"
        )
        rules.append(f"svg path.a-{role} {{ fill: {colour}; }}")
        weight = " font-weight: 600;" if look.bold else ""
        rules.append(f"svg text.s-{role} {{ fill: {colour}; font-size: {look.size:g}px;{weight} }}")
    return "\n".join(rules) + "\n"


def group(strokes: Iterable[Stroke], **attributes: str | int) -> Markup:
    """All of them, one over the other."""
    return element("g", *map(drawn, strokes), **attributes)


def drawn(stroke: Stroke) -> Markup:
    """One element."""
    if isinstance(stroke, Line):
        return element("path", class_=f"s-{stroke.role}", d=_way(stroke.points))
    if isinstance(stroke, Area):
        return element("path", class_=f"a-{stroke.role}", d=_way(stroke.points) + "Z")
    if isinstance(stroke, Dots):  # a dot is a line of no length with round ends
        dots = "".join(f"M{_r(x)} {_r(y)}h0" for x, y in stroke.points)
        return element("path", class_=f"s-{stroke.role}", d=dots)
    if isinstance(stroke, Rings):
        rings = "".join(_ring(x, y, stroke.radius) for x, y in stroke.points)
        return element("path", class_=f"s-{stroke.role}", d=rings)
    if isinstance(stroke, Words):
        anchor = {"middle": " middle", "end": " end"}.get(stroke.anchor, "")
        return element("text", stroke.text, class_=f"s-{stroke.role}{anchor}", x=_r(stroke.x), y=_r(stroke.y))
    return _tint(stroke)


def _way(points: Points) -> str:
    return "M" + "L".join(f"{_r(x)} {_r(y)}" for x, y in points)


def _ring(x: float, y: float, radius: float) -> str:
    r = _r(radius)
    return f"M{_r(x - radius)} {_r(y)}a{r} {r} 0 1 1 {_r(2 * radius)} 0a{r} {r} 0 1 1 {_r(-2 * radius)} 0"


def _tint(tint: Tint) -> Markup:
    """A picture of one colour whose opacity is what D says; smoothed where it is enlarged."""
    steps = (tint.field.astype(np.float64) / 255 * (LEVELS - 1)).round().astype(np.uint8)
    picture = Image.fromarray(steps).convert("P")
    red, green, blue = (int(by_day("judge")[i : i + 2], 16) for i in (1, 3, 5))
    picture.putpalette([red, green, blue] * LEVELS)
    opacities = bytes(round(255 * STRONGEST * step / (LEVELS - 1)) for step in range(LEVELS))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, transparency=opacities, bits=4)
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return element(
        "image", href=address, x=_r(tint.x), y=_r(tint.y), width=_r(tint.side), height=_r(tint.side),
        preserveAspectRatio="none",
    )  # fmt: skip


def picture(still: Sequence[Stroke], moving: Sequence[Markup], label: str, width: float, height: float) -> Markup:
    """The SVG around; a reader that cannot see it says the label."""
    return element(
        "svg", group(still), *moving, class_="chart", viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label
    )


def _r(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
