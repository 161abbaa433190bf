"""MLflow says what the outputs say: rebuilt from them, completed by them, and never told twice."""

import json
import os
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import Project, everything_in_mlflow, free_port, only_run, publish, write_outputs

from ganlib.errors import UserError
from pipelines import paths, registry, tracking

FID = "fid.value/classifier-n2000-train-ab12"


def rows(database: Path) -> Counter[str]:
    """How many rows each table has."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        counts = {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in tables}
    connection.close()
    return Counter(counts)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture(params=["embedded", "server"])
def anywhere(request: pytest.FixtureRequest, project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project before an empty embedded store, and before a server."""
    if request.param == "server":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_server"))
    return project


def test_one_sync_fills_an_empty_store_and_a_second_changes_nothing(anywhere: Project) -> None:
    publish(anywhere)
    first = registry.sync(anywhere.settings)
    there = everything_in_mlflow()
    assert registry.sync(anywhere.settings) == first
    assert everything_in_mlflow() == there
    run = only_run()
    assert run["status"] == "FINISHED"
    assert set(run["points"]) == {
        "classifier.classes",
        "classifier.heldout_accuracy",
        "discriminator_loss",
        "fid.floor/classifier-n2000-train-ab12",
        FID,
        "fid.value_at_floor_count/classifier-n2000-train-ab12",
        "generator_loss",
    }
    assert [(step, value) for step, _, value in run["points"][FID]] == [(3000, 12.5)]
    assert [step for step, *_ in run["points"]["generator_loss"]] == [1000, 2000, 3000]
    assert {"reports/grid.png", "reports/history.csv", "metrics/evaluate.json"} <= set(run["files"])
    assert sum(name.endswith(".png") and name.startswith("images/") for name in run["files"]) == 2
    assert run["data"] == [("digits", "d" * 36)]
    assert run["tags"]["ganlib.generator"] == first_version(there)["ganlib.content"]
    assert there["aliases"] == {"pictures": {"challenger": first.version}} or there["aliases"] == {
        "pictures": {"challenger": int(first.version or 0)}
    }
    ((status, metrics),) = there["logged models"].values()  # type: ignore[attr-defined]
    assert "READY" in status
    assert FID in {metric.key for metric in metrics}, "the evaluation is tied to the model that it judges"


def first_version(there: Any) -> dict[str, str]:
    return dict(next(iter(there["versions"].values())))


def test_the_data_card_is_on_the_run(project: Project) -> None:
    paths.DATA_CARD.write_text("<!DOCTYPE html>")
    paths.DATA_FACTS.write_text(json.dumps({"digest": project.lineage.data}))
    registry.sync(project.settings)
    assert {"reports/data.html", "reports/data.json"} <= set(only_run()["files"])


def test_a_second_sync_adds_no_row_and_no_file_to_the_embedded_store(project: Project) -> None:
    publish(project)
    registry.sync(project.settings)
    before = rows(project.folder / "mlflow.db"), files(project.folder / "mlartifacts")
    assert before[0]["metrics"] > 0
    registry.sync(project.settings)
    assert (rows(project.folder / "mlflow.db"), files(project.folder / "mlartifacts")) == before


def test_a_lost_store_is_rebuilt_whole(
    project: Project, tmp_path: Path, monkeypatch: Any, empty_database: bytes
) -> None:
    def comparable() -> dict[str, Any]:
        run = only_run()
        run["points"] = {name: [(step, value) for step, _, value in all_] for name, all_ in run["points"].items()}
        run["files"] = [name.partition("+timestamp")[0] for name in run["files"]]
        return run

    publish(project)
    registry.sync(project.settings)
    first = comparable()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mlflow.db").write_bytes(empty_database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new/mlflow.db")
    registry.sync(project.settings)
    assert comparable() == first
    assert len(everything_in_mlflow()["versions"]) == 1  # type: ignore[arg-type]


def test_a_generator_is_registered_once_per_content_and_the_alias_follows_the_last_published(project: Project) -> None:
    publish(project)
    one = registry.sync(project.settings)
    other = project.train_again(seed=1)
    publish(other)
    two = registry.sync(other.settings)
    assert (one.version, two.version) == ("1", "2")
    assert two.aliases == ("challenger",)
    write_outputs(project)
    publish(project)
    again = registry.sync(project.settings)
    assert (again.version, again.run_id, again.aliases) == ("1", one.run_id, ("challenger",))
    assert len(everything_in_mlflow()["versions"]) == 2  # type: ignore[arg-type]


def test_an_alias_that_somebody_removed_comes_back_and_others_stay(project: Project) -> None:
    publish(project)
    registry.sync(project.settings)
    with tracking.opened() as store:
        store.client.delete_registered_model_alias("pictures", "challenger")
        store.client.set_registered_model_alias("pictures", "champion", "1")
    assert registry.sync(project.settings).aliases == ("challenger", "champion")


def test_of_a_generator_that_is_only_trained_the_run_is_made_and_nothing_registered(project: Project) -> None:
    for path in (paths.EVALUATION, paths.CLASSIFIER_METRICS, paths.GRID, paths.PREPARED / "dataset.json"):
        path.unlink()
    synced = registry.sync(project.settings)
    assert (synced.model, synced.version) == (None, None)
    run = only_run()
    assert set(run["points"]) == {"discriminator_loss", "generator_loss"}
    assert everything_in_mlflow()["versions"] == {}


def test_what_was_published_of_an_earlier_generator_is_not_registered_for_this_one(project: Project) -> None:
    publish(project)
    other = project.train_again(seed=1)
    assert registry.sync(other.settings).version is None


def test_an_evaluation_of_an_earlier_generator_is_not_shown_on_this_run(project: Project) -> None:
    stages = {
        "train": {"outs": [{"path": "models/gan", "md5": "new"}]},
        "sample": {"deps": [{"path": "models/gan", "md5": "old"}], "outs": [{"path": "samples", "md5": "s"}]},
        "evaluate": {"deps": [{"path": "samples", "md5": "s"}], "outs": [{"path": "metrics/evaluate.json"}]},
    }
    Path("dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))
    registry.sync(project.settings)
    run = only_run()
    assert FID not in run["points"]
    assert "reports/grid.png" not in run["files"]
    assert "reports/history.csv" in run["files"]


def test_another_source_than_the_published_one_is_never_registered_with_its_weights(project: Project) -> None:
    publish(project)
    values = json.loads(paths.PUBLISHED.read_text())
    paths.PUBLISHED.write_text(json.dumps({**values, "code_sha256": "0" * 64}))
    with pytest.raises(UserError, match=r"source of ganlib .* publish anew: dvc repro"):
        registry.sync(project.settings)
    assert everything_in_mlflow()["versions"] == {}


def test_a_registration_that_was_cut_short_is_completed_with_one_model(project: Project, monkeypatch: Any) -> None:
    from mlflow import MlflowClient

    publish(project)
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "create_model_version", lambda *_, **__: (_ for _ in ()).throw(OSError("cut")))
        with pytest.raises(tracking.StoreError, match="cut"):
            registry.sync(project.settings)
    assert registry.sync(project.settings).version == "1"
    assert len(everything_in_mlflow()["logged models"]) == 1  # type: ignore[arg-type]


def test_without_a_generator_there_is_nothing_to_sync(project: Project) -> None:
    (paths.GAN / "lineage.json").unlink()
    with pytest.raises(UserError, match=r"lineage.json is missing; train a generator first"):
        registry.sync(project.settings)


@pytest.mark.timeout(60)
def test_a_store_that_is_away_is_one_sentence(project: Project, monkeypatch: Any, silent_server: str) -> None:
    for uri in (f"http://127.0.0.1:{free_port()}", silent_server):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with pytest.raises(
            tracking.StoreError,
            match=r"does not answer \(.*\); start it, or see to",
        ):
            registry.sync(project.settings)


def test_an_experiment_that_was_deleted_is_one_sentence(project: Project) -> None:
    registry.sync(project.settings)
    with tracking.opened() as store:
        store.client.delete_experiment(store.experiment("e"))
    with pytest.raises(tracking.StoreError, match=r"experiment 'e' was deleted; .* mlflow experiments restore"):
        registry.sync(project.settings)


def test_looking_changes_nothing(project: Project) -> None:
    from pipelines import outputs

    assert registry.look(project.settings, outputs.read()) is None
    publish(project)
    synced = registry.sync(project.settings)
    before = rows(project.folder / "mlflow.db")
    assert registry.look(project.settings, outputs.read()) == synced
    assert rows(project.folder / "mlflow.db") == before


def test_a_registered_generator_is_known_while_its_next_evaluation_is_not_published(project: Project) -> None:
    from pipelines import outputs

    publish(project)
    synced = registry.sync(project.settings)
    paths.PUBLISHED.unlink()
    assert registry.look(project.settings, outputs.read()) == synced


@pytest.mark.parametrize("before", [None, "http://127.0.0.1:1"])
def test_registering_leaves_the_process_wide_store_of_mlflow_as_it_was(
    project: Project, monkeypatch: Any, before: str | None
) -> None:
    import mlflow

    publish(project)
    candidate = registry._candidate(registry.outputs.read())
    with tracking.opened() as store:
        if before is not None:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
        run = store.client.create_run(store.experiment("e"))
        registry.models.register(store, run, candidate)
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:2")
    assert mlflow.get_tracking_uri() == "http://127.0.0.1:2"
