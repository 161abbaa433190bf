"""The `ganlib` command. Nothing heavy is imported before a command needs it."""

import functools
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from pipelines.cli import promote

Arguments = ParamSpec("Arguments")
EXIT_MISTAKE = 2

app = typer.Typer(
    help="Runs and registered generators of this project, in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def sentences(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Mistakes that a person can mend end in their one sentence and exit code 2; bugs keep their traceback."""

    @functools.wraps(command)
    def wrapped(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        from ganlib.errors import UserError

        try:
            command(*arguments, **options)
        except UserError as mistake:
            print(f"error: {mistake}", file=sys.stderr)
            raise typer.Exit(EXIT_MISTAKE) from None

    return wrapped


@app.command()
@sentences
def sync() -> None:
    """Make MLflow's run and registry say what DVC's outputs say; safe at any time, also for a new or lost store."""
    from pipelines import params, registry

    print(registry.sync(params.load()).sentence())


@app.command()
@sentences
def summary() -> None:
    """Say where to look: grid, metrics, MLflow run, registered generator, and what to type next."""
    from pipelines import params
    from pipelines.cli import overview

    overview.show(params.load())


@app.command()
@sentences
def preset(
    name: Annotated[str | None, typer.Argument(help="Of a file in params/; left out: the list of them.")] = None,
) -> None:
    """Rewrite params.yaml to play a known game; where your data and machines are stays as you set it."""
    from pipelines import params, presets

    if name is None:
        for known in presets.names():
            print(f"{known:<16} {presets.about(known)}")
        return
    told, before = presets.about(name), params.load().data.path
    settings = presets.apply(name)
    print(f"params.yaml plays {name} now: {told}")
    if settings.data.path is not None:
        print(f"data.path stays {settings.data.path}.")
    elif before is not None:
        print(f"data.path was {before}; data.source {settings.data.source} reads none.")
    if (
        settings.data.source not in ("digits", "gaussians")
        and settings.data.path is None
        and not settings.data.download
    ):
        print("Set data.path in it to your data, or data.download to true where the source can fetch them.")


@app.command()
@sentences
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 5000) -> None:
    """Serve MLflow's pages on loopback, from the store that the stages write to, until Ctrl-C."""
    from pipelines.cli import server

    server.serve(port)


for command in (promote.promote, promote.rollback, promote.history, promote.delete):
    app.command()(sentences(command))
