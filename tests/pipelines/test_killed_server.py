"""A training whose MLflow server is killed under it trains on; afterwards its run is whole, and there is one of it."""

import csv
import random
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import everything_in_mlflow, free_port, kill, serving
from projects import copy_of_project

TRAININGS = 3


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_a_training_whose_server_is_killed_is_in_one_whole_run(
    tmp_path: Path, empty_database: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy_of_project(tmp_path / "project")
    project.set({"publish.experiment": "e", "publish.model": "pictures", "train.kimg": 8})
    place, port, moments = tmp_path / "server", free_port(), random.Random(0)
    place.mkdir()
    (place / "mlflow.db").write_bytes(empty_database)
    store, address = f"sqlite:///{place}/mlflow.db", f"http://127.0.0.1:{port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with serving(place, store, port=port):
        prepared = project.run("dvc", "repro", "prepare", "classifier", MLFLOW_TRACKING_URI=address)
        assert prepared.returncode == 0, prepared.stdout
    for seed in range(TRAININGS):
        project.set({"train.seed": seed})
        with serving(place, store, port=port) as (_, server):
            training = project.start("dvc", "repro", MLFLOW_TRACKING_URI=address)
            time.sleep(moments.uniform(4, 20))
            kill(server)
            said, _ = training.communicate(timeout=300)
            assert training.returncode == 0, said
        with serving(place, store, port=port):
            synced = project.run("ganlib", "sync", MLFLOW_TRACKING_URI=address)
            assert synced.returncode == 0, synced.stdout
            there: Any = everything_in_mlflow()
        assert len(there["runs"]) == len(there["versions"]) == seed + 1
        assert {run["status"] for run in there["runs"].values()} == {"FINISHED"}
        (run,) = (run for run in there["runs"].values() if run["params"]["train.seed"] == str(seed))
        with (project.folder / "reports/history.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for name in rows[0].keys() - {"images_seen"}:
            expected = [(int(row["images_seen"]), float(row[name])) for row in rows if row[name]]
            assert [(step, value) for step, _, value in run["points"].get(name, [])] == expected, name
        assert "images_seen" not in run["points"], "the step of every point, and no metric"
