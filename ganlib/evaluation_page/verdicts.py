"""What the numbers come to, in words: is it copied, how far is it from real, what is not known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..html.markup import count
from . import reading
from .judging import CLEAR, FAR_FROM_NOTHING, MANY, Judgement, Tone, bounds, counts, judge
from .meanings import COPIES, STATISTIC, WORDS
from .numbers import between, said, write
from .reading import Number, Report, Row

CLOSE, FAR = 1.5, 3.0
"""Multiples of the floor."""
NARROW = 0.5
"""Of the floor's recall: with less, most of what real pictures show is hardly ever made."""


@dataclass(frozen=True)
class Verdict:
    """One of the page's first words."""

    tone: Tone
    heading: str
    sentences: tuple[str, ...]
    section: str = ""
    """Where it is shown."""


def verdicts(report: Report, noun: str) -> list[Verdict]:
    """The page's first words, memorisation before all."""
    return [copying(report, noun), realism(report, noun), *unknown(report)]


def copying(report: Report, noun: str) -> Verdict:
    """Whether the generator gives back what it was trained on."""
    rows = {row.key: row for row in reading.rows(report)}
    row, statistic = rows.get(COPIES), rows.get(STATISTIC)
    more = tuple(_statistic(statistic, noun)) if statistic else ()
    if row is None:
        why = reading.absent(report).get(COPIES, "it was not measured")
        return Verdict(
            "warn", "Copying: not known", (f"Whether training {noun}s are copied is not known: {why}.", *more)
        )
    low, high = bounds(row.generated)
    found = (_found(row.generated, noun), *_exact(report, noun))
    if low >= CLEAR:
        warning = (
            f"Do not judge this generator by the other numbers: a copy scores well on most of them. Close is not "
            f"always copied, though: one that makes nothing but the plainest {noun}s comes near the training ones too. "
            f"The pairs below and the recall tell which it is."
        )
        return Verdict("bad", "Copies of the training data", (*found, warning, *more), "copies")
    if low > 0:
        few = f"Some {noun}s are closer to training ones than chance explains; look at the closest pairs."
        return Verdict("warn", "A few copies", (*found, few, *more), "copies")
    if statistic is not None and statistic.generated.value < -FAR_FROM_NOTHING:
        return Verdict("warn", "No single copies, but close to the training data", (*found, *more), "copies")
    if high > MANY:
        wide = (
            f"Up to {write(high, 1, percent=True)} could be copies; more {noun}s, generated and held out, would tell."
        )
        return Verdict("warn", "No copies found, with little certainty", (*found, wide, *more), "copies")
    return Verdict("good", "No sign of copying", (*found, *more), "copies")


def _found(rate: Number, noun: str) -> str:
    interval = between(rate, percent=True)
    how = f" (95% interval: {interval})" if interval else ", without an interval to say how sure that is"
    of = f"of the generated {noun}s are copies of training {noun}s, beyond what honest novelty explains"
    return f"{said(rate, percent=True)} {of}{how}."


def _exact(report: Report, noun: str) -> Iterator[str]:
    exact = reading.finite(reading.results(report)[COPIES].get("exact"))
    if exact:
        yield f"{count(round(exact), f'{noun} equals', f'{noun}s equal')} a training {noun} pixel by pixel."


def _statistic(row: Row, noun: str) -> Iterator[str]:
    value, name = row.generated.value, f"C_T is {said(row.generated)}"
    if value < -FAR_FROM_NOTHING:
        yield f"{name}: as a whole they lie nearer to the training {noun}s than held-out ones do."
    elif value > FAR_FROM_NOTHING:
        yield f"{name}: as a whole they lie farther from the training {noun}s than held-out ones do."


def realism(report: Report, noun: str) -> Verdict:
    """How far they are from what real ones score."""
    every = [row for row in reading.rows(report) if row.key not in (COPIES, STATISTIC)]
    generated, compared = counts(report)
    judged = [(row, judge(row, generated=generated, compared=compared)) for row in every]
    beside = [(row, judgement) for row, judgement in judged if row.floor and judgement.short]
    if not beside:
        alone = f"No number stands beside one of held-out {noun}s, so nothing says how good these are."
        return Verdict("warn", "Quality: no comparison with real data", (alone,), "numbers" if every else "")
    worse = [row for row, judgement in beside if judgement.short == "worse than real"]
    nearer = [row for row, judgement in beside if judgement.short == "nearer than new"]
    sentences = [_ratio(row, noun) for row, _ in beside if row.key in ("fid", "kid")][:1]
    sentences.append(_tally(beside, worse, noun))
    narrow = [_narrowness(row, noun) for row in worse if row.key == "recall" and _is_narrow(row)]
    sentences += narrow
    if nearer:
        names = _listed([row.words.name for row in nearer])
        sentences.append(
            f"By {names} they are nearer to the training {noun}s than held-out {noun}s are, which honest novelty does "
            f"not explain: look at the copies first."
        )
        return Verdict("warn", "Nearer to the training data than real data is", tuple(sentences), "numbers")
    if narrow:
        return Verdict("warn", "Little of the variety of real data", tuple(sentences), "numbers")
    tone, heading = _distance(beside, worse)
    return Verdict(tone, heading, tuple(sentences), "numbers")


def _is_narrow(recall: Row) -> bool:
    return recall.floor is not None and bounds(recall.compared)[1] < NARROW * recall.floor.value


def _narrowness(recall: Row, noun: str) -> str:
    assert recall.floor is not None
    missed = f"much of what real {noun}s show is hardly ever made, as after a collapse"
    return (
        f"Recall is {said(recall.compared, like=recall.generated)} where held-out {noun}s have "
        f"{said(recall.floor)}: {missed}."
    )


def _distance(beside: Sequence[tuple[Row, Judgement]], worse: Sequence[Row]) -> tuple[Tone, str]:
    if not worse:
        return "good", "No clear difference to held-out real data"
    fid = next((row for row, _ in beside if row.key == "fid"), None)
    ratio = fid.compared.value / fid.floor.value if fid and fid.floor and fid.floor.value > 0 else None
    if ratio is None:
        return ("plain", "Not as good as held-out real data")
    if ratio <= CLOSE:
        return "good", "Close to held-out real data"
    return ("plain", "Some way from held-out real data") if ratio <= FAR else ("warn", "Far from held-out real data")


def _ratio(row: Row, noun: str) -> str:
    assert row.floor is not None
    score, floor = said(row.compared, like=row.generated), said(row.floor)
    times = row.compared.value / row.floor.value if row.floor.value > 0 else 0.0
    more = f", {write(times, 1 if times < 10 else 0)} times as much as" if times >= 1.05 else "; it is"
    of = f"as many generated as held-out {noun}s" if row.alike else f"the generated {noun}s"
    return f"{row.words.name} of {of} is {score}{more} {floor} of the held-out ones ({row.words.direction})."


def _tally(beside: Sequence[tuple[Row, Judgement]], worse: Sequence[Row], noun: str) -> str:
    if not worse:
        return f"None of {count(len(beside), 'number')} is worse than that of held-out {noun}s by more than chance."
    others = _listed([row.words.name for row in worse])
    clearly = "Worse than real by more than chance" if len(worse) < len(beside) else "All are worse than real"
    return f"{clearly} ({len(worse)} of the {len(beside)} numbers that have a floor, copies apart): {others}."


def unknown(report: Report) -> list[Verdict]:
    """What could not be computed, each reason once."""
    reasons = {key: why for key, why in reading.absent(report).items() if key != COPIES}
    reasons |= {f"{row.key} of held-out data": row.no_floor for row in reading.rows(report) if row.no_floor}
    shared: dict[str, list[str]] = {}
    for key, why in reasons.items():
        shared.setdefault(why, []).append(_named(key))
    sentences = tuple(f"{_capital(_listed(names))}: {why}." for why, names in shared.items())
    return [Verdict("plain", f"Not known ({len(reasons)})", sentences)] if sentences else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _named(key: str) -> str:
    name, _, rest = key.partition(" ")
    known = WORDS[name].name if name in WORDS else name.replace("_", " ")
    return f"{known} {rest}".strip()


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
