"""A registered generator draws in a process that has never heard of this project."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow_project import REPOSITORY, Project, publish, write_outputs
from PIL import Image

from ganlib import bundle, sampling
from ganlib.latents import sample_latents
from pipelines import paths, registry, tracking

ELSEWHERE = """
import importlib.util, os, sys
# Neither the checkout nor its editable installation.
sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
assert importlib.util.find_spec("ganlib") is None and importlib.util.find_spec("pipelines") is None
import mlflow, numpy as np, pandas as pd
def load(uri="models:/pictures@challenger"):
    return mlflow.pyfunc.load_model(uri)
"""


def elsewhere(code: str, folder: Path) -> str:
    """What the code prints in a process without this project, run in an empty folder."""
    uri = tracking.tracking_uri()
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-I", "-c", ELSEWHERE + code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def published(project: Project) -> Project:
    publish(project)
    registry.sync(project.settings)
    return project


@pytest.fixture
def model(published: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    return mlflow.pyfunc.load_model("models:/pictures@challenger")


def test_it_draws_without_this_project_and_what_it_draws_is_what_the_project_draws(
    published: Project, tmp_path: Path
) -> None:
    elsewhere(
        """
pixels = load().predict(pd.DataFrame({"seed": [5, 6, 7], "label": [2, "zero", None]}))
assert pixels.dtype == np.uint8 and pixels.shape == (3, 4, 4, 1), (pixels.dtype, pixels.shape)
np.save("pixels.npy", pixels)
""",
        tmp_path / "foreign",
    )
    drawn = np.load(tmp_path / "foreign" / "pixels.npy", allow_pickle=False)
    import torch

    generator, known = bundle.load_generator(paths.GAN)
    latents = torch.cat([sample_latents(seed, [0], dim=8, distribution="normal") for seed in (5, 6, 7)])
    labels = torch.tensor([2, 0, 7 % len(known.classes)])
    (expected,) = sampling.generate(generator, latents, labels, batch_size=3)
    assert np.array_equal(drawn, expected.permute(0, 2, 3, 1).numpy())


def test_two_versions_in_one_process_run_their_own_code(published: Project, tmp_path: Path) -> None:
    """The second version's network draws the first one's negative; its weights are the same but for one bit."""
    source = published.folder / "ganlib"
    source.unlink()
    shutil.copytree(REPOSITORY / "ganlib", source, ignore=shutil.ignore_patterns("__pycache__"))
    network = source / "networks" / "mlp.py"
    changed = network.read_text().replace("pixels = torch.tanh(", "pixels = -torch.tanh(")
    assert changed != network.read_text()
    network.write_text(changed)
    weights = bundle.load_file(paths.GAN / "generator.safetensors")
    weights["to_pixels.bias"][0] += 1e-7
    (paths.GAN / "generator.safetensors").write_bytes(bundle.save(weights))
    publish(published)
    assert registry.sync(published.settings).version == "2"
    said = elsewhere(
        """
one, two = load("models:/pictures/1"), load("models:/pictures/2")
rows = pd.DataFrame({"seed": range(20)})
a, b, again = (model.predict(rows).astype(int) for model in (one, two, one))
assert (a == again).all()
print(abs(a + b - 255).max(), abs(a - b).max() > 10)
""",
        tmp_path / "foreign",
    )
    assert said.split() == ["1", "True"] or said.split() == ["0", "True"]


def test_an_image_depends_on_its_own_row_alone(model: Any) -> None:
    seeds = np.arange(70)
    labels = seeds % 3
    whole = model.predict(pd.DataFrame({"seed": seeds, "label": labels}))
    order = np.random.default_rng(0).permutation(70)
    assert np.array_equal(model.predict(pd.DataFrame({"seed": seeds[order], "label": labels[order]})), whole[order])
    assert np.array_equal(model.predict(pd.DataFrame({"seed": seeds[-1:], "label": labels[-1:]})), whole[-1:])
    assert len(np.unique(whole.reshape(70, -1), axis=0)) == 70


def test_a_label_is_a_number_or_a_name_and_without_one_the_seed_decides(model: Any) -> None:
    named = model.predict(pd.DataFrame({"seed": [4, 4, 4], "label": ["zero", "one", "two"]}))
    numbered = model.predict(pd.DataFrame({"seed": [4, 4, 4], "label": [0, 1, 2]}))
    assert np.array_equal(named, numbered)
    assert not np.array_equal(named[0], named[1])
    assert np.array_equal(model.predict(pd.DataFrame({"seed": [4]}))[0], named[4 % 3])
    assert np.array_equal(model.predict(pd.DataFrame({"seed": [4, 4], "label": [np.nan, 2]})), named[[1, 2]])
    assert model.predict(pd.DataFrame({"seed": pd.Series([], dtype="int64")})).shape == (0, 4, 4, 1)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            {"seed": [1], "label": [3]},
            "label 3 in row 0 is no class of this generator; give a number from 0 to 2 or one",
        ),
        ({"seed": [1, 1], "label": ["one", "four"]}, "label 'four' in row 1 is no class .*names: zero, one, two"),
        ({"seed": [1], "label": [-1]}, "label -1 in row 0 is no class"),
        ({"seed": [1], "label": [1.5]}, "label 1.5 in row 0 is no class"),
        ({"seed": [1], "label": [True]}, "label True in row 0 is no class"),
        ({"seed": [-1]}, "seed -1 in row 0 is negative; give a whole number"),
    ],
)
def test_a_row_that_cannot_be_drawn_is_refused_in_one_sentence(
    model: Any, row: dict[str, list[Any]], sentence: str
) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match=sentence) as refused:
        model.predict(pd.DataFrame(row))
    assert refused.value.get_http_status_code() == 400


def test_a_label_for_a_generator_without_classes_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException

    write_outputs(project, classes=())
    publish(project)
    registry.sync(project.settings)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    model = mlflow.pyfunc.load_model("models:/pictures@challenger")
    assert model.predict(pd.DataFrame({"seed": [1, 2]})).shape == (2, 4, 4, 1)
    with pytest.raises(MlflowException, match="this generator knows no classes; leave the label out"):
        model.predict(pd.DataFrame({"seed": [1], "label": [0]}))


def test_a_generator_of_points_gives_them_as_they_are(project: Project, tmp_path: Path) -> None:
    """A row each, float32, unrounded; the registry says what to expect."""
    import torch

    known = bundle.Description("mlp", {"width": 1}, (2, 1, 1), 3, "normal", ("a", "b"), 3000, (5, 5), "points")
    torch.manual_seed(0)
    bundle.save_gan(paths.GAN, known, known.family().generator(known.fit), None)
    publish(project)
    registry.sync(project.settings)
    said = elsewhere(
        """
model = load()
points = model.predict(pd.DataFrame({"seed": [5, 6, 7], "label": [1, "a", None]}))
assert points.dtype == np.float32 and points.shape == (3, 2), (points.dtype, points.shape)
assert model.predict(pd.DataFrame({"seed": pd.Series([], dtype="int64")})).shape == (0, 2)
np.save("points.npy", points)
print(model.metadata.signature.outputs)
""",
        tmp_path / "foreign",
    )
    assert "float32" in said
    assert "(-1, 2)" in said
    drawn = np.load(tmp_path / "foreign" / "points.npy", allow_pickle=False)
    generator, _ = bundle.load_generator(paths.GAN)
    latents = torch.cat([sample_latents(seed, [0], dim=3, distribution="normal") for seed in (5, 6, 7)])
    (expected,) = sampling.generate(generator, latents, torch.tensor([1, 0, 1]), batch_size=3)
    assert np.array_equal(drawn, expected.flatten(1).numpy())


def test_png_files_hold_what_arrays_hold_whatever_the_channels() -> None:
    """Grey, grey and alpha, RGB, RGB and alpha; on pictures that are not square."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's, of its own type hints
        from pipelines.serving.model import png
    for channels, mode in enumerate(("L", "LA", "RGB", "RGBA"), start=1):
        image = np.random.default_rng(channels).integers(0, 256, (5, 3, channels), dtype=np.uint8)
        read = Image.open(io.BytesIO(base64.b64decode(png(image))))
        read.load()
        assert read.mode == mode
        assert np.array_equal(np.asarray(read).reshape(image.shape), image)


def test_how_much_a_request_may_ask_for_is_the_loaders_choice(
    published: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By rows, and by numbers in all of its pictures, which have 16."""
    import mlflow
    from mlflow.exceptions import MlflowException

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    for config, most in (({}, 1024), ({"most_rows": 2}, 2), ({"most_numbers": 50}, 3)):
        model = mlflow.pyfunc.load_model("models:/pictures@challenger", model_config=config)
        assert len(model.predict(pd.DataFrame({"seed": range(most)}))) == most
        with pytest.raises(MlflowException, match=f"has {most + 1} rows, and this model draws {most} at once"):
            model.predict(pd.DataFrame({"seed": range(most + 1)}))


@pytest.mark.parametrize("carried", ["code/ganlib/networks/mlp.py", "generator.safetensors", "gan.json"])
def test_a_carried_file_that_was_changed_is_refused_before_anything_runs(
    published: Project, monkeypatch: pytest.MonkeyPatch, carried: str
) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException

    (folder,) = (published.folder / "mlartifacts").rglob("artifacts/generator")
    with (folder / carried).open("ab") as file:
        file.write(b"\nraise SystemExit('it ran')\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    with pytest.raises(MlflowException, match=f"{carried} of this model is not the file that was registered"):
        mlflow.pyfunc.load_model("models:/pictures@challenger")


def test_a_file_that_was_planted_beside_the_carried_ones_does_not_run(published: Project, tmp_path: Path) -> None:
    (folder,) = (published.folder / "mlartifacts").rglob("artifacts/generator")
    planted = folder / "code" / "ganlib" / "errors" / "__init__.py"
    planted.parent.mkdir()
    planted.write_text("raise SystemExit('it ran')")
    assert elsewhere("print(load().predict(pd.DataFrame({'seed': [1]})).shape)", tmp_path / "f") == "(1, 4, 4, 1)\n"
    assert not list(folder.rglob("__pycache__")), "and loading writes nothing into the store"


def test_the_model_names_no_path_of_the_machine_that_published_it(published: Project) -> None:
    (model,) = (published.folder / "mlartifacts").rglob("MLmodel")
    text = model.read_text()
    assert str(published.folder) not in text
    assert str(REPOSITORY) not in text
    assert "/tmp" not in text
    requirements = (model.parent / "requirements.txt").read_text().split()
    assert {line.partition("==")[0] for line in requirements} == {
        "mlflow",
        "torch",
        "numpy",
        "pandas",
        "safetensors",
        "pydantic",
        "jaxtyping",
    }
    assert all("==" in line and "+" not in line for line in requirements)
    assert json.loads((model.parent / "input_example.json").read_text())["columns"] == ["seed"]
