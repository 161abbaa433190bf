"""`ganlib game`: the game of 2014 played out before your eyes, as a page, films and still pictures."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.paths import GAME_PAGE

LAYOUTS = ("line", "ring", "grid")
DEFAULT = ("line", "ring")


def game(
    layout: Annotated[
        str | None,
        typer.Argument(help="What the data are: line, ring or grid. Left out: line and ring on one page."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page; films and pictures go into a folder of its name there.")
    ] = GAME_PAGE,
) -> None:
    """Play the game of 2014 on a line, a ring or a grid: two players learn from each other, drawn round by round."""
    from pipelines import destinations, stage

    folder = output.with_suffix("")
    check(layout, output, folder)
    from ganlib import game_page, workers
    from ganlib.playing import RECIPES, Match, play

    chosen = DEFAULT if layout is None else (layout,)
    recipes = [recipe for each in chosen for recipe in RECIPES[each]]
    matches: dict[str, list[Match]] = {each: [] for each in chosen}
    for match in workers.in_order(play, recipes, processes=stage.cores(), preload="ganlib.playing"):
        recipe = match.recipe
        print(f"played: {recipe.layout}, {recipe.name}, {recipe.rounds:,} rounds", flush=True)
        matches[recipe.layout].append(match)
    with destinations.writing(output):
        written = game_page.write(matches, html=output, folder=folder)
    for path in written:
        print(f"{'page' if path == output else 'beside it'}: {path.resolve()}")


def check(layout: str | None, output: Path, folder: Path) -> None:
    """UserError where there is no such layout, or the page or its folder could not be written in the end."""
    from ganlib.errors import UserError
    from pipelines import destinations

    if layout is not None and layout not in LAYOUTS:
        raise UserError(f"There is no layout {layout!r}; choose line, ring or grid.")
    if output.suffix != ".html":
        raise UserError(f"--output {output} is no page; name a file that ends in .html, such as reports/game.html.")
    destinations.check_file(output, overwrite=True)
    destinations.require_writable(output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file where the folder of films would be; name another --output.")
