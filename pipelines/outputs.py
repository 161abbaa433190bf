"""What the stages have left, read for MLflow and for people; a file of an earlier generator is left out."""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ganlib import files
from ganlib.errors import UserError

from . import paths
from .lineage import Lineage
from .lineage import read as read_lineage

LOCK = Path("dvc.lock")
Json = dict[str, Any]


@dataclass(frozen=True)
class Outputs:
    """The outputs that belong to the generator in models/gan. What is not there yet is None or empty."""

    lineage: Lineage
    content: str
    """sha256 of the generator's weights."""
    description: Json
    """gan.json."""
    history: Mapping[tuple[str, int], float] = field(default_factory=dict)
    """(column, images seen) -> number."""
    pictures: Mapping[int, Path] = field(default_factory=dict)
    """Sample grids of the training by images seen."""
    evaluation: Json | None = None
    classifier: Json | None = None
    dataset: Json | None = None
    published: Json | None = None
    reports: tuple[Path, ...] = ()
    """Files that a person opens."""

    @property
    def images_seen(self) -> int:
        """Of the generator."""
        return int(self.description["images_seen"])

    def metrics(self) -> dict[tuple[str, int], float]:
        """Evaluation and classifier as points at the generator's step; evaluation names carry the protocol's."""
        numbers = {f"classifier.{name}": value for name, value in numeric_leaves(self.classifier or {}).items()}
        if self.evaluation is not None:
            results = {name: value for name, value in self.evaluation.items() if name != "protocol"}
            protocol = metric_word(self.evaluation["protocol"]["name"])
            numbers |= {f"{name}/{protocol}": value for name, value in numeric_leaves(results).items()}
        return {(name, self.images_seen): value for name, value in numbers.items()}


def read() -> Outputs:
    """The outputs of the current folder; UserError where no generator was trained."""
    lineage = read_lineage(paths.GAN)
    content = files.sha256_of(paths.GAN / "generator.safetensors")
    old = stale_stages(_mapping(LOCK))
    published = None if "publish" in old else _json(paths.PUBLISHED)
    if published is not None and published["generator_sha256"] != content:
        published = None
    evaluation = None if "evaluate" in old else _json(paths.EVALUATION)
    owners = {
        paths.HISTORY: "train",
        paths.TRAINING_PAGE: "train",
        paths.GAN / "gan.json": "train",
        paths.GAN / "lineage.json": "train",
        paths.GRID: "sample",
        paths.INTERPOLATION: "sample",
        paths.EVALUATION: "evaluate",
        paths.EVALUATION_DETAILS: "evaluate",
        paths.EVALUATION_PAGE: "evaluate",
        paths.CLASSIFIER_METRICS: "classifier",
    }
    return Outputs(
        lineage=lineage,
        content=content,
        description=_json(paths.GAN / "gan.json") or {},
        history=read_history(paths.HISTORY),
        pictures={int(path.stem): path for path in paths.TRAINING_GRIDS.glob("*.png") if path.stem.isdecimal()},
        evaluation=evaluation,
        classifier=None if "classifier" in old else _json(paths.CLASSIFIER_METRICS),
        dataset=_json(paths.PREPARED / "dataset.json"),
        published=published,
        reports=(
            *(path for path, stage in owners.items() if stage not in old and path.is_file()),
            *_data_card(lineage.data),
        ),
    )


def _data_card(digest: str) -> tuple[Path, ...]:
    """The page and its facts, where they are of the data that the generator was trained on."""
    facts = _json(paths.DATA_FACTS)
    if facts is None or facts.get("digest") != digest:
        return ()
    return tuple(path for path in (paths.DATA_CARD, paths.DATA_FACTS) if path.is_file())


def stale_stages(lock: Json) -> set[str]:
    """Stages of dvc.lock that have not run since something they read was made anew."""
    stages = lock.get("stages") or {}
    made = {out["path"]: (name, out.get("md5")) for name, stage in stages.items() for out in stage.get("outs", ())}
    stale: set[str] = set()
    while True:
        more = {
            name
            for name, stage in stages.items()
            for read in stage.get("deps", ())
            if read["path"] in made and (made[read["path"]][0] in stale or made[read["path"]][1] != read.get("md5"))
        }
        if more <= stale:
            return stale
        stale |= more


def read_history(path: Path) -> dict[tuple[str, int], float]:
    """The training's numbers; empty cells are left out. UserError where a cell is no number."""
    if not path.is_file():
        return {}
    points: dict[tuple[str, int], float] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                step = int(row.pop("images_seen"))
                points |= {(name, step): float(cell) for name, cell in row.items() if cell}
            except (KeyError, ValueError) as error:
                raise UserError(f"{path} is no training history ({error}); make it anew: dvc repro -f train.") from None
    return points


def numeric_leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of nested mappings by dotted path: what MLflow and people compare."""
    leaves: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            leaves |= numeric_leaves(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            leaves[metric_word(prefix + name)] = float(value)
    return leaves


def metric_word(name: str) -> str:
    """The name in the characters that MLflow takes in a metric's."""
    return re.sub(r"[^A-Za-z0-9_.\- ]", "_", name)


def _json(path: Path) -> Json | None:
    if not path.is_file():
        return None
    try:
        values: Json = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError(f"{path} is not valid JSON; make it anew: dvc repro -f.") from None
    return values


def _mapping(path: Path) -> Json:
    return (YAML(typ="safe", pure=True).load(path) if path.is_file() else None) or {}
