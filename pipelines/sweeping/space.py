"""What a person writes of the values to try, and the points that come of it: all of them, or some drawn by a seed."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ganlib.errors import UserError

from ..lineage import TRAIN_SECTIONS

SEED = "train.seed"
"""Never drawn: every setting is trained with each seed that is named, for only so do settings compare."""
MOST_POINTS = 1000
DIGITS = 4
"""Significant ones of a number that is drawn or spaced: people read and type it."""

NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"(?P<log>log:)?(?P<low>{NUMBER})\.\.(?P<high>{NUMBER})(?::(?P<count>\d+))?")
FORMS = "values (0.001,0.002), whole numbers (0..4), numbers (0.1..0.9), log:1e-4..1e-2, or so many of them (0..1:5)"

Values = dict[str, Any]
"""By dotted name: what a point sets."""


@dataclass(frozen=True)
class Choices:
    """Values that are named."""

    values: tuple[Any, ...]

    def draw(self, share: float) -> Any:
        """The value so far along, from 0 to 1."""
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included; `log`: every factor between them as likely as any other."""

    low: float
    high: float
    log: bool
    whole: bool

    def draw(self, share: float) -> float | int:
        """The number so far along, from 0 to 1."""
        # Halves at both ends, so that the bounds are as likely as the whole numbers between them.
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if self.log:
            low = max(low, self.low / 2)
            drawn = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            drawn = low + share * (high - low)
        return round(_within(drawn, self)) if self.whole else _within(float(f"{drawn:.{DIGITS}g}"), self)

    def spaced(self, count: int) -> list[float | int]:
        """So many of them, in even steps or by even factors."""
        steps = [place / (count - 1) for place in range(count)]
        if self.log:
            numbers = [self.low * (self.high / self.low) ** step for step in steps]
        else:
            numbers = [self.low + step * (self.high - self.low) for step in steps]
        if self.whole and (self.log or all(math.isclose(number, round(number)) for number in numbers)):
            return [round(number) for number in numbers]
        return [_within(float(f"{number:.{DIGITS}g}"), self) for number in numbers]


Space = Mapping[str, Choices | Range]


def read(wishes: Mapping[str, str]) -> Space:
    """The space that `{"train.lr": "log:1e-4..1e-2", ...}` spans; UserError where a wish makes no sense."""
    if not wishes:
        raise UserError(
            "A sweep needs values to try; name some: --param train.lr=0.0005,0.001 --param train.seed=0..2."
        )
    return {name: _values(_checked(name), text.strip()) for name, text in wishes.items()}


def grid(space: Space) -> list[Values]:
    """Every combination, the last name's values changing fastest; UserError where there are too many."""
    listed = list(_listed(space))
    check_count(math.prod(map(len, listed)))
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*listed)]


def drawn(space: Space, count: int, *, seed: int) -> list[Values]:
    """So many settings drawn at random, each with every seed that the space names.

    Setting i depends on (seed, i) alone: whoever asks for more gets the same ones first. UserError where the space does
    not hold so many.
    """
    rest = {name: one for name, one in space.items() if name != SEED}
    seeds = {name: one for name, one in space.items() if name == SEED}
    if not rest:
        raise UserError(f"Nothing is left to be drawn: {SEED} never is; leave out --random, or name something else.")
    check_count(count * math.prod(map(len, _listed(seeds))))
    settings = list(itertools.islice(_different(rest, seed, tries=100 * count), count))
    if len(settings) < count:
        raise UserError(
            f"--random asks for {count} settings, and only {len(settings)} different ones were found; ask for fewer, "
            f"or leave out --random to have them all."
        )
    return [setting | seeded for setting in settings for seeded in grid(seeds)]


def named(values: Mapping[str, Any]) -> str:
    """`train.lr=0.001, train.seed=0`."""
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _different(space: Space, seed: int, *, tries: int) -> Iterator[Values]:
    seen: list[Values] = []
    for index in range(tries):
        values = {name: one.draw(_share(seed, index, name)) for name, one in space.items()}
        if values not in seen:
            seen.append(values)
            yield values


def _share(seed: int, index: int, name: str) -> float:
    """Uniform in [0, 1), by all three alone: a name more changes no other's values."""
    return int.from_bytes(sha256(f"{seed}/{index}/{name}".encode()).digest()[:6], "big") / 2**48


def check_count(points: int) -> None:
    """UserError where there are more than anybody can mean."""
    if points > MOST_POINTS:
        raise UserError(f"These are {points:,} points, and {MOST_POINTS:,} at most can be swept; try fewer values.")


def _listed(space: Space) -> Iterator[Sequence[Any]]:
    for name, one in space.items():
        if isinstance(one, Choices):
            yield one.values
        elif one.whole and not one.log:
            yield range(round(one.low), round(one.high) + 1)
        else:
            written = f"{'log:' if one.log else ''}{one.low:g}..{one.high:g}"
            raise UserError(
                f"{name}={written} has no end of values, so a grid of them cannot be; say how many ({written}:5), or "
                f"draw some: --random 20."
            )


def _checked(name: str) -> str:
    section, _, rest = name.partition(".")
    if section not in TRAIN_SECTIONS or not rest:
        raise UserError(
            f"{name!r} cannot be swept: what a training is made of can, which is in the sections "
            f"{', '.join(TRAIN_SECTIONS)}, such as train.lr; by another yardstick numbers would not compare."
        )
    return name


def _values(name: str, text: str) -> Choices | Range:
    if match := RANGE.fullmatch(text):
        return _range(name, match)
    try:
        # YAML 1.2, as params.yaml is read: 2e-4 is a number.
        values = YAML(typ="safe", pure=True).load(f"[{text}]")
    except YAMLError:
        values = None
    if not isinstance(values, list) or not values:
        raise UserError(f"{name}={text} is no list of values; write {FORMS}.")
    return _choices(name, text, values)


def _range(name: str, match: "re.Match[str]") -> Choices | Range:
    low, high, log, text = float(match["low"]), float(match["high"]), bool(match["log"]), match[0]
    whole = all(re.fullmatch(r"-?\d+", match[bound]) for bound in ("low", "high"))
    if low >= high:
        raise UserError(f"{name}={text} begins at {low:g}, which is not below {high:g}; write the lower bound first.")
    if log and low <= 0:
        raise UserError(f"{name}={text} has logarithms, and {low:g} has none; begin above 0, or leave out log:.")
    one = Range(low, high, log, whole)
    if match["count"] is None:
        return one
    count = int(match["count"])
    if not 2 <= count <= MOST_POINTS:
        raise UserError(f"{name}={text} asks for {count} values; ask for 2 to {MOST_POINTS}.")
    return _choices(name, text, one.spaced(count))


def _within(number: float, one: Range) -> float:
    return min(one.high, max(one.low, number))


def _choices(name: str, text: str, values: list[Any]) -> Choices:
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise UserError(f"{name}={text} names {twice[0]} twice; name each value once.")
    return Choices(tuple(values))
