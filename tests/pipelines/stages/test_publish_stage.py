"""The publish stage: the same bytes for the same generator, whatever the store does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow_project import Project, everything_in_mlflow, free_port

from pipelines import paths
from pipelines.stages import publish


def test_its_output_holds_digests_alone_and_is_the_same_every_time(project: Project) -> None:
    publish.run(project.settings)
    first = paths.PUBLISHED.read_bytes()
    values = json.loads(first)
    assert values["key"] == project.lineage.key
    assert values["data_sha256"] == project.lineage.data
    assert values["model"] == "pictures"
    publish.run(project.settings)
    assert paths.PUBLISHED.read_bytes() == first
    assert len(everything_in_mlflow()["versions"]) == 1  # type: ignore[arg-type]


def test_it_says_in_one_line_what_is_registered(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    publish.run(project.settings)
    said = capsys.readouterr()
    assert said.out.endswith("is complete; the generator is registered as pictures version 1 (challenger).\n")
    assert said.err == ""


def test_published_anew_it_is_registered_at_once(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """While the stage runs, dvc.lock still holds its last run, on an earlier generator."""
    stages = {
        "train": {"outs": [{"path": "models/gan", "md5": "new"}]},
        "publish": {"deps": [{"path": "models/gan", "md5": "old"}], "outs": [{"path": str(paths.PUBLISHED)}]},
    }
    Path("dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))
    publish.run(project.settings)
    assert "registered as pictures version 1 (challenger)" in capsys.readouterr().out


def test_with_the_store_away_it_warns_and_leaves_the_same_output(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish.run(project.settings)
    output = paths.PUBLISHED.read_bytes()
    paths.PUBLISHED.unlink()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    capsys.readouterr()
    publish.run(project.settings)
    assert paths.PUBLISHED.read_bytes() == output
    said = capsys.readouterr().err
    assert said.startswith("warning: The MLflow store")
    assert said.count("\n") == 1


def test_without_a_generator_it_ends_with_one_sentence(project: Project) -> None:
    (paths.GAN / "lineage.json").unlink()
    (project.folder / "params.yaml").write_text("publish:\n  experiment: e\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.stages.publish"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: models/gan/lineage.json is missing; train a generator first: dvc repro train."
    )
    assert done.stderr.count("\n") == 1
