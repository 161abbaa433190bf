"""What a flow shows in Prefect's pages: the grid as a picture, metrics and verdict as tables, all in short as text."""

import base64
import io
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganlib import report as reports
from pipelines import paths

from .judgement import Judgement
from .message import Report, verdict_rows

LARGEST_PICTURE_BYTES = 500_000
"""The picture is kept in Prefect's database, once for every run."""
SHRUNK_PIXELS = 1024

Row = dict[str, str]


def publish(folder: Path, report: Report, logger: logging.Logger | logging.LoggerAdapter[Any]) -> None:
    """Creates the artifacts `grid` and `metrics` of this run, from the files that the stages left in `folder`."""
    from prefect.artifacts import create_image_artifact, create_table_artifact

    grid, evaluation = folder / paths.GRID, folder / paths.EVALUATION
    page = f"MLflow run: [{report.published.run_name}]({report.published.page})"
    if grid.exists():
        description = f"Drawn by the averaged generator. {page}"
        create_image_artifact(picture_address(grid.read_bytes()), key="grid", description=description)
    if evaluation.exists():
        metrics = json.loads(evaluation.read_text(encoding="utf-8"))
        rows = table(metrics, report.judgement)
        create_table_artifact(rows, key="metrics", description=f"{describe(metrics)}\n\n{page}")
    for path in (grid, evaluation):
        if not path.exists():
            logger.warning("%s is not there, so Prefect's pages cannot show it.", path)


def publish_verdict(report: Report) -> None:
    """Creates the artifacts `verdict`, where there is one, and `summary`: all in a few lines."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact

    if report.judgement.checks:
        create_table_artifact(verdict_rows(report.judgement), key="verdict", description=report.title())
    create_markdown_artifact(report.markdown(), key="summary", description=report.title())


def picture_address(png: bytes) -> str:
    """The picture as a data: address, shrunk where it is too heavy for a database.

    An image artifact shows it in both of Prefect's pages; their markdown drops data: addresses.
    """
    if len(png) > LARGEST_PICTURE_BYTES:
        from PIL import Image

        picture = Image.open(io.BytesIO(png))
        picture.thumbnail((SHRUNK_PIXELS, SHRUNK_PIXELS))
        shrunk = io.BytesIO()
        picture.save(shrunk, format="PNG")
        png = shrunk.getvalue()
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def table(metrics: dict[str, Any], judgement: Judgement) -> list[Row]:
    """One row per number of metrics/evaluate.json, with its interval, beside its floor: what held-out pictures score.

    Those are fewer than the generated ones. Where the count matters, the floor compares with "at floor count". Where
    the verdict compared the number with the champion's, from blocks of latents of its own, the difference is there too.
    """
    protocol = str(metrics["protocol"]["name"])
    compared = {check["name"]: check for check in judgement.checks} if judgement.champion is not None else {}
    return [
        {
            "metric": row.name,
            "value": _said(row.value),
            "at floor count": _said(row.at_floor_count),
            "floor": _said(row.floor),
            "worse than the champion by": _difference(compared.get(row.name)),
            "protocol": protocol,
        }
        for row in reports.rows(metrics)
    ]


def _said(number: reports.Number) -> str:
    return f"absent: {number.absent}" if number.absent else str(number)


def _difference(check: Mapping[str, Any] | None) -> str:
    if check is None or check["ours"] is None or check["theirs"] is None:
        return ""
    return str(reports.Number(math.fsum(check["values"]) / len(check["values"]), check["low"], check["high"]))


def describe(metrics: dict[str, Any]) -> str:
    """The whole protocol as markdown: what the numbers may be compared with."""
    lines = [f"- {name}: {value}" for name, value in metrics["protocol"].items()]
    return "\n".join(["The floor is what held-out real pictures score.", "", *lines])
