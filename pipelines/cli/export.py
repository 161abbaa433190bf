"""`ganlib export`: a generator for programs that know nothing of this project."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.sample import Model


class Format(StrEnum):
    """As `ganlib.exporting` has them, which imports too much for --help."""

    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    TORCH_EXPORT = "torch-export"


SUFFIXES = {Format.ONNX: ".onnx", Format.TORCH_EXPORT: ".pt2"}
"""Of those that are files."""


def export(
    model: Model,
    to: Annotated[Format, typer.Option(help="onnx: a file; torch-export: a .pt2 file; safetensors: a folder.")],
    output: Annotated[str, typer.Option("--output", "-o", help="The file, or the folder of safetensors.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file, should it exist.")] = False,
) -> None:
    """Write a generator for other programs; it is kept where it gives the same images.

    Open a .pt2 file with torch.export.load only if you trust where it comes from: such a file can run code.
    `ganlib sample` takes the folder of safetensors.
    """
    path = Path(output)
    check_place(to, path, overwrite=overwrite)
    import torch

    from ganlib import exporting
    from pipelines import destinations, generators, params

    exporting.require(to.value)
    named = generators.find(model, params.load())
    generator, known = generators.open_drawer(named, torch.device("cpu")).generator, named.description
    facts = {"format": to.value, "weights_sha256": named.content}
    if named.registration is not None:
        facts["generator"] = f"{named.registration.model} version {named.registration.version}"
    with destinations.writing(path):
        if to == Format.SAFETENSORS:
            checked = exporting.write_weights(generator, known, named.folder, path, facts)
        else:
            write = exporting.write_onnx if to == Format.ONNX else exporting.write_torch_export
            checked = write(generator, known, path, facts)
    print(
        f"Exported {named.name} to {output}: on {sum(checked.batches)} random latents it differs from the generator by "
        f"{checked.largest_difference:.1g} at most ({checked.tolerance:.1g} is allowed)."
    )


def check_place(to: Format, path: Path, *, overwrite: bool) -> None:
    """UserError where the export cannot stand there."""
    from ganlib.errors import UserError
    from pipelines import destinations

    if to not in SUFFIXES:
        destinations.check_folder(path)
        return
    if path.suffix.lower() != SUFFIXES[to]:
        raise UserError(f"-o {path} does not end in {SUFFIXES[to]}, which --to {to.value} makes; rename it.")
    destinations.check_file(path, overwrite=overwrite)
