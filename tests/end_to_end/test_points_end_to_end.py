"""Points go the whole way that pictures go: from the mixture they are drawn from to the registry."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from projects import Project, copy_of_project

POINTS = {
    "data.source": "gaussians",
    "data.count": 1500,
    "data.resolution": "null",
    "data.channels": "auto",
    "network.name": "mlp",
    "evaluate.extractor": "coordinates",
}
STAGES = ["prepare", "train", "classifier", "sample", "evaluate", "publish"]


def experiment(project: Project, *more: str) -> list[str]:
    settings = [f"{name}={value}" for name, value in POINTS.items()]
    return ["dvc", "exp", "run", *(part for one in (*settings, *more) for part in ("-S", one))]


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = copy_of_project(tmp_path_factory.mktemp("points") / "project")
    done = made.run(*experiment(made))
    assert done.returncode == 0, done.stdout
    assert made.ran(done.stdout) == STAGES, done.stdout
    return made


def test_every_output_is_of_points(points: Project) -> None:
    description = json.loads((points.folder / "data/prepared/dataset.json").read_text())
    assert description["kind"] == "points"
    assert description["shape"] == [2, 1, 1]
    prepared = np.load(points.folder / "data/prepared/images.npy")
    assert prepared.dtype == np.float32
    assert len(prepared) == 1500
    samples = np.load(points.folder / "samples/images.npy")
    assert samples.dtype == np.float32
    assert samples.shape == (300, 2, 1, 1)
    assert json.loads((points.folder / "models/gan/gan.json").read_text())["kind"] == "points"
    assert json.loads((points.folder / "reports/published.json").read_text())


def test_they_are_judged_by_their_coordinates(points: Project) -> None:
    evaluation = json.loads((points.folder / "metrics/evaluate.json").read_text())
    assert evaluation["protocol"]["extractor"] == "coordinates"
    assert evaluation["protocol"]["features"] == 2
    assert evaluation["fid"]["floor"] < 0.1, "held-out points are like training points"
    assert evaluation["precision"]["floor"] > 0.8
    assert "knows no classes" in evaluation["isc"]["absent"]
    assert json.loads((points.folder / "metrics/classifier.json").read_text()) == {"absent": "the data are points"}


def test_they_are_drawn_beside_the_training_points(points: Project) -> None:
    for name in ("reports/grid.png", *(f"reports/training/{images:09d}.png" for images in (1008, 2000))):
        with Image.open(points.folder / name) as picture:
            assert picture.size[0] == 2 * picture.size[1], "one panel each"
    with Image.open(points.folder / "reports/interpolation.png") as picture:
        assert picture.size[0] == picture.size[1]


@pytest.mark.parametrize(
    ("setting", "stage", "sentence"),
    [
        pytest.param(
            "network.name=dcgan",
            "train",
            r"network\.name is dcgan, which does not make points.*set it to mlp\.",
            marks=pytest.mark.prove,
        ),
        ("evaluate.extractor=classifier", "evaluate", r"extractor is classifier, .*set it to coordinates\."),
        pytest.param(
            "data.resolution=16",
            "prepare",
            r"data\.resolution is 16 but .*set data\.resolution to null\.",
            marks=pytest.mark.prove,
        ),
    ],
)
def test_what_is_only_for_pictures_is_one_sentence_and_costs_nothing(
    points: Project, setting: str, stage: str, sentence: str
) -> None:
    samples = (points.folder / "samples/images.npy").read_bytes()
    done = points.run(*experiment(points, setting))
    assert done.returncode != 0
    assert re.search(rf"^error: .*{sentence}", done.stdout, re.MULTILINE), done.stdout
    assert "Traceback" not in done.stdout
    assert points.ran(done.stdout) == [stage]
    assert (points.folder / "samples/images.npy").read_bytes() == samples
