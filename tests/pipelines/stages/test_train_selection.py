"""The train stage with scores on the way: what it leaves, and that it is the same whatever happened meanwhile."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from ganlib import bundle, scoring
from ganlib.checkpoint import CheckpointFolder
from ganlib.errors import UserError
from ganlib.prepared import open_prepared
from ganlib.settings import Settings, parse
from pipelines import paths, preflight, stage
from pipelines.stages import train

ROOT = Path(__file__).parents[3]
CHOSEN = {
    "device": "cpu",
    "network": {"name": "mlp", "width": 8},
    "train": {
        "kimg": 0.24, "batch_size": 20, "log_every_kimg": 0.04, "checkpoint_every_kimg": 0.06, "grid_every_kimg": 9,
        "evaluate_every_kimg": 0.06, "evaluate_through": "coordinates", "evaluate_samples": 60,
    },
    "sample": {"n": 60},
    "evaluate": {"extractor": "coordinates", "kid_subset_size": 10},
}  # fmt: skip


class Live:
    """What MLflow would be told."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []

    def log(self, images_seen: int, values: dict[str, float]) -> None:
        self.rows.append((images_seen, dict(values)))

    def picture(self, images_seen: int, pixels: Any) -> None:
        pass

    def finished(self) -> None:
        pass


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Prepared points in a project of their own, and a tracking that only listens."""
    for name in ("ganlib", "pipelines"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / paths.PREPARED).mkdir(parents=True)
    points = np.random.default_rng(0).normal(size=(120, 2, 1, 1)).astype(np.float32)
    np.save(tmp_path / paths.PREPARED / "images.npy", points)
    np.save(tmp_path / paths.PREPARED / "labels.npy", np.full(120, -1))
    description = {"counts": {"train": 80, "heldout": 40}, "kind": "points", "classes": [], "digest": "d" * 64}
    (tmp_path / paths.PREPARED / "dataset.json").write_text(json.dumps(description))
    monkeypatch.chdir(tmp_path)
    recorder = Live()

    @contextmanager
    def listening(*_: Any, **__: Any) -> Iterator[Live]:
        yield recorder

    monkeypatch.setattr("pipelines.tracking.live", listening)
    return recorder


def settings(**more: Any) -> Settings:
    found = parse(CHOSEN, where="test")
    return replace(found, train=replace(found.train, **more))


def outputs() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in [*sorted(paths.GAN.glob("*")), paths.HISTORY]}


def history() -> list[dict[str, str]]:
    with paths.HISTORY.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def best_at_120(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real scores, but for the one that decides."""
    honest = scoring.HeldoutScorer.__call__

    def told(self: Any, game: Any, stop: Any) -> Any:
        found = honest(self, game, stop)
        return found and {**found, "fid": abs(game.images_seen - 120.0)}

    monkeypatch.setattr(scoring.HeldoutScorer, "__call__", told)


@pytest.mark.usefixtures("best_at_120")
def test_the_best_generator_is_left_with_the_last_discriminator_and_says_so(live: Live) -> None:
    train.play(settings())
    said = bundle.read_description(paths.GAN)
    assert said.images_seen == 120
    assert said.chosen is not None
    assert (said.chosen.by, said.chosen.score, said.chosen.of) == ("fid", 0.0, 4)
    assert (said.chosen.samples, said.chosen.trained_to) == (60, 240)
    assert said.chosen.through.startswith("coordinates-")
    folder = next(iter(paths.checkpoints().iterdir()))
    last = CheckpointFolder(folder).latest()
    assert last is not None
    generator, discriminator = load_file(paths.GAN / bundle.GENERATOR), load_file(paths.GAN / bundle.DISCRIMINATOR)
    for name, weight in generator.items():
        assert np.array_equal(weight, last.tensors[f"best.{name}"].numpy())
    assert not all(np.array_equal(weight, last.tensors[f"averaged.{name}"]) for name, weight in generator.items())
    assert all(np.array_equal(weight, last.tensors[f"discriminator.{name}"]) for name, weight in discriminator.items())
    assert bundle.load_generator(paths.GAN)[1] == said


def test_scores_are_columns_of_the_history_and_of_the_run(live: Live) -> None:
    train.play(settings())
    rows = history()
    scored = {int(row["images_seen"]): float(row["fid"]) for row in rows if row["fid"]}
    assert list(scored) == [60, 120, 180, 240]
    assert [row["images_seen"] for row in rows] == ["40", "60", "80", "120", "160", "180", "200", "240"]
    assert all((row["precision"] == "") == (row["fid"] == "") for row in rows)
    told = {step: values["fid"] for step, values in live.rows if "fid" in values}
    assert told == scored


@contextmanager
def impatient() -> Iterator[Any]:
    """A stop at the ninth time that anybody asks."""
    asked = iter(range(8))
    yield lambda: next(asked, None) is None


@pytest.mark.usefixtures("live")
def test_stopped_and_resumed_the_outputs_are_the_same_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    train.play(settings())
    undisturbed = outputs()
    for _ in range(2):  # the second time with the held-out features known
        for folder in paths.checkpoints().iterdir():
            for checkpoint in sorted(folder.glob("*.safetensors")):
                checkpoint.unlink()
        with monkeypatch.context() as patched:
            patched.setattr(stage, "stop_signals", impatient)
            with pytest.raises(stage.Resumable, match=r"Stopped at 1[02]0 of 240 images"):
                train.play(settings())
        train.play(settings())
        assert outputs() == undisturbed


def test_without_an_interval_the_last_one_is_left_and_nobody_looks(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(scoring, "open_judge")
    train.play(settings(evaluate_every_kimg=None))
    said = bundle.read_description(paths.GAN)
    assert (said.images_seen, said.chosen) == (240, None)
    assert not paths.features().exists()
    assert {row["fid"] for row in history()} == {""}, "but the column that plots look for is there"


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("through", ["random", "classifier", "inceptoin"])
def test_an_extractor_that_will_not_do_is_one_sentence_before_the_training(through: str) -> None:
    with pytest.raises(UserError, match=rf"^train\.evaluate_through is '{through}', .* choose one of: coordinates\.$"):
        train.play(settings(evaluate_through=through))


@pytest.mark.usefixtures("live")
def test_too_few_held_out_to_compare_with_is_one_sentence() -> None:
    data = open_prepared(paths.PREPARED)
    few = replace(data, heldout=replace(data.heldout, pixels=data.heldout.pixels[:3], labels=data.heldout.labels[:3]))
    with pytest.raises(UserError, match=r"only 3 points are held out to compare with; raise data\.heldout_share"):
        preflight.check_selection(settings().train, few)
    preflight.check_selection(settings(evaluate_every_kimg=None).train, few)
