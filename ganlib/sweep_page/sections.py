"""The sections of a sweep's page."""

from collections.abc import Sequence
from functools import partial

from ..comparison_page.changes import bounds, signed
from ..evaluation_page.meanings import Words, words_of
from ..evaluation_page.numbers import between, said
from ..evaluation_page.reading import Number
from ..evaluation_page.sheets import drawing
from ..html.markup import Markup, count, element, shortened
from ..html.page import Section
from . import charts
from .trials import Setting, Trial, value_said
from .trials import said as said_of

BUDGET = 3_000_000
"""Characters of all pictures together."""
ALSO = ("fid", "kid", "precision", "recall", "copies", "modes")
"""Numbers that each training's row has, where they were measured."""
HOW = (
    "Trainings of one setting that differ in their seed alone stand in one row. Its number is their mean, with the "
    "standard error, and in the small line the interval that holds, with a probability of 95%, what this setting gives "
    "on average over all seeds (Student's t over the seeds).",
    "The difference to the first row is between two such means, with Welch's interval. Where it excludes zero the "
    "setting is worse than the first by more than the luck of seeds.",
    "The more settings are tried, the luckier is the best of them: its number is expected to be a little worse when "
    "it is trained with fresh seeds, and of twenty differences one looks clear by chance. Confirm a choice with seeds "
    "that the sweep did not use.",
    "Of a setting with one seed the interval is that of its pictures, which says nothing of how another seed would "
    "have come out.",
)


def ranking(settings: Sequence[Setting]) -> Section:
    """A row for each setting, the best first."""
    metric = settings[0].metric
    words = words_of(metric)
    every = [value for one in settings for value in (*one.scores, *(one.mean.all if one.mean else ()))]
    several = any(len(one.trials) > 1 for one in settings)
    heads = [
        "Setting",
        f"{words.name}, {words.better} is better",
        "Its seeds and their mean" if several else "On one axis",
    ]
    numbered = {1}
    if several:
        heads.append("Beside the first")
        numbered.add(3)
    head = [
        element("th", one, scope="col", class_="number" if place in numbered else None)
        for place, one in enumerate(heads)
    ]
    rows = [_row(place, one, settings[0], every, several=several) for place, one in enumerate(settings)]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows), class_="settings")
    how = element("details", element("summary", "How sure this is"), *(element("p", one) for one in HOW), class_="how")
    return "settings", "Settings, the best first", [table, how]


def _row(place: int, one: Setting, first: Setting, every: Sequence[float], *, several: bool) -> Markup:
    words = words_of(one.metric)
    name = [element("span", element("bdi", name), " ", element("b", shortened(value_said(value), 60)))
            for name, value in one.values.items()]  # fmt: skip
    if not name:
        name = [element("span", "as in params.yaml")]
    head = element("th", *name, element("small", _counted(one)), scope="row")
    if one.mean is None:
        cells = [element("td", "failed", class_="number", data_label=words.name), element("td", class_="axis")]
        cells += [element("td", class_="number")] if several else []
        return element("tr", head, *cells)
    number = said(one.mean, percent=words.percent)
    error = f" ± {said(Number(one.error), like=one.mean, percent=words.percent)}" if one.error is not None else ""
    label = f"{words.name} of {said_of(one.values)}: {number}{error}, {between(one.mean, percent=words.percent)}"
    cells = [
        element("td", number + error, element("small", between(one.mean, percent=words.percent)),
                class_="number", data_label=words.name),
        element("td", charts.seeds(one.scores, one.mean, every, label=label), class_="axis"),
    ]  # fmt: skip
    if several:
        cells.append(element("td", *_beside(one, first, words), class_="number", data_label="Beside the first"))
    return element("tr", head, *cells, class_="best" if place == 0 else None)


def _counted(one: Setting) -> str:
    lost = len(one.trials) - len(one.scores)
    failed = f", {lost} of them failed" if lost and one.scores else ""
    return f"{count(len(one.trials), 'training')}{failed}"


def _beside(one: Setting, first: Setting, words: Words) -> list[Markup | str]:
    if one is first:
        return ["the first"]
    by = one.beside(first)
    if by is None:
        return ["too few seeds"]
    assert by.low is not None
    assert by.high is not None
    clear = by.low > 0 or by.high < 0
    badge = element("span", "worse" if clear else "no clear difference", class_=f"badge {'bad' if clear else 'plain'}")
    return [signed(by, percent=words.percent), element("small", bounds(by, percent=words.percent)), badge]


def swept(settings: Sequence[Setting]) -> Section | None:
    """A chart for each setting that has more than one value."""
    metric = settings[0].metric
    words = words_of(metric)
    names = list(dict.fromkeys(name for one in settings for name in one.values))
    figures = []
    for name in names:
        spots = [
            (one.values.get(name), number)
            for one in settings
            for trial in one.trials
            if (number := trial.number(metric)) is not None
        ]
        if len({value_said(value) for value, _ in spots}) < 2:
            continue
        label = f"{words.name} over {name}: " + ", ".join(
            f"{value_said(value)} {said(number, percent=words.percent)}" for value, number in spots
        )
        drawn = charts.over(spots, label=shortened(label, 600), name=partial(_tick, words))
        if drawn is not None:
            figures.append(element("figure", element("h3", element("code", name)), drawn))
    if not figures:
        return None
    caption = (
        f"{words.name}, {words.better} is better, of every training, with the interval of its pictures; a dash is the "
        f"mean of all that share a value, whatever else differs."
    )
    return "swept", f"{words.name} over what was swept", [
        element("p", caption, class_="soft"), element("div", *figures, class_="charts"),
    ]  # fmt: skip


def pictures(settings: Sequence[Setting], noun: str) -> Section | None:
    """The grid of each training, the best setting's first, as far as a page should weigh."""
    trials = [(one, trial) for one in settings for trial in one.trials if trial.grid is not None]
    items: list[Markup] = []
    used = 0
    for _, trial in trials:
        shown = drawing(trial.grid or b"", f"First {noun}s of {_name(trial)}")
        if shown is None or (items and used + len(shown) > BUDGET):
            continue
        used += len(shown)
        items.append(element("li", shown, element("span", _name(trial)), element("small", _number(trial, settings[0]))))
    if not items:
        return None
    left_out = len(trials) - len(items)
    more = f" {count(left_out, 'training')} more would make the page too heavy." if left_out else ""
    words = f"The first {noun}s of the same latents, not picked, the best setting first.{more}"
    return "pictures", f"What they draw, the first {noun}s", [
        element("p", words, class_="soft"), element("ul", *items, class_="grids"),
    ]  # fmt: skip


def trials(settings: Sequence[Setting]) -> Section:
    """A row for each training that came to its end, and a sentence for each that did not."""
    ended = [trial for one in settings for trial in one.trials if trial.report is not None]
    metric = settings[0].metric
    keys = [key for key in dict.fromkeys((metric, *ALSO)) if any(trial.number(key) for trial in ended)]
    seeded = any(trial.seed is not None for trial in ended)
    heads = ["Setting", *(["Seed"] if seeded else []), *(words_of(key).name for key in keys), "Run"]
    rows = [_trial(trial, keys, seeded=seeded) for trial in ended]
    content: list[Markup] = []
    if rows:
        head = element("thead", element("tr", *(element("th", one, scope="col") for one in heads)))
        table = element("table", head, element("tbody", *rows), class_="trials")
        content.append(element("div", table, class_="wide", tabindex="0", role="region", aria_label="Every training"))
    failed = [trial for one in settings for trial in one.trials if trial.problem]
    if failed:
        items = [element("li", element("b", _name(trial)), ": ", shortened(trial.problem, 600)) for trial in failed]
        content += [element("h3", "Failed"), element("ul", *items)]
    return "trainings", "Every training", content


def _trial(trial: Trial, keys: Sequence[str], *, seeded: bool) -> Markup:
    cells: list[Markup] = [element("td", "" if trial.seed is None else str(trial.seed))] if seeded else []
    for key in keys:
        number, percent = trial.number(key), words_of(key).percent
        if number is None:
            cells.append(element("td", "absent"))
        else:
            interval = element("small", between(number, percent=percent), class_="soft")
            cells.append(element("td", said(number, percent=percent), element("br"), interval))
    run = element("td", element("code", trial.run) if trial.run else "")
    return element("tr", element("th", said_of(trial.values) or "as in params.yaml", scope="row"), *cells, run)


def _name(trial: Trial) -> str:
    parts = [said_of(trial.values)] if trial.values else []
    return ", ".join(parts + ([f"seed {trial.seed}"] if trial.seed is not None else [])) or "as in params.yaml"


def _number(trial: Trial, first: Setting) -> str:
    words, number = words_of(first.metric), trial.number(first.metric)
    return f"{words.name} {said(number, percent=words.percent)}" if number else f"no {words.name}"


def _tick(words: Words, value: float) -> str:
    return f"{100 * value:g}%" if words.percent else f"{value:g}".replace("-", "−")  # noqa: RUF001, the sign that is meant
