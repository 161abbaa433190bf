"""What a sweep found, in a sentence, as a table and as a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ganlib import sweep_page
from ganlib.comparison_page.changes import bounds, signed
from ganlib.evaluation_page import reading
from ganlib.evaluation_page.meanings import words_of
from ganlib.evaluation_page.numbers import between, said
from ganlib.evaluation_page.reading import Number
from ganlib.sweep_page import Setting, Trial, rivals, settings_of

from . import space
from .plan import Plan, Point

Row = dict[str, str]
WIDTH = 120
"""Characters of the table where no terminal says how many there are."""
UNDECIDED = "the other one cannot be told from it"


def begun(plan: Plan) -> str:
    """What will be done."""
    dirty = "; other changes of tracked files are not in it, commit them to have them swept" if plan.dirty else ""
    return (
        f"{len(plan.points)} points, {plan.at_once} at once, with the source of commit {plan.commit[:12]} and "
        f"params.yaml as it lies there{dirty}."
    )


def failed(point: Point, problem: str) -> Trial:
    """A point of which nothing came."""
    rest = {name: value for name, value in point.values.items() if name != space.SEED}
    return Trial(rest, point.values.get(space.SEED), problem=problem)


def told(trial: Trial, plan: Plan) -> str:
    """That it has ended, and how."""
    number, words = trial.number(plan.metric), words_of(plan.metric)
    seed = {} if trial.seed is None else {space.SEED: trial.seed}
    name = space.named({**trial.values, **seed})
    if trial.problem:
        return f"{name} failed: {trial.problem}"
    return f"{name}: " + (f"{words.name} {said(number, percent=words.percent)}" if number else f"no {words.name}")


def write(plan: Plan, trials: Sequence[Trial], page: Path) -> None:
    """The page of what has ended, in the order of the plan whatever ended first."""
    noun = _noun(trials)
    sweep_page.write(ordered(plan, trials), plan.metric, html=page, planned=len(plan.points), noun=noun)


def ordered(plan: Plan, trials: Sequence[Trial]) -> list[Trial]:
    """As the points are in the plan."""
    places = [{name: value for name, value in point.values.items() if name != space.SEED} for point in plan.points]
    seeds = [point.values.get(space.SEED) for point in plan.points]
    order = list(zip(places, seeds, strict=True))
    return sorted(trials, key=lambda trial: order.index((dict(trial.values), trial.seed)))


def rows(plan: Plan, trials: Sequence[Trial]) -> list[Row]:
    """A row for each setting, the best first."""
    settings = settings_of(ordered(plan, trials), plan.metric)
    words = words_of(plan.metric)
    names = dict.fromkeys(name for one in settings for name in one.values)
    found = []
    for place, one in enumerate(settings, 1):
        row = {"#": str(place), **{name: sweep_page.value_said(one.values.get(name)) for name in names}}
        row[words.name] = number_of(one) if one.mean else "failed"
        row["95 % interval"] = between(one.mean, percent=words.percent) if one.mean else ""
        row["trainings"] = str(len(one.scores)) + (
            f" of {len(one.trials)}" if len(one.scores) < len(one.trials) else ""
        )
        row["beside the first"] = _beside(one, settings[0])
        found.append(row)
    return found


def number_of(setting: Setting) -> str:
    """The mean over seeds with its standard error, or the one number."""
    percent = words_of(setting.metric).percent
    assert setting.mean is not None
    error = said(Number(setting.error), like=setting.mean, percent=percent) if setting.error is not None else ""
    return said(setting.mean, percent=percent) + (f" ± {error}" if error else "")


def _beside(one: Setting, first: Setting) -> str:
    by = one.beside(first)
    if one is first or by is None:
        return ""
    percent = words_of(one.metric).percent
    return f"{signed(by, percent=percent)} ({bounds(by, percent=percent)})"


def summary(plan: Plan, trials: Sequence[Trial]) -> str:
    """What a message has room for."""
    settings = settings_of(ordered(plan, trials), plan.metric)
    lost = [trial for trial in trials if trial.problem]
    parts = [f"{len(trials) - len(lost)} of {len(plan.points)} points are done"]
    best = settings[0]
    if best.mean is not None:
        name = sweep_page.said(best.values) or "as in params.yaml"
        parts.append(f"best is {name} with {words_of(plan.metric).name} {number_of(best)}")
        near = rivals(settings)
        if near is None:
            parts.append("with one seed of a setting nobody can tell merit from luck")
        elif near:
            others = len([one for one in settings if one.mean is not None]) - 1
            parts.append(f"{len(near)} of the other {others} cannot be told from it" if others > 1 else UNDECIDED)
    if lost:
        parts.append(f"{len(lost)} failed, the first with: {lost[0].problem.rstrip('.')}")
    return "; ".join(parts) + "."


def display(plan: Plan, trials: Sequence[Trial]) -> None:
    """Prints the table, in as many lines as it takes where the terminal is narrow."""
    import sys

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = rows(plan, trials)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in shown[0]:
        table.add_column(name)
    for row in shown:
        table.add_row(*(Text(cell) for cell in row.values()))
    Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False).print(table)


def _noun(trials: Sequence[Trial]) -> Literal["picture", "point"]:
    seen = [reading.words(trial.report).get("extractor") for trial in trials if trial.report is not None]
    return "point" if "coordinates" in seen else "picture"
