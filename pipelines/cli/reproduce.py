"""`ganlib reproduce`: a registered generator made again, and whether it came out the same."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

EXIT_OTHER = 1
EXIT_INTERRUPTED = 130


def reproduce(
    model: Annotated[str, typer.Argument(help="A version (3), an alias (champion), NAME/3, NAME@champion, runs:/ID.")],
    source: Annotated[
        Path | None, typer.Option(help="Pictures to prepare, where DVC does not have the data any more.")
    ] = None,
    commit: Annotated[
        str | None, typer.Option(help="That has the source, where it was committed after the training.")
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Go on where source or device are not the same.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the folder in which it was made.")] = False,
) -> None:
    """Train a registered generator again from its commit, settings and data, and say whether it is the same.

    Exit code 0: the same bytes; 1: not, with what differs; 2: it cannot be made again.
    """
    from pipelines import params, reproduction

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wishes = reproduction.Wishes(source, commit, anyway, keep)
    try:
        same = reproduction.reproduce(model, params.load(), wishes, lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print(
            "Stopped; nothing of the project was changed. Where a training had begun, the same command goes on.",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not same:
        raise typer.Exit(EXIT_OTHER)
