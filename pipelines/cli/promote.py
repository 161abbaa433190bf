"""Promotion, rollback, history and deletion of registered generators, as a terminal shows them."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.promotion import Promotion
    from pipelines.tracking.history import Move, Record
    from pipelines.verdicts import Check, Verdict

NOT_PROMOTED = 1
WAYS = "A version (3), an alias, NAME/3, NAME@alias or runs:/ID."


def promote(
    version: Annotated[str, typer.Argument(help=WAYS)],
    to: Annotated[str, typer.Option("--to", help="The alias that it is to have.")] = "champion",
    force: Annotated[bool, typer.Option("--force", help="Move the alias whatever the verdict is; say --why.")] = False,
    why: Annotated[str | None, typer.Option(help="Kept in the history.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge it, and move nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The verdict and what was done, as one line of JSON.")
    ] = False,
) -> None:
    """Judge a generator against the champion, and make it champion where it is provably better.

    Both are scored by the same latents in several blocks (section promote of params.yaml). Exit code 0: promoted, or
    worthy of it in a dry run; 1: rejected, or inconclusive; 2: a mistake.
    """
    from pipelines import params, promotion

    reason = _reason(force, why)
    done = promotion.promote(params.load(), version, to, forced=reason, moving=not dry_run)
    if as_json:
        import json

        print(json.dumps(done.plain()))
    else:
        _show(done, to)
    wins = done.judged is not None and done.judged.verdict.outcome == "promote"
    if done.record is None and not (dry_run and wins):
        raise typer.Exit(NOT_PROMOTED)


def rollback(
    model: Annotated[str | None, typer.Argument(help="Left out: publish.model.")] = None,
    of: Annotated[str, typer.Option("--of", help="The alias that goes back.")] = "champion",
    why: Annotated[str | None, typer.Option(help="Kept in the history.")] = None,
) -> None:
    """Make the previous champion champion again, after it drew pictures; once more, and it is undone."""
    from pipelines import params, promotion

    record = promotion.rollback(params.load(), model, of, why=_short(why))
    print(f"{of} is version {record.move.to} again; version {record.move.before} is the previous one.")


def history(model: Annotated[str | None, typer.Argument(help="Left out: publish.model.")] = None) -> None:
    """Show who made which version champion, when and why, the newest first; and what was moved behind its back."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipelines import params, tracking
    from pipelines.tracking import history, models, moves

    name = model or params.load().publish.model
    with tracking.opened(making=False) as store:
        models.versions(store, name)
        found = moves.settled(store, name)
    console = Console(highlight=False)
    if found.records:
        table = Table("when (UTC)", "alias", "version", "how", "by", "grounds")
        for record in reversed(found.records):
            table.add_row(*map(Text, _row(record)))
        console.print(table)
    else:
        console.print(Text(f"No alias of {name} was moved by ganlib promote or ganlib rollback yet."))
    now = ", ".join(f"{alias} is version {number}" for alias, number in sorted(found.aliases.items())) or "none"
    console.print(Text(f"Aliases now: {now}."))
    for sentence in history.strays(found):
        console.print(Text(sentence))


def delete(
    version: Annotated[str, typer.Argument(help=WAYS)],
    yes: Annotated[bool, typer.Option("--yes", help="Delete it without another word.")] = False,
) -> None:
    """Take a version out of the registry, unless an alias names it."""
    from pipelines import params, promotion

    print(promotion.delete(params.load(), version, sure=yes))


def _reason(force: bool, why: str | None) -> str | None:
    from ganlib.errors import UserError

    if force and not (why or "").strip():
        raise UserError('A forced promotion is recorded with its reason; say it: --force --why "...".')
    if why is not None and not force:
        raise UserError("--why is for --force: the verdict is the reason of any other promotion.")
    return _short(why)


def _short(why: str | None) -> str | None:
    from ganlib.errors import UserError
    from pipelines.tracking.history import LONGEST_WHY

    if why is not None and len(why) > LONGEST_WHY:
        raise UserError(f"--why has {len(why)} characters; say it in {LONGEST_WHY}.")
    return why


def _show(done: "Promotion", alias: str) -> None:
    """The verdict, the numbers behind it, and what was done."""
    ours = done.challenger
    against = f"version {done.champion}" if done.champion is not None else f"held-out pictures (there is no {alias})"
    if done.judged is not None:
        print(f"{ours.model} version {ours.version} against {against}: {done.judged.verdict.title}\n")
        _numbers(done.judged.verdict, of_floor=done.champion is None)
    else:
        print(f"{ours.model} version {ours.version} was not judged: {done.unjudged}")
    if done.record is None:
        print(f"Nothing was changed: {alias} is {against if done.champion is not None else 'no version'}.")
        return
    had = f"; version {done.champion} is the previous one" if done.champion is not None else ""
    print(f"{alias} is version {ours.version} now{had}{' (forced)' if done.record.move.forced else ''}.")
    evidence = done.record.move.evidence
    if evidence and evidence["file"]:
        print(f"Evidence: {evidence['file']} of run {ours.run_id}, sha256 {evidence['sha256'][:12]}...")


def _numbers(verdict: "Verdict", *, of_floor: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipelines.cli.tables import WIDEST

    other, by = ("held-out", "over its limit by") if of_floor else ("champion", "worse by")
    table = Table("", "this", other, by, "demand", "", box=None, padding=(0, 2, 0, 1))
    for check in verdict.checks:
        table.add_row(*map(Text, _line(check)))
    console = Console(highlight=False, width=WIDEST)  # a number that is cut is none
    console.print(table)
    console.print()
    for check in verdict.checks:
        if check.problem is not None:
            console.print(Text(f"{check.name}, {check.state}: {check.problem}."))


def _line(check: "Check") -> tuple[str, ...]:
    if check.low is None or check.high is None:
        return check.name, "", "", "", check.demand, check.state
    ours, theirs = ("" if number is None else f"{number:.4g}" for number in (check.ours, check.theirs))
    if check.theirs is None:  # beside nobody's, as the rate of copies: the bounds are its own
        return check.name, f"{ours} [{check.low:.3g}, {check.high:.3g}]", "", "", check.demand, check.state
    between = f"{check.low:.3g} ... {check.high:.3g}"
    return check.name, ours, theirs, between, check.demand, check.state


def _row(record: "Record") -> tuple[str, ...]:
    move = record.move
    before = "none" if move.before is None else str(move.before)
    how = "taken back" if move.action == "withdraw" else move.action + (", forced" if move.forced else "")
    return (
        record.at.removesuffix("+00:00").replace("T", " "),
        move.alias,
        str(move.to) if move.action == "withdraw" else f"{before} -> {move.to}",
        how,
        f"{record.user}@{record.host}",
        _grounds(move),
    )


def _grounds(move: "Move") -> str:
    said = [move.verdict] if move.verdict else []
    if move.evidence and move.evidence["between"]:
        said.append(f"{move.evidence['metric']} {_how_far(move)} in {move.evidence['blocks']} blocks")
    if move.why:
        said.append(f'"{move.why}"')
    return "; ".join(said)


def _how_far(move: "Move") -> str:
    """The deciding number's bounds in words: beside the champion before, or beside the limit that a first one has."""
    assert move.evidence is not None
    low, high = move.evidence["between"]
    first = move.before is None
    if high < 0:
        return f"{'inside its limit' if first else 'better'} by {-high:.4g} ... {-low:.4g}"
    return f"{'over its limit' if first else 'worse'} by {low:.4g} ... {high:.4g}"
