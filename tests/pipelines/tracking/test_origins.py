"""What it takes to make a generator again is kept with its run, and says what was when it trained."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import Project, publish

from ganlib.errors import UserError
from pipelines import origin, params, paths, registry, tracking
from pipelines.tracking import Store, origins

LOCK = {
    "schema": "2.0",
    "stages": {
        "prepare": {
            "params": {"params.yaml": {"data": {"source": "digits", "resolution": 16}}},
            "outs": [{"path": "data/prepared", "md5": "ab.dir"}, {"path": "reports/data.html", "md5": "cd"}],
        },
        "train": {"outs": [{"path": "models/gan", "md5": "ef.dir"}]},
    },
}


def train(project: Project) -> None:
    with tracking.live(project.settings, project.lineage, device="cpu") as live:
        live.finished()


def kept(store: Store) -> origins.Origin:
    (run,) = store.client.search_runs([store.experiment("e")])
    return origins.of_run(store, run.info.run_id, "pictures version 1")


def test_what_the_training_kept_is_not_overwritten_by_what_came_later(project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(tracking.recorder, "FLUSH_SECONDS", 60.0)
    Path("dvc.lock").write_text(json.dumps(LOCK))
    train(project)
    later = replace(project.settings, train=replace(project.settings.train, processes=7))
    Path("dvc.lock").write_text("{}")
    publish(project)
    registry.sync(later)
    with tracking.opened() as store:
        found = kept(store)
    assert found.by_training
    values = origin.loaded(found.params, "params.yaml")
    assert values["train"]["processes"] == 1
    assert values["data"] == {"source": "digits", "resolution": 16}, "as prepare read it, not as params.yaml is now"
    assert found.lock is not None
    assert origin.data_hash(found.lock) == "ab.dir"
    assert {"ganlib.threads", "ganlib.cpu", "ganlib.processes", "ganlib.device"} <= found.facts.keys()


def test_a_rebuilt_run_has_the_settings_of_the_generator_and_not_those_of_today(project: Project) -> None:
    publish(project)
    registry.sync(replace(project.settings, train=replace(project.settings.train, lr=0.5)))
    with tracking.opened() as store:
        found = kept(store)
    assert not found.by_training
    assert origin.loaded(found.params, "params.yaml")["train"]["lr"] == project.settings.train.lr


def test_dvc_lock_is_kept_only_where_its_data_are_those_of_the_generator(project: Project) -> None:
    Path("dvc.lock").write_text(json.dumps(LOCK))
    assert origin.texts(project.settings, project.lineage).keys() == {"params.yaml", "dvc.lock"}
    described = paths.PREPARED / "dataset.json"
    described.write_text(described.read_text().replace("d" * 64, "e" * 64))
    assert origin.texts(project.settings, project.lineage).keys() == {"params.yaml"}


def test_of_a_lock_only_the_data_are_taken_over() -> None:
    text = origin.lock_of_data(json.dumps(LOCK))
    assert origin.data_hash(text) == "ab.dir"
    assert "models/gan" not in text
    assert origin.data_hash(origin.lock_of_data("")) is None


def test_a_kept_file_that_was_changed_is_refused(project: Project) -> None:
    publish(project)
    registry.sync(project.settings)
    (file,) = (project.folder / "mlartifacts").rglob("lineage/params.yaml")
    file.write_text(file.read_text().replace("kimg", "KIMG"))
    with tracking.opened() as store, pytest.raises(UserError, match=r"lineage/params.yaml of the run .* is not what"):
        kept(store)


def test_a_version_that_was_published_before_this_is_completed_by_a_sync(project: Project) -> None:
    publish(project)
    run_id = registry.sync(project.settings).run_id
    with tracking.opened() as store:
        store.client.delete_tag(run_id, origins.TAG)
        with pytest.raises(UserError, match=r"published before its settings were kept .* ganlib sync"):
            kept(store)
        registry.sync(project.settings)
        assert "network" in kept(store).params


def test_a_run_that_is_gone_is_one_sentence(project: Project) -> None:
    with tracking.opened() as store, pytest.raises(UserError, match="is gone from the store"):
        origins.of_run(store, "0" * 32, "pictures version 1")


def test_settings_survive_being_written_and_read(project: Project, tmp_path: Path) -> None:
    text = origin.texts(project.settings, project.lineage)[origin.PARAMS]
    (tmp_path / "params.yaml").write_text(text)
    assert params.load(tmp_path / "params.yaml") == project.settings
