"""The prepare stage: a few lines when it works; one sentence, exit code 2 and earlier data untouched for a mistake."""

import gzip
import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ganlib.settings import DataSettings
from pipelines import stage
from pipelines.stages import prepare
from pipelines.stages.prepare import notices, summary


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with ten small pictures of cats, ten of dogs, and prepared data from before."""
    for name in ("cat", "dog"):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for i in range(10):
            shades = np.random.default_rng([i, len(name), ord(name[0])]).integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(shades).save(folder / f"{i}.png")
    earlier = tmp_path / "data" / "prepared"
    earlier.mkdir(parents=True)
    (earlier / "dataset.json").write_text("earlier")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "data.html").write_text("earlier")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    # No test leaves this machine: a proxy on which nobody listens.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    # urllib reads them once in a process; it must forget them after this test.
    monkeypatch.setattr(urllib.request, "_opener", None)
    return tmp_path


def settings_file(project, **data):
    (project / "params.yaml").write_text(json.dumps({"workers": 1, "data": data}))  # JSON is YAML


def run(project, **data):
    """The exit code of the stage, run here."""
    settings_file(project, **data)
    with pytest.raises(SystemExit) as ended:
        stage.main(prepare.run)
    return ended.value.code


def fails(project, capfd, sentence, **data):
    code = run(project, **data)
    said = capfd.readouterr()
    assert code == 2, said.err
    told = [line for line in said.err.splitlines() if "picture/s" not in line and line.strip()]
    assert len(told) == 1, said.err
    assert re.search(sentence, told[0]), told[0]
    assert told[0].startswith("error: ")
    assert told[0].endswith((".", ")", "?"))
    assert said.out == ""
    assert (project / "data" / "prepared" / "dataset.json").read_text() == "earlier"
    assert (project / "reports" / "data.html").read_text() == "earlier"
    assert [file.name for file in (project / "data").iterdir()] == ["prepared"]


def test_it_says_in_two_lines_what_it_made(project):
    settings_file(project, source="image_folder", path="pictures", resolution=16, heldout_share=0.4)
    command = [sys.executable, "-m", "pipelines.stages.prepare"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    result = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"prepare: [\d.]+ s to start, [\d.]+ s at work\n", result.stderr)
    description = json.loads((project / "data" / "prepared" / "dataset.json").read_text())
    counts = description["counts"]
    assert counts["train"] + counts["heldout"] == 20
    assert result.stdout == (
        f"prepared {counts['train']} training and {counts['heldout']} held-out pictures, 1x16x16 (channels x height x "
        f"width), 2 classes, digest {description['digest'][:12]}\n"
        f"data card: reports/data.html\n"
    )
    assert str(project) not in json.dumps(description)
    assert "cat" in (project / "reports" / "data.html").read_text()
    assert json.loads((project / "reports" / "data.json").read_text())


def test_a_directory_and_its_archives_are_the_same_data(project):
    with zipfile.ZipFile("pictures.zip", "w") as archive:
        for file in Path("pictures").rglob("*.png"):
            archive.write(file)
    for name, mode in (("pictures.tar", "w"), ("pictures.tar.gz", "w:gz")):
        with tarfile.open(name, mode) as archive:
            archive.add("pictures")
    made = set()
    for path in ("pictures", "pictures.zip", "pictures.tar", "pictures.tar.gz"):
        assert run(project, source="image_folder", path=path, heldout_share=0.4) == 0
        made.add(Path("data/prepared/dataset.json").read_text())
    assert len(made) == 1


def zipped(**members):
    with zipfile.ZipFile("it.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return {"source": "image_folder", "path": "it.zip"}


def folder(path="pictures", **more):
    return {"source": "image_folder", "path": path, "heldout_share": 0.4, **more}


def outside_zip():
    return zipped(**{"../../etc/cat.png": b"x"})


def outside_tar():
    with tarfile.open("it.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("/etc/cat.png"), io.BytesIO())
    return folder("it.tar")


def symlink_loop():
    Path("pictures/cat/again").symlink_to(Path("pictures").resolve())
    return folder()


def zip_bomb():
    with zipfile.ZipFile("it.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(9):
            with archive.open(f"{number}.png", "w") as member:
                for _ in range(9):
                    member.write(bytes(1 << 24))
    return {"source": "image_folder", "path": "it.zip"}


def truncated_zip():
    zipped(**{"cat.png": os.urandom(5000)})
    Path("it.zip").write_bytes(Path("it.zip").read_bytes()[:3000])
    return folder("it.zip")


def truncated_tar():
    with tarfile.open("it.tar.gz", "w:gz") as archive:
        archive.add("pictures")
    Path("it.tar.gz").write_bytes(Path("it.tar.gz").read_bytes()[:500])
    return folder("it.tar.gz")


def texts():
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("x")
    return folder("texts")


def lonely_class():
    Path("pictures/cow").mkdir()
    Image.effect_noise((8, 8), 60).save("pictures/cow/one.png")
    return folder()


def labels(text, **more):
    Path("labels.csv").write_text(text)
    return folder(labels="labels.csv", **more)


def missing_files():
    return labels("file_name,label\ncat/0.png,1\ncat/77.png,2\n")


def missing_column():
    return labels("picture,class\ncat/0.png,1\n")


def parts_for_classes():
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            Path(f"parts/{part}/{name}").mkdir(parents=True)
            Path(f"parts/{part}/{name}/0.png").write_bytes(Path(f"pictures/{name}/0.png").read_bytes())
    return folder("parts")


def idx(magic=0x803, count=3, length=3 * 64):
    Path("idx").mkdir()
    for part in ("train", "t10k"):
        header = struct.pack(">IIII", magic, count, 8, 8)
        Path(f"idx/{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + bytes(length)))
        Path(f"idx/{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + bytes(count))
    return {"source": "idx", "path": "idx"}


def nulls():
    images = pa.array([{"bytes": None, "path": None}] * 3, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"image": images}), "it.parquet")
    return {"source": "parquet", "path": "it.parquet"}


def corrupt():
    broken = Path("pictures/cat/9.png")
    broken.write_bytes(broken.read_bytes()[:60])
    return folder()


def empty_class():
    Path("pictures/cow").mkdir()
    return folder()


def mixed_sizes():
    Image.new("L", (15, 14)).save("pictures/dog/z.png")
    return folder()


BAD = {
    "unknown source": (lambda: {"source": "digit"}, r"data\.source is 'digit'; choose one of: cifar, digits,"),
    "missing directory": (lambda: folder("nowhere"), "data.path is 'nowhere', which does not exist"),
    "zip member outside": (outside_zip, r"it\.zip.*\.\./\.\./etc/cat\.png.* outside"),
    "tar member outside": (outside_tar, r"it\.tar.*/etc/cat\.png.* outside"),
    "symlink loop": (symlink_loop, r"pictures/cat/again is a link to a folder that it lies in; remove it"),
    "zip bomb": (zip_bomb, r"it\.zip"),
    "empty archive": (zipped, r"it\.zip.* holds no picture"),
    "truncated zip": (truncated_zip, r"it\.zip"),
    "truncated tar": (truncated_tar, r"it\.tar\.gz"),
    "folder of texts": (texts, r"texts.* holds no picture"),
    "class with one picture": (lonely_class, r"The class 'cow' has one picture \(cow/one\.png\)"),
    "parts of a data set": (
        parts_for_classes, r"The folders test and train are called like parts .*data\.path \(parts/train\)",
    ),
    "no room on the disk": (lambda: folder(resolution=1 << 20), r"take up to [\d,.]+ GB .* lower data\.resolution"),
    "another source's setting": (
        lambda: folder(variant="mnist"), r"data\.variant is not a parameter of image_folder; leave it out; known",
    ),
    "labels of missing files": (missing_files, r"labels\.csv.*cat/77\.png"),
    "missing column": (missing_column, r"labels\.csv.*file_name.*picture, class"),
    "wrong magic": (lambda: idx(magic=0x801), r"train-images-idx3-ubyte\.gz starts with 00000801"),
    "wrong length": (lambda: idx(length=100), r"train-images-idx3-ubyte\.gz.*cut short"),
    "nulls": (nulls, r"it\.parquet"),
    "corrupt picture": (corrupt, r"pictures/cat/9\.png is a broken picture .*data\.on_bad: skip"),
    "empty class": (empty_class, r"pictures/cow is a class's folder without pictures"),
    "mixed sizes": (mixed_sizes, r"dog/z\.png is 14x15 .*set data\.resolution"),
    "impossible resolution": (lambda: folder(resolution=17), r"17"),
    "alpha without room": (lambda: folder(alpha="keep", channels=3), r"data\.alpha is keep but data\.channels is 3"),
    "no network": (
        lambda: {"source": "idx", "path": "mnist", "download": True}, r"could not be fetched .*check the network",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_costs_nothing(project, capfd, case):
    make, sentence = BAD[case]
    fails(project, capfd, sentence, **make())


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_output_directory_that_cannot_be_written(project, capfd):
    (project / "data").chmod(0o555)
    fails(project, capfd, "cannot be written: permission is denied", **folder())


def described(**changes):
    return {
        "kind": "pictures", "shape": [3, 8, 9], "classes": ["cat", "dog"], "counts": {"train": 5, "heldout": 2},
        "class_counts": {"train": {"cat": 5, "dog": 0}, "heldout": {"cat": 1, "dog": 1}}, "digest": "0123456789abcdef",
        "source": {"name": "image_folder", "files": 11, "refused": {}, "notes": []}, "preparation": {}, **changes,
    }  # fmt: skip


def test_the_summary_names_what_somebody_may_not_have_expected():
    line = summary(described())
    assert "no training picture of dog" in line
    assert "picture of cat" not in line
    assert "\n" not in line


def test_what_was_left_out_and_what_looks_alike_is_told():
    assert notices(described(), DataSettings()) == ["data card: reports/data.html"]
    source = {"files": 11, "refused": {"truncated": 3, "too small": 1}, "notes": ["labels from labels.csv"]}
    near = {"near_duplicates": {"pairs": 7, "straddling": 2}}
    lines = notices(described(source=source, preparation=near), DataSettings())
    assert lines[:2] == ["labels from labels.csv", "4 of 11 files are left out: 3 truncated, 1 too small"]
    assert lines[2].startswith("7 pairs of near duplicates, 2 of them across the split")
    assert len(notices(described(preparation=near), DataSettings(near_duplicates="drop"))) == 1


def test_a_source_that_dvc_tracks_but_does_not_watch_is_told(tmp_path):
    (tmp_path / "photos.dvc").write_text("outs: []")
    path = str(tmp_path / "photos")
    assert "set data.watch to it" in notices(described(), DataSettings(path=path))[0]
    assert len(notices(described(), DataSettings(path=path, watch=path))) == 1
