"""The section of numbers: every metric of each generator, and how far each lies from the first."""

from collections.abc import Mapping, Sequence
from functools import partial

from ..evaluation_page import reading
from ..evaluation_page.meanings import Words, words_of
from ..evaluation_page.numbers import between, said
from ..evaluation_page.reading import Number, Row
from ..html.markup import Markup, element, shortened
from ..html.page import Section
from .changes import Change, bounds, signed
from .charts import Lane, lanes
from .contestants import LETTERS, Contestant

HOW = (
    "An interval holds, with a probability of 95%, the number that endlessly many pictures of the same generator "
    "would give. That of a difference is made of both generators' results without each of the same 20 groups of "
    "latents in turn (the delete-a-group jackknife, Kott 2001): what luck two generators have in common, because "
    "their pictures come of the same latents, cancels. Where no result moves, as when neither generator "
    "copies at all, the two intervals of their own make it (MOVER, Donner & Zou 2012).",
    "Of twenty differences between generators that are equally good, one is expected to look clear by chance alone: "
    "do not go by a single number.",
    "The intervals say nothing of how another training with another seed would have come out. Which recipe is better "
    "takes several trainings of each.",
)


def numbers(contestants: Sequence[Contestant], found: Sequence[Mapping[str, Change]], noun: str) -> Section:
    """A row for each metric. found: of each generator but the first its changes."""
    rows = [{row.key: row for row in reading.rows(one.report)} for one in contestants]
    keys = list(dict.fromkeys(key for one in rows for key in one))
    content: list[Markup] = []
    if keys:
        content += [_legend(noun), _table(keys, rows, found, noun)]
    else:
        content.append(element("p", "There are none."))
    missing = _missing(contestants)
    if missing:
        content += [element("h3", "Not known, and why"), element("ul", *(element("li", one) for one in missing))]
    how = element("details", element("summary", "How sure the differences are"),
                  *(element("p", one) for one in HOW), class_="how")  # fmt: skip
    return "numbers", "The numbers", [*content, how]


def _legend(noun: str) -> Markup:
    spot = element("circle", class_="spot c0", cx=8, cy=8, r=4)
    floor = element("line", class_="floor", x1=8, x2=8, y1=1, y2=15)
    marks = ((spot, f"{noun}s of a generator, with the 95% interval"), (floor, f"held-out real {noun}s: the floor"))
    return element(
        "ul",
        *(
            element("li", element("svg", mark, class_="mark", viewBox="0 0 16 16", aria_hidden="true"), words)
            for mark, words in marks
        ),
        class_="legend",
    )


def _table(
    keys: Sequence[str], rows: Sequence[Mapping[str, Row]], found: Sequence[Mapping[str, Change]], noun: str
) -> Markup:
    heads = [element("th", "Metric", scope="col"), element("th", "On one axis", scope="col")]
    for place in range(len(rows)):
        beside = element("small", "and beside A") if place else None
        heads.append(element("th", letter(place), beside, scope="col", class_="number"))
    body = []
    for key in keys:
        cells = [_cell(place, one.get(key), ({}, *found)[place].get(key)) for place, one in enumerate(rows)]
        floor = next((one[key].floor for one in rows if key in one and one[key].floor), None)
        drawn = _lanes(key, [one.get(key) for one in rows], floor, noun)
        name = element("th", element("bdi", shortened(words_of(key).name, 60)), _small(key, floor, noun), scope="row")
        body.append(element("tr", name, element("td", drawn, class_="axis"), *cells))
    head = element("thead", element("tr", *heads))
    return element("table", head, element("tbody", *body), class_=f"numbers of-{len(rows)}")


def letter(place: int) -> Markup:
    """The generator's letter in its colour."""
    return element("span", LETTERS[place], class_=f"letter c{place}")


def _small(key: str, floor: Number | None, noun: str) -> Markup:
    words = words_of(key)
    held_out = f"Held-out real {noun}s: {said(floor, percent=words.percent)}." if floor else ""
    direction = f"{words.direction.capitalize()}." if words.direction else ""
    return element(
        "small", " ".join(one for one in (words.meaning, held_out, "") if one), " ", element("em", direction)
    )


def _cell(place: int, row: Row | None, change: Change | None) -> Markup:
    if row is None:
        return element("td", "absent", class_="number", data_label=LETTERS[place])
    percent = row.words.percent
    parts: list[Markup | str] = [said(row.generated, percent=percent)]
    if interval := between(row.generated, percent=percent):
        parts.append(element("small", interval))
    if change is not None:
        moved = element("span", signed(change.by, percent=percent), class_="moved")
        parts += [moved, element("small", bounds(change.by, percent=percent))]
        parts.append(element("span", change.verdict, class_=f"badge {change.tone}"))
    return element("td", *parts, class_="number", data_label=LETTERS[place])


def _lanes(key: str, rows: Sequence[Row | None], floor: Number | None, noun: str) -> Markup:
    words = words_of(key)
    shown = [Lane(place, row.generated) for place, row in enumerate(rows) if row is not None]
    heard = [f"{LETTERS[lane.place]} {_heard(lane.number, words)}" for lane in shown]
    heard += [f"held-out {noun}s {said(floor, percent=words.percent)}"] if floor else []
    return lanes(shown, floor, label=f"{words.name}: {', '.join(heard)}", name=partial(_tick, words))


def _heard(number: Number, words: Words) -> str:
    interval = between(number, percent=words.percent)
    return said(number, percent=words.percent) + (f" ({interval})" if interval else "")


def _tick(words: Words, value: float) -> str:
    return f"{100 * value:g}%" if words.percent else f"{value:g}".replace("-", "−")  # noqa: RUF001


def _missing(contestants: Sequence[Contestant]) -> list[str]:
    """Each reason once, with the letters and the results that it is of."""
    known: dict[tuple[str, str], list[str]] = {}
    for place, one in enumerate(contestants):
        for key, why in reading.absent(one.report).items():
            known.setdefault((words_of(key).name, why), []).append(LETTERS[place])
    of_all = len(contestants)
    return [
        f"{name}{'' if len(letters) == of_all else ' of ' + ', '.join(letters)}: {why}."
        for (name, why), letters in known.items()
    ]
