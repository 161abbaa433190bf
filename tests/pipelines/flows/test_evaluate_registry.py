"""The registry watched through a real server: new pictures arrive, and the champion that cannot draw them is told."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_project import SETTINGS, write_data, write_generator
from flow_support import Server
from mlflow_project import Project, project, publish

from ganlib.settings import parse
from pipelines import lineage, origin, paths, registry, tracking
from pipelines.tracking import marks, models

__all__ = ["project"]  # the one that can be scored, in place of this folder's

DVC_YAML = """
stages:
  prepare:
    cmd: mkdir -p data && cp -rL source data/prepared
    deps: [source]
    outs: [data/prepared]
  classifier:
    cmd: python -m pipelines.stages.classifier
    deps: [data/prepared]
    params: [classifier]
    outs: [models/classifier]
    metrics: [metrics/classifier.json]
"""
LEFT_OUT = ("data", "models", "metrics", "reports", "samples", "source", ".ganlib", "mlflow.db", "mlartifacts")


@pytest.fixture
def watched(bench_project: Project) -> Project:
    """Version 1, the champion, trained on data that DVC knows; its extractor is trained anew with other data."""
    shutil.copytree(paths.PREPARED, "source")
    values = {
        **SETTINGS,
        "data": {"source": "image_folder", "path": "source"},
        "promote": {"blocks": 2, "samples": 60},
    }
    Path("params.yaml").write_text(json.dumps(values))
    Path("dvc.yaml").write_text(DVC_YAML)
    Path(".gitignore").write_text("\n".join(f"/{name}" for name in LEFT_OUT))
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    for command in (
        ("git", "init", "-q", "-b", "main"),
        ("dvc", "init", "-q"),
        ("git", "add", "-A"),
        ("git", "-c", "user.email=t@example.invalid", "-c", "user.name=T", "commit", "-qm", "start"),
        ("dvc", "repro", "-q"),
    ):
        subprocess.run(command, check=True, env=environment)
    settings = parse(values, where="test")
    digest = origin.prepared_digest(Path())
    assert digest is not None
    write_generator(paths.GAN, seed=0)
    project = replace(bench_project, settings=settings, lineage=replace(bench_project.lineage, data=digest))
    lineage.write(paths.GAN, project.lineage)
    publish(project)
    registry.sync(settings)
    with tracking.opened() as store:
        store.client.set_registered_model_alias("pictures", "champion", "1")
    return project


def pictures_that_nobody_drew() -> None:
    """Nearly black ones arrive in `source`; data/prepared stays as it is."""
    before = Path("data/before")
    paths.PREPARED.rename(before)
    write_data(seed=1)
    pixels = np.load(paths.PREPARED / "images.npy")
    np.save(paths.PREPARED / "images.npy", (pixels // 16).astype(np.uint8))
    shutil.rmtree("source")
    shutil.move(paths.PREPARED, "source")
    before.rename(paths.PREPARED)


@pytest.mark.prove
def test_new_pictures_are_prepared_aside_and_a_champion_that_has_drifted_is_told(
    watched: Project, server: Server
) -> None:
    pictures_that_nobody_drew()
    command = [sys.executable, "-m", "pipelines.flows.evaluate_registry", "--last", "1"]
    done = subprocess.run(
        command, env={**server.environment, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    run = server.last_runs(1)[0]
    assert (run["state_type"], run["state"]["name"]) == ("COMPLETED", "Drifted")
    told = run["state"]["message"]
    assert told.startswith("pictures version 1 (challenger, champion) has drifted: fid ")
    assert "(data 000000000000 and 000000000000, 2 parts of 45 each)" in told
    shown = {artifact["key"]: artifact for artifact in server.of_run("artifacts", run) if artifact["key"]}
    (row,) = json.loads(shown["registry"]["data"])
    assert row["version"] == "pictures version 1 (challenger, champion)"
    assert told in shown["drift"]["data"]
    with tracking.opened() as store:
        marked = json.loads(models.by_number(store, "pictures", 1).tags[marks.DRIFT])
    assert marked["data"] == f"{1:064d}"
    assert marked["between"][0] > 0
    assert origin.prepared_digest(Path()) == f"{0:064d}", "the user's own data are as they were"
    left = [path.name for place in ("sweep", "reproduce") for path in (Path(paths.STATE) / place).iterdir()]
    assert not [name for name in left if name != "locks" and not name.endswith(".lock")]
