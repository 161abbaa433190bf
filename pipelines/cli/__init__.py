"""The `ganlib` command. Nothing heavy is imported before a command needs it."""

import functools
import sys
from collections.abc import Callable
from typing import Annotated, Any, ParamSpec

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from pipelines.cli import promote
from pipelines.cli.compare import compare
from pipelines.cli.export import export
from pipelines.cli.gallery import gallery
from pipelines.cli.game import game
from pipelines.cli.reproduce import reproduce
from pipelines.cli.sample import sample

Arguments = ParamSpec("Arguments")
EXIT_MISTAKE = 2

Limit = Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")]
AsJson = Annotated[bool, typer.Option("--json", help="As a JSON list on standard output, with every number.")]


class Commands(TyperGroup):
    """Lists each command with its whole sentence, where the usual list cuts it off; helps without heavy imports."""

    def get_help_option(self, ctx: Any) -> Any:
        """Off, where typer says None: to check None against its type, typer imports all of pydantic."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Words that the command line cannot mean end in one sentence too, and exit code 2."""
        try:
            code = super().main(*arguments, **{**options, "standalone_mode": False})
        except TyperException as error:
            _say_usage(error)
            code = EXIT_MISTAKE
        sys.exit(code)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """Writes a row for each command that is not hidden."""
        rows = [
            (name, " ".join((command.help or "").partition("\n\n")[0].split()))
            for name, command in self.commands.items()
            if not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _say_usage(error: Any) -> None:
    message, command = error.format_message(), error.ctx.command_path if error.ctx else "ganlib"
    if "\n" in message:  # no word at all: the whole help
        print(message)
    else:
        told = (message[0].lower() + message[1:]).rstrip(".")
        print(f"error: {command}: {told}. What it takes: {command} --help.", file=sys.stderr)


app = typer.Typer(
    cls=Commands,
    help="Generators of pictures: what was trained, which is better, and what it draws.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: to format it with rich takes three times as long as all the rest.
    rich_markup_mode=None,
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
def sync(
    as_json: Annotated[bool, typer.Option("--json", help="What there is now, as one line of JSON.")] = False,
) -> None:
    """Make MLflow's run and registry say what DVC's outputs say; safe at any time, also for a new or lost store."""
    from pipelines import params, registry

    synced = registry.sync(params.load())
    if as_json:
        import json

        print(json.dumps(synced.plain()))
    else:
        print(synced.sentence())


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
def runs(limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the newest runs: status, version, data, numbers with their intervals and protocol, commit."""
    from pipelines import params
    from pipelines.cli import tables

    tables.runs(params.load().publish.experiment, limit, as_json=as_json)


@app.command()
@sentences
def models(
    name: Annotated[
        str | None, typer.Argument(help="A registered model; left out: all of them, newest and champion.")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List registered generators, or the versions of one: aliases, data, numbers with intervals and protocol."""
    from pipelines.cli import tables

    tables.models(name, limit, as_json=as_json)


@app.command()
@sentences
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Tidy up what is safe to: each thing is named.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object on standard output.")] = False,
) -> None:
    """Check packages, device, settings, stores, disks and leftovers; exit code 1 where something needs a person."""
    from pipelines.cli import health

    raise typer.Exit(health.show(fix=fix, as_json=as_json))


@app.command()
@sentences
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of MLflow's pages, on 127.0.0.1.")] = 5000,
    pages_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Of the project's own pages, likewise.", show_default="the next one"),
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="In a browser, or in none. Left out: in one where a person sits at a terminal with a screen, but not "
            "by ssh and not in CI.",
        ),
    ] = None,
) -> None:
    """Serve MLflow's pages and the project's own beside them, what is being trained live, on loopback, until Ctrl-C.

    MLflow shows the store that the stages write to; where MLFLOW_TRACKING_URI names a server, that one shows it.
    """
    from pipelines.cli import server

    server.serve(port, pages_port, browser)


for command in (
    compare, promote.promote, promote.rollback, promote.history, promote.delete, sample, gallery, export, reproduce,
    game,
):  # fmt: skip
    app.command()(sentences(command))
