"""An export makes the generator's images, whatever the network; one that does not is not kept."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from network_pairs import FIT, NETWORKS, OPTIONS, pair
from torch import nn

from ganlib import bundle, exporting
from ganlib.errors import UserError

FACTS = {"format": "some", "weights_sha256": "ab"}
EVERY = [*NETWORKS, "resnet attention"]
FEW = [("dcgan", 2), ("r3", 2), ("resnet", 2)]
CASES = [
    pytest.param(name, classes, marks=() if (name, classes) in FEW else pytest.mark.prove)
    for name in EVERY
    for classes in (0, 2)
]


def made(name: str, classes: int) -> tuple[nn.Module, bundle.Description]:
    """A generator away from its initial weights, and what gan.json says of it."""
    network, options = OPTIONS[name]
    words = ("one", "two")[:classes]
    known = bundle.Description(network, options, (2, 16, 16), 5, "normal", words, 3000, (5,) * classes)
    generator, _ = pair(name, replace(FIT, n_classes=classes))
    return generator.eval().requires_grad_(False), known


def given(classes: int, rows: int) -> tuple[torch.Tensor, ...]:
    latents = torch.randn(rows, 5, generator=torch.Generator().manual_seed(rows))
    return (latents, torch.arange(rows) % classes) if classes else (latents,)


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_an_onnx_file_makes_the_generators_images(name: str, classes: int, tmp_path: Path) -> None:
    generator, known = made(name, classes)
    checked = exporting.write_onnx(generator, known, tmp_path / "m.onnx", FACTS)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["latents", "labels"][: 2 if classes else 1]
    for rows in (1, 2, 33):
        inputs = given(classes, rows)
        feed = {one.name: values.numpy() for one, values in zip(session.get_inputs(), inputs, strict=True)}
        (images,) = session.run(["images"], feed)
        assert np.abs(images - generator(*inputs).numpy()).max() <= checked.tolerance
    told = json.loads(session.get_modelmeta().custom_metadata_map["ganlib"])
    assert told["weights_sha256"] == "ab"
    assert told["classes"] == list(known.classes)
    assert told["checked"]["largest_difference"] == checked.largest_difference <= checked.tolerance
    onnx.checker.check_model(str(tmp_path / "m.onnx"), full_check=True)
    assert_says_nothing_of_this_machine((tmp_path / "m.onnx").read_bytes())


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_a_pt2_file_makes_the_generators_images(name: str, classes: int, tmp_path: Path) -> None:
    generator, known = made(name, classes)
    exporting.write_torch_export(generator, known, tmp_path / "m.pt2", FACTS)
    extra = {"ganlib.json": ""}
    module = torch.export.load(tmp_path / "m.pt2", extra_files=extra).module()
    for rows in (1, 2, 33):
        inputs = given(classes, rows)
        assert torch.allclose(module(*inputs), generator(*inputs), atol=1e-4)
    assert json.loads(extra["ganlib.json"])["checked"]["batches"] == [1, 7, 56]
    with zipfile.ZipFile(tmp_path / "m.pt2") as file:
        assert_says_nothing_of_this_machine(b"".join(file.read(name) for name in file.namelist()))


def assert_says_nothing_of_this_machine(content: bytes) -> None:
    assert re.findall(rb"[\w/.-]*(?:site-packages|\.py\b|/home/|/root/|/tmp/)[\w/.-]*", content) == []


@pytest.mark.parametrize(("name", "classes"), [("dcgan", 2), ("r3", 0)])
def test_weights_are_copied_byte_for_byte(name: str, classes: int, tmp_path: Path) -> None:
    generator, known = made(name, classes)
    (tmp_path / "gan").mkdir()
    bundle.save_gan(tmp_path / "gan", known, generator, None)  # type: ignore[arg-type]
    checked = exporting.write_weights(generator, known, tmp_path / "gan", tmp_path / "out", FACTS)
    assert checked.largest_difference == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "export.json",
        "gan.json",
        "generator.safetensors",
    ]
    for name_ in ("gan.json", "generator.safetensors"):
        assert (tmp_path / "out" / name_).read_bytes() == (tmp_path / "gan" / name_).read_bytes()


@pytest.mark.parametrize("format_", ["onnx", "torch-export", "safetensors"])
def test_an_export_that_makes_other_images_is_not_kept(
    format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported is another generator than the one that it is compared with."""
    generator, known = made("mlp", 2)
    other = made("mlp", 2)[0]
    with torch.no_grad():
        next(other.parameters()).add_(0.1)
    compare = exporting.compare
    monkeypatch.setattr(exporting, "compare", lambda _, known, run: compare(other, known, run))
    (tmp_path / "gan").mkdir()
    bundle.save_gan(tmp_path / "gan", known, generator, None)  # type: ignore[arg-type]
    write: Any = {"onnx": exporting.write_onnx, "torch-export": exporting.write_torch_export}.get(format_)
    with pytest.raises(
        UserError, match=r"differs from the generator by .* where 0.0001 is allowed, so it was not kept"
    ):
        if write is None:
            exporting.write_weights(generator, known, tmp_path / "gan", tmp_path / "out", FACTS)
        else:
            write(generator, known, tmp_path / "out", FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["gan"]


def test_images_that_are_no_numbers_or_of_another_shape_are_refused() -> None:
    generator, known = made("mlp", 0)
    with pytest.raises(UserError, match="differs from the generator by nan"):
        exporting.compare(generator, known, lambda latents, _: np.full((len(latents), 2, 16, 16), np.nan, np.float32))
    with pytest.raises(UserError, match=r"makes \(1, 3\) where the generator makes \(1, 2, 16, 16\)"):
        exporting.compare(generator, known, lambda latents, _: np.zeros((len(latents), 3)))


def test_one_rounding_error_too_many_is_too_many() -> None:
    generator, known = made("mlp", 0)
    for error, kept in ((0.5e-4, True), (2e-4, False)):

        def run(latents: torch.Tensor, _: object, error: float = error) -> np.ndarray:
            images: np.ndarray = generator(latents).numpy()
            images[-1, -1, -1, -1] += error
            return images

        if kept:
            assert exporting.compare(generator, known, run).largest_difference == pytest.approx(error, rel=0.1)
        else:
            with pytest.raises(UserError, match="not kept"):
                exporting.compare(generator, known, run)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UserError, match=r"^Exporting to ONNX needs onnxscript; .*pip install -e '\.\[export\]'"):
        exporting.require("onnx")
    exporting.require("torch-export")
