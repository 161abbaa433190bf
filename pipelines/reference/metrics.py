"""The page of metrics: what each file of ganlib/metrics measures, by which protocol, and with which settings."""

import importlib
import inspect
import textwrap
from dataclasses import fields
from typing import Any

from ganlib import components
from ganlib.metrics import Metric

from .values import table

HEAD = """# Metrics

A metric is a file of `ganlib/metrics/`. `evaluate` computes all of them but those that `evaluate.leave_out` names.
Results stand in `metrics/evaluate.json`: `value` with the bounds of its 95 % interval (`low`, `high`), beside
`floor`, what held-out real pictures score (`floor_low`, `floor_high`), and where the count of pictures matters
`value_at_floor_count`, of as many generated pictures as there are held-out ones. One that cannot be computed is
`{"absent": "why"}`. `reports/evaluation.json` holds the same with the number without each of twenty groups of
latents (`replicates`), from which `ganlib compare` makes intervals of differences.

Every number belongs to a protocol, whose name is in `protocol` and in the metric's name in MLflow. It is made of the
extractor and the digest of its weights, the counts, the seed, the digest of the data, torch-fidelity's version and
every setting of `evaluate` that can change a number. Numbers of two protocols are never compared.
"""


def page() -> str:
    """Markdown: a section for each file, with what its docstrings say."""
    return "\n".join([HEAD, *(_metric(name) for name in components.names("metrics"))])


def _metric(name: str) -> str:
    leaf: Any = components.leaf(Metric, name)
    module = importlib.import_module(leaf.__module__)
    said = [text for holder in (module, leaf) if (text := inspect.getdoc(holder))]
    settings = [[f"`evaluate.{field.name}`"] for field in fields(leaf)]
    parts = [f"## {name}\n", f"Results: {', '.join(f'`{result}`' for result in leaf.results)}. "
             f"Source: `ganlib/metrics/{name}.py`.\n", *(f"{textwrap.dedent(text)}\n" for text in said)]  # fmt: skip
    return "\n".join([*parts, table(["settings"], settings), ""] if settings else parts)
