"""What was said twice is there once, and what the outputs say last is what MLflow shows."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow_project import Project

from pipelines.tracking import Store, contents, opened, runs


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    with opened() as open_store:
        yield open_store


@pytest.fixture
def run_id(store: Store) -> str:
    return str(store.client.create_run(store.experiment("e")).info.run_id)


def points(store: Store, run_id: str, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in store.client.get_metric_history(run_id, name)]


def test_points_sent_again_are_not_there_twice_whatever_their_values(store: Store, run_id: str) -> None:
    wanted = {("a", 0): math.nan, ("a", 1): math.inf, ("a", 2): -math.inf, ("a", 3): 1 / 3, ("b.c/d-1", 3): 0.0}
    for _ in range(3):
        contents.add_points(store, store.client.get_run(run_id), wanted)
    assert [step for step, _ in points(store, run_id, "a")] == [0, 1, 2, 3]
    assert points(store, run_id, "b.c/d-1") == [(3, 0.0)]


def test_a_point_that_the_training_logged_itself_is_not_sent_again(store: Store, run_id: str) -> None:
    run = store.client.get_run(run_id)
    store.client.log_batch(run_id, metrics=[contents.point(run, "a", step, step / 3) for step in range(3)])
    contents.add_points(store, store.client.get_run(run_id), {("a", step): step / 3 for step in range(5)})
    assert points(store, run_id, "a") == [(step, step / 3) for step in range(5)]


@pytest.mark.parametrize(("before", "after"), [(1.0, 2.0), (2.0, 1.0)])
def test_a_result_made_anew_is_the_one_that_is_shown(store: Store, run_id: str, before: float, after: float) -> None:
    for value in (before, after, after):
        contents.add_points(store, store.client.get_run(run_id), {("fid", 7): value})
    assert store.client.get_run(run_id).data.metrics["fid"] == after
    assert len(points(store, run_id, "fid")) == 2


def test_more_points_than_one_batch_holds_arrive(store: Store, run_id: str) -> None:
    wanted = {("a", step): float(step) for step in range(2 * contents.PER_BATCH + 1)}
    contents.add_points(store, store.client.get_run(run_id), wanted)
    assert len(points(store, run_id, "a")) == len(wanted)


def test_a_picture_counts_as_sent_once_it_is_whole(store: Store, run_id: str) -> None:
    run = store.client.get_run(run_id)
    contents.add_picture(store, run, 5, np.zeros((4, 6), dtype=np.uint8))
    contents.add_picture(store, run, 6, np.zeros((4, 6, 3), dtype=np.uint8))
    assert contents.picture_steps(store, run) == {5, 6}
    (preview,) = Path(run.info.artifact_uri.removeprefix("file://")).glob("images/samples+step+5+*.webp")
    preview.unlink()
    assert contents.picture_steps(store, run) == {6}


def test_a_file_is_sent_when_it_is_new_changed_or_lost_and_not_otherwise(
    store: Store, run_id: str, monkeypatch: Any
) -> None:
    file, sent = Path("reports/notes.txt"), []
    send = store.client.log_artifact
    monkeypatch.setattr(store.client, "log_artifact", lambda *given: (sent.append(given), send(*given)))

    def sync() -> int:
        sent.clear()
        contents.add_files(store, store.client.get_run(run_id), [file])
        return len(sent)

    file.write_text("one")
    assert [sync(), sync()] == [1, 0]
    file.write_text("two")
    assert [sync(), sync()] == [1, 0]
    copy = Path(store.client.get_run(run_id).info.artifact_uri.removeprefix("file://")) / file
    assert copy.read_text() == "two"
    copy.unlink()
    assert [sync(), sync()] == [1, 0]


def test_nested_settings_become_dotted_parameters() -> None:
    flat = runs.flattened({"a": {"b": 1, "c": {"d": None}}, "e": True, "f": "x", "g": [1, 2]})
    assert flat == {"a.b": 1, "a.c.d": "null", "e": "true", "f": "x", "g": "[1, 2]"}
