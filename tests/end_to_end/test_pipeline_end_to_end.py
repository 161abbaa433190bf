"""The pipeline as its users run it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from projects import Project

from ganlib.files import sha256_of

OUTPUTS = (
    "data/prepared/images.npy",
    "models/gan/generator.safetensors",
    "models/classifier/classifier.safetensors",
    "samples/images.npy",
    "reports/grid.png",
    "reports/history.csv",
    "metrics/evaluate.json",
    "metrics/classifier.json",
    "reports/published.json",
)


def digests(project: Project) -> dict[str, str]:
    return {name: sha256_of(project.folder / name) for name in OUTPUTS}


def test_every_output_is_what_it_says(project: Project) -> None:
    samples = np.load(project.folder / "samples/images.npy")
    assert samples.shape == (300, 1, 16, 16)
    assert samples.dtype == np.uint8
    with Image.open(project.folder / "reports/grid.png") as grid:
        assert grid.size[0] > 400
    evaluation = json.loads((project.folder / "metrics/evaluate.json").read_text())
    assert evaluation["protocol"]["samples"] == 300
    assert evaluation["fid"]["value"] > evaluation["fid"]["floor"] >= 0
    assert json.loads((project.folder / "metrics/classifier.json").read_text())["heldout_accuracy"] > 0.5
    assert len(list((project.folder / "reports/training").glob("*.png"))) == 2


def test_nothing_reruns_when_nothing_changed(project: Project) -> None:
    output = project.dvc("repro")
    assert project.ran(output) == []
    assert "up to date" in output


def test_a_loss_that_is_not_selected_may_be_edited(project: Project) -> None:
    loss = project.folder / "ganlib/losses/hinge.py"
    before = loss.read_text()
    loss.write_text(before + "\n# a note\n")
    try:
        assert project.ran(project.dvc("repro", "--dry")) == []
    finally:
        loss.write_text(before)


def test_another_sample_count_reruns_sampling_and_what_follows(params_put_back: Project) -> None:
    project = params_put_back
    before = digests(project)
    project.set({"sample.n": 260})
    assert project.ran(project.dvc("repro")) == ["sample", "evaluate", "publish"]
    assert np.load(project.folder / "samples/images.npy").shape[0] == 260
    project.set({"sample.n": 300})
    output = project.dvc("repro")
    assert digests(project) == before, "going back restores the same bytes"
    assert "Running" not in output, "and computes nothing: it was done before"


def test_the_device_is_no_part_of_the_result(params_put_back: Project) -> None:
    params_put_back.set({"device": "cpu"})
    assert params_put_back.ran(params_put_back.dvc("repro", "--dry")) == []


BAD_SETTINGS = [
    ("train.batch_sise", 32, "train", r"train\.batch_sise is not a parameter; did you mean batch_size\?"),
    ("data.resolution", 17, "prepare", r"data\.resolution gives 17x17 pixels"),
    pytest.param("train.lr", "fast", "train", r"train\.lr is 'fast'; give a number, or how", marks=pytest.mark.prove),
    pytest.param("data.heldout_share", 2, "prepare", r"data\.heldout_share is 2.*less than 1", marks=pytest.mark.prove),
]


@pytest.mark.parametrize(("key", "value", "stage", "sentence"), BAD_SETTINGS)
def test_a_mistake_in_params_is_one_sentence_and_costs_nothing(
    params_put_back: Project, key: str, value: object, stage: str, sentence: str
) -> None:
    project = params_put_back
    before = digests(project)
    project.set({key: value})
    done = project.run("dvc", "repro", stage)
    assert done.returncode != 0
    assert re.search(rf"^error: .*{sentence}", done.stdout, re.MULTILINE), done.stdout
    assert "Traceback" not in done.stdout
    assert digests(project) == before


def test_a_misspelt_section_is_named(project: Project) -> None:
    params = project.folder / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("\nloss:", "\nlos:"))
    try:
        done = project.run("dvc", "repro")
        assert done.returncode != 0
        assert "Could not find 'loss.name'" in done.stdout
        assert all((project.folder / name).exists() for name in OUTPUTS)
    finally:
        params.write_text(before)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param("nothing", r"does not exist|is missing|no such", marks=pytest.mark.prove),
        ("corrupt", r"broken\.png"),
        pytest.param("empty_class", r"folder without pictures", marks=pytest.mark.prove),
    ],
)
def test_bad_pictures_are_one_sentence_and_cost_nothing(
    params_put_back: Project, tmp_path: Path, make: str, sentence: str
) -> None:
    project = params_put_back
    before = digests(project)
    pictures = tmp_path / "pictures"
    if make != "nothing":
        for name in ("a", "b"):
            (pictures / name).mkdir(parents=True)
            for i in range(6):
                Image.new("L", (16, 16), 40 * i + len(name)).save(pictures / name / f"{i}.png")
    if make == "corrupt":
        (pictures / "a" / "broken.png").write_bytes((pictures / "a" / "0.png").read_bytes()[:40])
    if make == "empty_class":
        (pictures / "c").mkdir()
    project.set({"data.source": "image_folder", "data.path": str(pictures)})
    done = project.run("dvc", "repro")
    assert done.returncode != 0
    assert re.search(rf"^error: .*({sentence})", done.stdout, re.MULTILINE | re.IGNORECASE), done.stdout
    assert "Traceback" not in done.stdout
    assert digests(project) == before
    assert not list((project.folder / "data").glob(".*partial"))


def test_metrics_and_plots_as_a_dvc_user_expects(project: Project) -> None:
    metrics = json.loads(project.dvc("metrics", "show", "--json"))[""]["data"]
    assert metrics["metrics/evaluate.json"]["data"]["fid"]["value"] > 0
    project.dvc("plots", "show")
    page = (project.folder / "dvc_plots/index.html").read_text()
    for shown in ("discriminator_loss", "real_probability", "grid.png", "interpolation.png"):
        assert shown in page


@pytest.mark.prove
def test_experiments_run_here_and_elsewhere_and_share_one_store(project: Project) -> None:
    done = project.run("git", "add", "-A")
    assert done.returncode == 0
    project.run("git", "commit", "-q", "-m", "first result")
    project.dvc("exp", "run", "--name", "here", "-S", "train.lr=5e-4")
    project.dvc("exp", "run", "--queue", "--name", "queued", "-S", "train.seed=7")
    project.dvc("queue", "start")
    project.dvc("queue", "logs", "queued", "--follow")
    shown = json.loads(project.dvc("exp", "show", "--json"))
    names = {row["name"] for base in shown for group in base["experiments"] or [] for row in [group]}
    assert {"here", "queued"} <= names
    code = (
        "import sys; from pipelines import tracking; import mlflow;"
        "runs = mlflow.search_runs(search_all_experiments=True);"
        "print('seeds', sorted(runs['params.train.seed']), 'rates', sorted(runs['params.train.lr']))"
    )
    uri = f"sqlite:///{project.folder / 'mlflow.db'}"
    listed = project.run("python", "-c", code, MLFLOW_TRACKING_URI=uri).stdout
    assert "seeds ['0', '0', '7']" in listed, listed
    assert "'0.0005'" in listed, listed
