"""`ganlib compare`: the numbers of several generators on the terminal, and everything else on a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganlib.errors import UserError
from pipelines.paths import COMPARISON_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from ganlib.comparison_page import Change, Contestant

WIDTH = 120
"""Characters of the table where no terminal says how many there are."""
COLOURS = {"good": "green", "bad": "red", "plain": "dim"}


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="A B [C ...]",
            help="Each a version (3), an alias (champion), NAME/3, NAME@champion, runs:/ID, or a folder.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Pictures of each.", show_default="sample.n of params.yaml")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of their latents and classes.", show_default="sample.seed of params.yaml")
    ] = None,
    as_registered: Annotated[
        bool, typer.Option("--as-registered", help="Compare the numbers that were published; draw nothing.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The page.")] = COMPARISON_PAGE,
) -> None:
    """Which generator is better, and how surely: all scored alike, side by side, with intervals of the differences."""
    if as_registered and (samples is not None or seed is not None):
        raise UserError("--samples and --seed are for scoring anew, which --as-registered does not do; leave it out.")
    _require_writable(output)
    from ganlib import comparison_page
    from pipelines import comparison, destinations, params

    settings = params.load()
    if as_registered:
        found = comparison.as_registered(names or [], settings)
    else:
        found = comparison.compare(names or [], settings, samples=samples, seed=seed)
    show(found.contestants)
    with destinations.writing(output):
        comparison_page.write(found.contestants, html=output, noun=found.noun, no_pictures=found.no_pictures)
    print(f"page: {output.resolve()}")


def _require_writable(output: Path) -> None:
    """UserError where the page could not be written in the end."""
    from pipelines import destinations

    _, folder = destinations.found(output)
    if folder:
        raise UserError(f"--output {output} is a folder; name a file, such as {output / 'compare.html'}.")
    destinations.require_writable(output)


def show(contestants: "Sequence[Contestant]") -> None:
    """Prints who is who, every number, and each one beside the first."""
    import sys

    from rich.console import Console
    from rich.text import Text

    from ganlib import report
    from ganlib.comparison_page import LETTERS, changes, opinions, sentence

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    words = contestants[0].report["protocol"]
    for letter, one in zip(LETTERS, contestants, strict=False):
        console.print(Text(f"{letter}  {one.name}"))
    found = [changes(one.report, contestants[0].report) for one in contestants[1:]]
    console.print(table(contestants, found))
    absences = [report.absences(one.report) for one in contestants]
    for absent in dict.fromkeys(why for those in absences for why in those):
        of = [letter for letter, those in zip(LETTERS, absences, strict=False) if absent in those]
        console.print(Text(absent if len(of) == len(contestants) else f"{', '.join(of)}: {absent}"))
    for letter, moved in zip(LETTERS[1:], found, strict=False):
        console.print(Text(sentence(letter, moved)))
    for said in opinions(contestants):
        console.print(Text(said))
    console.print(
        Text(
            f"{words['samples']} of each (seed {words['sample_seed']}) against {words['reference_count']} training "
            f"ones; in brackets 95 % intervals; protocol {words['name']}"
        )
    )


def table(contestants: "Sequence[Contestant]", found: "Sequence[Mapping[str, Change]]") -> "Table":
    """A row for each number; below those of all but the first the difference to the first, and whose favour it is in
    where its interval excludes zero."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ganlib import report
    from ganlib.comparison_page import LETTERS
    from ganlib.evaluation_page import reading
    from ganlib.evaluation_page.meanings import words_of

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("metric", "better", *LETTERS[: len(contestants)]):
        shown.add_column(title)
    rows = [{row.key: row for row in reading.rows(one.report)} for one in contestants]
    for key in dict.fromkeys(key for one in rows for key in one):
        words = words_of(key)
        cells = []
        for place, one in enumerate(rows):
            cell = Text("absent")
            if key in one:
                number = one[key].generated
                cell = Text(str(report.Number(number.value, number.low, number.high)))
            change = found[place - 1].get(key) if place else None
            if change is not None:
                by = f"\n{change.by.value:+.3g} [{change.by.low:+.3g}, {change.by.high:+.3g}]"
                verdict = f" {change.verdict}" if change.clear else ""
                cell.append(by + verdict, style=COLOURS[change.tone])
            cells.append(cell)
        shown.add_row(words.name, words.better, *cells)
    return shown
