"""What a flow shows in Prefect's pages: the grid as a picture, the metrics as a table."""

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

from ganlib import report
from pipelines import paths

LARGEST_PICTURE_BYTES = 500_000
"""The picture is kept in Prefect's database, once for every run."""
SHRUNK_PIXELS = 1024

Row = dict[str, str]


def publish(folder: Path, logger: logging.Logger | logging.LoggerAdapter[Any]) -> None:
    """Creates the artifacts `grid` and `metrics` of this run from the files that the stages left in `folder`."""
    from prefect.artifacts import create_image_artifact, create_table_artifact

    grid, evaluation = folder / paths.GRID, folder / paths.EVALUATION
    if grid.exists():
        description = "Drawn by the averaged generator."
        create_image_artifact(picture_address(grid.read_bytes()), key="grid", description=description)
    if evaluation.exists():
        metrics = json.loads(evaluation.read_text(encoding="utf-8"))
        create_table_artifact(table(metrics), key="metrics", description=describe(metrics))
    for path in (grid, evaluation):
        if not path.exists():
            logger.warning("%s is not there, so Prefect's pages cannot show it.", path)


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


def table(metrics: dict[str, Any]) -> list[Row]:
    """One row per number of metrics/evaluate.json, with its interval, beside its floor: what held-out pictures score.

    Those are fewer than the generated ones. Where the count matters, the floor compares with "at floor count".
    """
    protocol = str(metrics["protocol"]["name"])
    return [
        {
            "metric": row.name,
            "value": _said(row.value),
            "at floor count": _said(row.at_floor_count),
            "floor": _said(row.floor),
            "protocol": protocol,
        }
        for row in report.rows(metrics)
    ]


def _said(number: report.Number) -> str:
    return f"absent: {number.absent}" if number.absent else str(number)


def describe(metrics: dict[str, Any]) -> str:
    """The whole protocol as markdown: what the numbers may be compared with."""
    lines = [f"- {name}: {value}" for name, value in metrics["protocol"].items()]
    return "\n".join(["The floor is what held-out real pictures score.", "", *lines])
