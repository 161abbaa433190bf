"""`ganlib sample`: pictures of any generator, as a sheet, a folder, arrays or a film."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", help="A .png (a sheet), .npz (arrays), .mp4 or .gif (a film) file, or a folder: pictures/."
    ),
]
Model = Annotated[
    str, typer.Argument(help="A version, an alias, NAME/3, NAME@champion, runs:/ID, or the folder of a generator.")
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="A class by name or number; several take turns. Left out: all classes in turn."),
]
Truncation = Annotated[
    float | None, typer.Option(help="Above 0; the lower, the more usual and the less varied: 0.7. Left out: none.")
]


def sample(
    model: Model,
    output: Output,
    count: Annotated[int, typer.Option("-n", help="How many; of a film, the pictures on its way.")] = 64,
    seed: Annotated[int, typer.Option(help="Picture i depends on it and on i alone.")] = 0,
    label: Labels = None,
    truncation: Truncation = None,
    frames: Annotated[int, typer.Option(help="Of a film, from each picture to the next; 25 are a second.")] = 25,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file, should it exist.")] = False,
) -> None:
    """Draw with a generator: a sheet, a folder of files, arrays, or a film from picture to picture."""
    check_numbers(count, seed, truncation, frames)
    from pipelines import destinations, drawing, forms, generators, params

    form, path = forms.form_of(output), Path(output)
    if form.folder:
        destinations.check_folder(path)
    else:
        destinations.check_file(path, overwrite=overwrite)
    from ganlib.device import choose

    settings = params.load()
    named = generators.find(model, settings)
    forms.check(form, named.description, count, output)
    classes = drawing.classes_for(named.description, label or ())
    wish = drawing.Wish(count, seed, classes, truncation, frames)
    drawer = generators.open_drawer(named, choose(settings.device))
    with destinations.writing(path):
        form.write(drawer, wish, path)
    print(f"Wrote {form.words} of {count} {named.description.kind} by {named.name}, seed {seed}: {output}")


def check_numbers(count: int, seed: int, truncation: float | None, frames: int) -> None:
    """UserError where one of them cannot be."""
    from ganlib.errors import UserError

    if count < 1:
        raise UserError(f"-n is {count}; give 1 or more.")
    if not 0 <= seed < 2**64:
        raise UserError(f"--seed is {seed}; give a whole number from 0 to 2^64 - 1.")
    if truncation is not None and not truncation > 0:
        raise UserError(f"--truncation is {truncation:g}; give a number above 0, such as 0.7, or leave it out.")
    if frames < 1:
        raise UserError(f"--frames is {frames}; give 1 or more.")
