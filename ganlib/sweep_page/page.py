"""The sweep's page: its first words, and what stands around the sections."""

from collections.abc import Sequence

from ..evaluation_page import reading
from ..evaluation_page.meanings import words_of
from ..evaluation_page.numbers import said
from ..evaluation_page.reading import Report
from ..evaluation_page.style import STYLE as STYLE_OF_NUMBERS
from ..html.markup import Markup, count, element, shortened
from ..html.page import Section, contents, document
from .style import STYLE
from .trials import Setting, rivals
from .trials import said as said_of

WAY_ON = (
    "A sweep registers nothing. Write the values and a seed into params.yaml and run the pipeline: nothing is trained "
    "again, DVC's cache has it, and it is registered."
)


def page(settings: Sequence[Setting], sections: Sequence[Section], report: Report, planned: int, noun: str) -> Markup:
    """The whole document."""
    names = list(dict.fromkeys(name for one in settings for name in one.values)) or ["seeds"]
    title = ", ".join(shortened(name, 60) for name in names[:4]) + (" and more" if len(names) > 4 else "")
    header = element(
        "header",
        element("p", "Sweep", class_="eyebrow"),
        element("h1", title),
        element("p", lead(settings, report, planned, noun), class_="lead"),
        element("div", *first_words(settings, planned), class_="verdicts"),
        contents(sections),
    )
    name = str(reading.words(report).get("name", ""))
    footer = element("p", "Protocol ", element("code", shortened(name, 200)) if name else "unknown")
    return document(f"Sweep: {title}", header, sections, footer, style=STYLE_OF_NUMBERS + STYLE)


def lead(settings: Sequence[Setting], report: Report, planned: int, noun: str) -> str:
    """How many trainings of how many settings, and what they were scored by."""
    there = sum(len(one.trials) for one in settings)
    words = reading.words(report)
    known = {name: f"{one:,}" for name, one in words.items() if isinstance(one, int)}
    trained = count(there, "training") if there == planned else f"{there:,} of {count(planned, 'training')}"
    told = f"{trained} of {count(len(settings), 'setting')}, by {words_of(settings[0].metric).name}"
    if not words:
        return f"{told}."
    through = shortened(str(words.get("extractor", "an unknown extractor")), 60)
    return (
        f"{told} of {known.get('samples', 'their')} {noun}s each against {known.get('reference_count', 'the')} "
        f"training {noun}s, by features that {through} sees."
    )


def first_words(settings: Sequence[Setting], planned: int) -> list[Markup]:
    """Which setting is best and how surely; then what is missing."""
    boxes = []
    best = settings[0]
    if best.mean is not None:
        heading = f"Best: {said_of(best.values) or 'as in params.yaml'}"
        boxes.append(_box("plain", heading, [*_how_surely(settings), WAY_ON]))
    failed = [trial for one in settings for trial in one.trials if trial.problem]
    missing = planned - sum(len(one.trials) for one in settings)
    if failed:
        boxes.append(_box("bad", f"{count(len(failed), 'training')} failed", [shortened(failed[0].problem, 300)]))
    if missing:
        words = "Start the same sweep again: it goes on, and what is finished is not done again."
        boxes.append(_box("warn", f"{count(missing, 'training')} not finished", [words]))
    return boxes


def _how_surely(settings: Sequence[Setting]) -> list[str]:
    best = settings[0]
    words = words_of(best.metric)
    assert best.mean is not None
    number = said(best.mean, percent=words.percent)
    scored = [one for one in settings if one.mean is not None]
    if len(scored) < 2:
        return [f"{words.name} {number}; there is no other setting to compare it with."]
    near = rivals(settings)
    if near is None:
        return [
            f"{words.name} {number}, the {'highest' if words.better == 'higher' else 'lowest'}. With fewer than two "
            f"seeds of every setting nobody can tell merit from luck; name several: --param train.seed=0..2."
        ]
    if not near:
        return [f"{words.name} {number}; every other setting is worse by more than the luck of seeds."]
    named = "; ".join(said_of(one.values) for one in near[:3]) + (
        f"; and {len(near) - 3} more" if len(near) > 3 else ""
    )
    of = f"{len(near)} of the other {len(scored) - 1}" if len(scored) > 2 else "the other one"
    return [f"{words.name} {number}, but {of} cannot be told from it: {named}."]


def _box(tone: str, heading: str, sentences: Sequence[str]) -> Markup:
    marks = {"bad": "✕", "warn": "!", "good": "✓", "plain": "i"}
    mark = element("span", marks[tone], class_="sign", aria_hidden="true")
    return element(
        "div", element("h2", mark, heading), *(element("p", one) for one in sentences), class_=f"look {tone}"
    )
