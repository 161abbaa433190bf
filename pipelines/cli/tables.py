"""`ganlib runs` and `ganlib models`: what MLflow has, as a table for people or as JSON for programs."""

import json
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganlib.report import Number
from pipelines import tracking
from pipelines.tracking import listing
from pipelines.tracking.listing import Listed

SHOWN = ("fid", "kid", "precision", "recall", "copies", "modes")
"""Results that have a column, where any row has them; the JSON has all."""
SHORT = 8
WIDEST = 10_000
Cells = dict[str, str]


def runs(experiment: str, limit: int, *, as_json: bool) -> None:
    """Prints the newest runs of the experiment."""
    found: list[Listed] = []
    if tracking.exists():
        with tracking.opened() as store:
            found = listing.runs(store, experiment, limit)
    if as_json:
        print(json.dumps([described(each) for each in found], indent=2, allow_nan=False))
    elif found:
        show(found, ("run", "status", "generator"))
    else:
        print(f"The experiment {experiment!r} has no runs yet{_there()}; train a generator: make run, or dvc repro.")


def models(name: str | None, limit: int, *, as_json: bool) -> None:
    """Prints the newest versions of a registered model, or of every one the newest version and the champion."""
    found: list[Listed] = []
    if tracking.exists():
        with tracking.opened() as store:
            found = listing.newest(store, limit) if name is None else listing.versions(store, name, limit)
    if as_json:
        print(json.dumps([described(each) for each in found], indent=2, allow_nan=False))
    elif found:
        show(found, ("generator",))
    else:
        print(f"No generator is registered yet{_there()}; train and register one: make run, or dvc repro, ganlib sync.")


def _there() -> str:
    """Where somebody chose the store, which one was looked into: it may have been another that was meant."""
    return f" in {tracking.shown(tracking.tracking_uri())}" if "MLFLOW_TRACKING_URI" in os.environ else ""


def described(listed: Listed) -> dict[str, Any]:
    """The JSON object of a row. Its keys are promised: new ones may come, none changes its meaning.

    `protocols` maps each protocol's full name to its results, such as `{"fid": {"value": 0.2, "low": 0.1, ...}}`; a
    number that is none is null.
    """
    protocols: dict[str, dict[str, dict[str, float | None]]] = {}
    for key, value in sorted(listed.numbers.items()):
        path, protocol = key.split("/", 1)
        result, _, part = path.partition(".")
        protocols.setdefault(protocol, {}).setdefault(result, {})[part] = value if math.isfinite(value) else None
    return {
        "model": listed.model,
        "version": listed.version,
        "aliases": list(listed.aliases),
        "run_id": listed.run_id,
        "run": listed.run_name,
        "status": listed.status,
        "dataset": {"name": listed.dataset, "digest": listed.data},
        "images_seen": listed.images_seen,
        "time": _time(listed).isoformat(timespec="seconds"),
        "commit": listed.commit,
        "dirty": listed.dirty,
        "protocols": protocols,
    }


def show(found: Sequence[Listed], first: tuple[str, ...]) -> None:
    """A table that is never cut: in a terminal too narrow for it, one line for each cell instead."""
    rows = [row for listed in found for row in _rows(listed)]
    protocols = sorted({row["protocol"] for row in rows if "protocol" in row})
    short = _short_names(protocols)
    for row in rows:
        if "protocol" in row:
            row["protocol"] = short[row["protocol"]]
    order = (*first, "aliases", "data", "images", *SHOWN, "protocol", "when", "commit")
    columns = [name for name in order if any(row.get(name) for row in rows)]
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True, justify="right" if name == "images" else "left")
    for row in rows:
        table.add_row(*(Text(row.get(name, "")) for name in columns))
    width = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    if width <= console.width or not console.is_terminal:
        Console(highlight=False, width=max(width, console.width)).print(table)
    else:
        _stack(console, rows, columns)
    for protocol in protocols:
        console.print(Text(f"protocol {short[protocol]}: {protocol}"))
    if protocols:
        incomparable = "; numbers of two protocols say nothing of one another" if len(protocols) > 1 else ""
        console.print(Text(f"In brackets 95 % intervals{incomparable}."))


def _stack(console: Console, rows: Sequence[Cells], columns: Sequence[str]) -> None:
    """Each row as a paragraph."""
    margin = max(map(len, columns)) + 2
    for row in rows:
        console.print()
        for name in columns:
            if row.get(name):
                console.print(Text(f"{name:<{margin}}{row[name]}"))
    console.print()


def _rows(listed: Listed) -> list[Cells]:
    """A row, and one more for each further protocol; numbers of two protocols never share one."""
    version = "" if listed.version is None else f"{listed.model}/{listed.version}"
    data = (listed.dataset or "", (listed.data or "")[:SHORT])
    row = {
        "run": listed.run_name or "",
        "status": listed.status or "",
        "generator": version,
        "aliases": ", ".join(listed.aliases),
        "data": " ".join(part for part in data if part),
        "images": "" if listed.images_seen is None else f"{listed.images_seen:,}",
        "when": _time(listed).strftime("%Y-%m-%dT%H:%M:%S"),
        "commit": (listed.commit or "")[:SHORT] + ("+" if listed.dirty else ""),
    }
    judged = [
        {"protocol": protocol, **{name: _number(results[name]) for name in SHOWN if name in results}}
        for protocol, results in described(listed)["protocols"].items()
    ]
    if not judged:
        return [row]
    return [row | judged[0], *({"generator": version} | more for more in judged[1:])]


def _number(result: dict[str, float | None]) -> str:
    return str(Number(result.get("value"), result.get("low"), result.get("high")))


def _short_names(protocols: Sequence[str]) -> dict[str, str]:
    """By the digest that a protocol's name ends in, where that tells them apart."""
    short = {name: name.rpartition("-")[2] for name in protocols}
    return short if len(set(short.values())) == len(protocols) else {name: name for name in protocols}


def _time(listed: Listed) -> datetime:
    """Local time, with its offset."""
    return datetime.fromtimestamp(listed.time_ms / 1000, UTC).astimezone()
