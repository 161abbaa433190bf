"""Numbers as people read them: no more digits than are known."""

import math

from .reading import Number

MOST_DECIMALS = 8
SMALL, LARGE = 1e-4, 1e9
"""Beyond these numbers are written with an exponent."""


def said(number: Number, *, percent: bool = False, like: Number | None = None) -> str:
    """The number alone; `like` says by its interval how many digits make sense where the number has none."""
    reach = like.reach if number.reach is None and like is not None else None
    known = number if reach is None else Number(number.value, number.value - reach, number.value + reach)
    return write(number.value, decimals(known, percent=percent), percent=percent)


def between(number: Number, *, percent: bool = False) -> str:
    """`1.2 to 3.4`; empty without an interval."""
    if number.low is None or number.high is None:
        return ""
    places = decimals(number, percent=percent)
    low = write(number.low, places, percent=percent).removesuffix("%")
    return f"{low} to {write(number.high, places, percent=percent)}"


def decimals(number: Number, *, percent: bool = False) -> int:
    """Digits after the point: two of the interval's half width, or three of a number without interval."""
    scale = 100 if percent else 1
    size, digits = (number.reach, 2) if number.reach else (abs(number.value), 3)
    if not number.reach and number.value * scale == round(number.value * scale):
        return 0
    return min(MOST_DECIMALS, max(0, digits - 1 - math.floor(math.log10(size * scale))))


def write(value: float, places: int, *, percent: bool = False) -> str:
    """With so many digits after the point, or with an exponent where that shows nothing."""
    scaled = value * (100 if percent else 1)
    if scaled == 0:
        text = "0"
    elif abs(scaled) >= LARGE or (places == MOST_DECIMALS and abs(scaled) < SMALL):
        text = f"{scaled:.2g}"
    else:
        text = f"{scaled:,.{places}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace("-", "−") + ("%" if percent else "")  # noqa: RUF001, the sign that is meant


def short(value: float) -> str:
    """Three digits of it."""
    if 0 < abs(value) < SMALL:
        return write(value, MOST_DECIMALS)
    return write(value, decimals(Number(value)))
