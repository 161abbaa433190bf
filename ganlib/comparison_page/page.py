"""The comparison's page: its first words, and what stands around the sections."""

from collections.abc import Mapping, Sequence

from ..evaluation_page import reading, verdicts
from ..evaluation_page.style import STYLE as STYLE_OF_NUMBERS
from ..html.markup import Markup, element, shortened
from ..html.page import Section, contents, document
from .changes import Change, sentence
from .contestants import LETTERS, Contestant
from .numbers import letter
from .people import opinions
from .style import STYLE

MARKS = {"bad": "✕", "warn": "!", "good": "✓", "plain": "i"}


def page(
    contestants: Sequence[Contestant], found: Sequence[Mapping[str, Change]], sections: Sequence[Section], noun: str
) -> Markup:
    """The whole document."""
    title = " and ".join(shortened(one.name, 60) for one in contestants[:2])
    title += f" and {len(contestants) - 2} more" if len(contestants) > 2 else ""
    header = element(
        "header",
        element("p", "Comparison", class_="eyebrow"),
        element("h1", title),
        element("p", lead(contestants, noun), class_="lead"),
        element(
            "ol", *(card(place, one.name, one.facts) for place, one in enumerate(contestants)), class_="contestants"
        ),
        element("div", *first_words(contestants, found, noun), class_="verdicts"),
        contents(sections),
    )
    name = str(reading.words(contestants[0].report).get("name", ""))
    footer = element("p", "Protocol ", element("code", shortened(name, 200)))
    return document(f"Comparison: {title}", header, sections, footer, style=STYLE_OF_NUMBERS + STYLE)


def lead(contestants: Sequence[Contestant], noun: str) -> str:
    """What was compared with what, and through whose eyes."""
    words = reading.words(contestants[0].report)
    known = {name: f"{one:,}" for name, one in words.items() if isinstance(one, int)}
    alike = len({one.latents for one in contestants}) == 1
    same = "from the same latents" if alike else "from latents of the same seed, though not of one kind"
    through = shortened(str(words.get("extractor", "an unknown extractor")), 60)
    return (
        f"{known.get('samples', 'Generated')} {noun}s of each, {same} (seed {known.get('sample_seed', '?')}), beside "
        f"{known.get('reference_count', 'the')} training {noun}s, by {known.get('features', 'the')} features that "
        f"{through} sees. Differences are to A."
    )


def card(place: int, name: str, facts: Sequence[tuple[str, str]]) -> Markup:
    """What a generator is, under its letter."""
    told = [part for word, value in facts for part in (element("dt", word), element("dd", shortened(value, 80)))]
    heading = element("h2", letter(place), element("bdi", shortened(name, 80)))
    return element("li", heading, element("dl", *told), class_=f"c{place}")


def first_words(
    contestants: Sequence[Contestant], found: Sequence[Mapping[str, Change]], noun: str
) -> list[Markup]:  # fmt: skip
    """Who copies, before all; then each one beside the first."""
    boxes = []
    copying = [(LETTERS[place], verdicts.copying(one.report, noun)) for place, one in enumerate(contestants)]
    warned = [(name, verdict) for name, verdict in copying if verdict.tone in ("bad", "warn")]
    for name, verdict in warned:
        boxes.append(_box(verdict.tone, f"{name}: {verdict.heading}", verdict.sentences[:1]))
    if not warned:
        everyone = f"By the intervals no more than a few of anybody's {noun}s can be copies of training {noun}s."
        boxes.append(_box("good", "No sign of copying", (everyone,)))
    sentences = [sentence(LETTERS[place], one) for place, one in enumerate(found, 1)]
    favoured = any(change.favour for one in found for change in one.values())
    boxes.append(_box("plain", "Clear differences" if favoured else "No clear differences", sentences))
    if said := opinions(contestants):
        boxes.append(_box("plain", "Asked blind", said))
    return boxes


def _box(tone: str, heading: str, sentences: Sequence[str]) -> Markup:
    mark = element("span", MARKS[tone], class_="sign", aria_hidden="true")
    items = [element("p", one) for one in sentences]
    return element("div", element("h2", mark, heading), *items, class_=f"look {tone}")
