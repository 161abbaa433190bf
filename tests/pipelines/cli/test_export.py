"""`ganlib export`: from the registry to a file that other programs read, and back into `ganlib sample`."""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from mlflow_project import Project, publish
from typer.testing import CliRunner

from ganlib import exporting
from pipelines import registry
from pipelines.cli import app


@pytest.fixture
def published(project: Project) -> Project:
    Path("params.yaml").write_text("network:\n  name: mlp\n  width: 1\npublish:\n  experiment: e\n  model: pictures\n")
    publish(project)
    registry.sync(project.settings)
    return project


def ganlib(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_registered_generator_is_exported_by_its_own_source_and_its_weights_draw_again(published: Project) -> None:
    said = ganlib("export", "challenger", "--to", "onnx", "-o", "m.onnx")
    assert re.fullmatch(
        r"Exported pictures version 1 \(challenger\) to m\.onnx: on 64 random latents it differs from the generator by "
        r"\S+ at most \(0\.0001 is allowed\)\.\n",
        said,
    )
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    told = json.loads(session.get_modelmeta().custom_metadata_map["ganlib"])
    assert told["generator"] == "pictures version 1"
    assert told["classes"] == ["zero", "one", "two"]
    assert b"ganlib_" not in Path("m.onnx").read_bytes(), "the carried source's package name is this machine's"

    ganlib("export", "1", "--to", "safetensors", "-o", "out")
    assert told["weights_sha256"] == json.loads(Path("out/export.json").read_text())["weights_sha256"]
    for model, file in (("1", "a.npz"), ("out", "b.npz")):
        ganlib("sample", model, "-n", "10", "-o", file)
    drawn, again = (np.load(file, allow_pickle=False)["images"] for file in ("a.npz", "b.npz"))
    assert np.array_equal(drawn, again)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--to onnx -o m.pt2", "-o m.pt2 does not end in .onnx, which --to onnx makes; rename it."),
        ("--to torch-export -o m", "-o m does not end in .pt2, which --to torch-export makes; rename it."),
        ("--to onnx -o here.onnx", "here.onnx exists; name another, or replace it with --overwrite."),
        ("--to safetensors -o models", "models is a folder that is not empty; name another, or empty it."),
        ("--to onnx -o here.onnx/m.onnx", "cannot be written: a file stands where a folder should be"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_written(project: Project, arguments: str, said: str) -> None:
    Path("params.yaml").write_text("network:\n  name: mlp\n")
    Path("here.onnx").write_text("mine")
    before = sorted(project.folder.rglob("*"))
    done = CliRunner().invoke(app, ["export", "models/gan", *arguments.split()])
    assert done.exit_code == 2
    assert said in done.output
    assert re.fullmatch(r"error: [^\n]*\n", done.output)
    assert sorted(project.folder.rglob("*")) == before


def test_without_the_packages_the_sentence_says_how_to_install_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["export", "models/gan", "--to", "onnx", "-o", "m.onnx"])
    assert done.exit_code == 2
    assert done.output == (
        "error: Exporting to ONNX needs onnx, onnxscript, onnxruntime; install in the project's folder: "
        "pip install -e '.[export]' -c constraints.txt.\n"
    )
