"""In what one generator differs from the first: by how much, how surely, and in whose favour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..evaluation import differences
from ..evaluation_page.judging import Tone
from ..evaluation_page.meanings import Words, words_of
from ..evaluation_page.numbers import between, said
from ..evaluation_page.reading import Number, Report, finite
from ..html.markup import count


@dataclass(frozen=True)
class Change:
    """Of one number: the other generator's minus the first one's."""

    key: str
    words: Words
    by: Number
    """With the 95 % interval, which both generators' replicates give together."""

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        assert self.by.low is not None
        assert self.by.high is not None
        return self.by.low > 0 or self.by.high < 0

    @property
    def favour(self) -> int:
        """1: the other one is better, -1: the first one is; 0: not clear, or neither way is better as such."""
        if not self.clear or not self.words.better:
            return 0
        return 1 if (self.by.value < 0) == (self.words.better == "lower") else -1

    @property
    def verdict(self) -> str:
        """In a word or two, about the other one."""
        if not self.clear:
            return "the same" if set(self.by.all) == {0.0} else "no clear difference"
        return {1: "better", -1: "worse", 0: "differs"}[self.favour]

    @property
    def tone(self) -> Tone:
        """How a page shows the verdict."""
        tones: dict[int, Tone] = {1: "good", -1: "bad", 0: "plain"}
        return tones[self.favour]


def changes(report: Report, first: Report) -> dict[str, Change]:
    """By result, in the report's order; what one of them has no number for, or no replicates, is left out."""
    found = {}
    for key, gap in differences(report, first).items():
        low, high = finite(gap.low), finite(gap.high)
        if finite(gap.value) is not None and low is not None and high is not None:
            found[key] = Change(key, words_of(key), Number(gap.value, low, high))
    return found


def signed(number: Number, *, percent: bool = False) -> str:
    """`+0.12` or `−0.12`."""  # noqa: RUF002, the sign that is meant
    text = said(number, percent=percent)
    sign = "+" if number.value > 0 and text.strip("0.,%") else ""
    return sign + text.replace("%", " points")  # of a hundred, which a difference of shares is in


def bounds(number: Number, *, percent: bool = False) -> str:
    """`−0.2 to 0.4`."""  # noqa: RUF002, likewise
    return between(number, percent=percent).replace("%", "")


def sentence(name: str, found: Mapping[str, Change]) -> str:
    """How the generator called `name` does beside the first, in one sentence."""
    parts = []
    for verdict, preposition in (("better", "better by"), ("worse", "worse by"), ("differs", "different in")):
        names = [change.words.name for change in found.values() if change.verdict == verdict]
        if names:
            parts.append(f"{preposition} {listed(names)}")
    unclear = sum(not change.clear for change in found.values())
    if not parts:
        how = f"none of {count(unclear, 'number')} differs clearly" if unclear else "no number can be compared"
        return f"{name} beside A: {how}."
    rest = f"; no clear difference in {count(unclear, 'number')}" if unclear else ""
    return f"{name} beside A: {', '.join(parts)}{rest}."


def listed(names: Sequence[str]) -> str:
    """`one, two and three`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
