"""The prepare stage as DVC starts it: one line when it works, one sentence and exit code 2 for a mistake."""

import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganlib.datasets.idx import MNIST
from pipelines.stages.prepare import summary


@pytest.fixture
def project(tmp_path):
    """A folder with ten small pictures of cats, ten of dogs, and prepared data from before."""
    for name in ("cat", "dog"):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for i in range(10):
            shades = np.random.default_rng([i, len(name), ord(name[0])]).integers(0, 256, (4, 4), np.uint8)
            Image.fromarray(shades).save(folder / f"{i}.png")
    earlier = tmp_path / "data" / "prepared"
    earlier.mkdir(parents=True)
    (earlier / "dataset.json").write_text("earlier")
    return tmp_path


def run(project, **data):
    (project / "params.yaml").write_text(json.dumps({"data": data}))  # JSON is YAML
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    # No test leaves this machine: a proxy on which nobody listens.
    environment |= {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    command = [sys.executable, "-m", "pipelines.stages.prepare"]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def fails(project, sentence, **data):
    result = run(project, **data)
    assert result.returncode == 2, result.stderr
    assert re.fullmatch(rf"error: [^\n]*{sentence}[^\n]*\n", result.stderr), result.stderr
    assert result.stdout == ""
    assert (project / "data" / "prepared" / "dataset.json").read_text() == "earlier"
    assert [file.name for file in (project / "data").iterdir()] == ["prepared"]


def test_it_says_in_one_line_what_it_made(project):
    result = run(project, source="image_folder", path="pictures", resolution=8, heldout_share=0.4)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"prepare: [\d.]+ s to start, [\d.]+ s at work\n", result.stderr)
    description = json.loads((project / "data" / "prepared" / "dataset.json").read_text())
    counts = description["counts"]
    assert counts["train"] + counts["heldout"] == 20
    assert result.stdout == (
        f"prepared {counts['train']} training and {counts['heldout']} held-out pictures, 1x8x8 (channels x height x "
        f"width), 2 classes, digest {description['digest'][:12]}\n"
    )
    assert str(project) not in json.dumps(description)


def test_a_directory_and_its_zip_are_the_same_data(project):
    digests = []
    with zipfile.ZipFile(project / "pictures.zip", "w") as archive:
        for file in (project / "pictures").rglob("*.png"):
            archive.write(file, file.relative_to(project))
    for path in ("pictures", "pictures.zip"):
        assert run(project, source="image_folder", path=path, heldout_share=0.4).returncode == 0
        digests.append(json.loads((project / "data" / "prepared" / "dataset.json").read_text())["digest"])
    assert digests[0] == digests[1]


def test_an_unknown_source(project):
    fails(project, r"data\.source is 'digit'; choose one of: digits, idx, image_folder", source="digit")


def test_a_missing_data_directory(project):
    fails(project, "data.path is 'nowhere', which does not exist", source="image_folder", path="nowhere")


def test_a_corrupt_picture(project):
    broken = project / "pictures" / "cat" / "9.png"
    broken.write_bytes(broken.read_bytes()[:60])
    fails(project, r"pictures/cat/9\.png is a broken picture", source="image_folder", path="pictures")


def test_an_empty_class_folder(project):
    (project / "pictures" / "cow").mkdir()
    fails(project, "pictures/cow is a class's folder without pictures", source="image_folder", path="pictures")


def test_pictures_of_mixed_sizes(project):
    Image.new("L", (5, 4)).save(project / "pictures" / "dog" / "z.png")
    fails(project, r"dog/z\.png 4x5 .*set data\.resolution", source="image_folder", path="pictures", heldout_share=0.4)


def test_a_download_without_a_network(project):
    first = re.escape(next(iter(MNIST)))
    fails(project, rf"{first}\.gz could not be fetched .*check the network", source="idx", path="mnist", download=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_output_directory_that_cannot_be_written(project):
    (project / "data").chmod(0o555)
    fails(project, "cannot be written: permission is denied", source="image_folder", path="pictures", heldout_share=0.4)


def test_the_summary_names_what_somebody_may_not_have_expected():
    line = summary(
        {
            "shape": [3, 8, 9],
            "classes": ["cat", "dog"],
            "counts": {"train": 5, "heldout": 2},
            "class_counts": {"train": {"cat": 5, "dog": 0}, "heldout": {"cat": 1, "dog": 1}},
            "digest": "0123456789abcdef",
            "source": {"name": "image_folder", "ignored_files": 4},
        }
    )
    assert "no training picture of dog" in line
    assert "picture of cat" not in line
    assert "4 files ignored that are no pictures" in line
    assert "\n" not in line
