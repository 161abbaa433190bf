"""classifier and evaluate as DVC runs them, on a small project folder."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganlib import bundle, evaluation
from ganlib.errors import UserError
from ganlib.settings import ClassifierSettings, EvaluateSettings, Settings
from pipelines import paths
from pipelines.stages import classifier, evaluate

SMALL = Settings(
    device="cpu",
    classifier=ClassifierSettings(epochs=2, width=4, batch_size=8),
    evaluate=EvaluateSettings(
        isc_splits=2,
        kid_subsets=3,
        kid_subset_size=5,
        neighbours=2,
        density_neighbours=2,
        infinity_points=3,
        path_samples=8,
        batch_size=16,
    ),
)
CLASSES = ("dark", "bright")


def pictures(labels: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 100, (len(labels), 1, 8, 8))
    return (noise + 150 * labels[:, None, None, None]).astype(np.uint8)


def write_arrays(folder: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", pixels)
    np.save(folder / "labels.npy", labels.astype(np.int64))


def write_prepared(labels: np.ndarray, classes: tuple[str, ...], *, train: int = 24) -> None:
    shown = np.where(labels < 0, 0, labels)
    write_arrays(paths.PREPARED, pictures(shown, 0), labels)
    description = {
        "shape": [1, 8, 8],
        "classes": classes,
        "counts": {"train": train, "heldout": len(labels) - train},
        "digest": "d" * 64,
    }
    (paths.PREPARED / "dataset.json").write_text(json.dumps(description))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with prepared data, a generator's bundle and samples; the classifier is still to train."""
    monkeypatch.chdir(tmp_path)
    write_prepared(np.arange(36) % 2, CLASSES)
    write_arrays(paths.SAMPLES, pictures(np.arange(20) % 2, 1), np.arange(20) % 2)
    description = bundle.Description(
        network="mlp", network_options={"width": 2, "depth": 1}, image_shape=(1, 8, 8), latent_dim=3,
        latent_distribution="normal", classes=CLASSES, images_seen=0,
    )  # fmt: skip
    torch.manual_seed(0)
    family = description.family()
    paths.GAN.mkdir(parents=True)
    bundle.save_gan(paths.GAN, description, family.generator(description.fit), family.discriminator(description.fit))
    return tmp_path


def evaluated(settings: Settings = SMALL) -> dict[str, Any]:
    evaluate.run(settings)
    report: dict[str, Any] = json.loads(paths.EVALUATION.read_text())
    return report


def with_evaluation(**changes: Any) -> Settings:
    return dataclasses.replace(SMALL, evaluate=dataclasses.replace(SMALL.evaluate, **changes))


def test_every_number_stands_with_its_floor_and_its_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    classifier.run(SMALL)
    report = evaluated()
    names = {"fid", "isc", "kid", "precision", "recall", "density", "coverage", "copies", "c_t", "class_accuracy"}
    assert names | {"protocol", "discriminator", "fid_infinity", "path_length", "c2st", "modes"} < set(report)
    interval = {"value", "low", "high", "floor", "floor_low", "floor_high"}
    for name in ("fid", "precision", "recall", "isc"):
        assert interval | {"value_at_floor_count"} <= set(report[name])
        assert report[name]["low"] <= report[name]["value"] <= report[name]["high"]
    assert interval < set(report["kid"])
    protocol = report["protocol"]
    assert (protocol["samples"], protocol["reference_count"], protocol["heldout_count"]) == (20, 24, 12)
    weights = (paths.CLASSIFIER / "classifier.safetensors").read_bytes()
    assert protocol["extractor_sha256"] == hashlib.sha256(weights).hexdigest()
    assert protocol["data_sha256"] == "d" * 64
    assert protocol["name"] in capsys.readouterr().out


def test_the_same_inputs_give_the_same_bytes() -> None:
    def everything() -> list[bytes]:
        classifier.run(SMALL)
        evaluate.run(SMALL)
        written = [*paths.CLASSIFIER.iterdir(), paths.CLASSIFIER_METRICS, paths.EVALUATION, paths.EVALUATION_DETAILS]
        written += [paths.EVALUATION_PAGE, *paths.EVALUATION_TABLES.iterdir()]
        return [path.read_bytes() for path in sorted(written)]

    assert everything() == everything()


def test_training_pictures_as_samples_score_as_well_as_can_be() -> None:
    classifier.run(SMALL)
    pixels, labels = (np.load(paths.PREPARED / name)[:24] for name in ("images.npy", "labels.npy"))
    write_arrays(paths.SAMPLES, pixels, labels)
    report = evaluated()
    assert report["fid"]["value"] == pytest.approx(0, abs=1e-5)
    assert report["precision"]["value"] == report["recall"]["value"] == 1
    assert report["discriminator"]["train"] == pytest.approx(report["discriminator"]["generated"])


def test_heldout_pictures_as_samples_score_the_floor() -> None:
    classifier.run(SMALL)
    pixels, labels = (np.load(paths.PREPARED / name)[24:] for name in ("images.npy", "labels.npy"))
    write_arrays(paths.SAMPLES, pixels, labels)
    report = evaluated()
    for name in ("fid", "precision", "recall"):
        assert report[name]["value"] == report[name]["value_at_floor_count"] == report[name]["floor"]
    assert report["kid"]["value"] == report["kid"]["floor"]


def test_the_classifiers_accuracy_is_reported() -> None:
    classifier.run(dataclasses.replace(SMALL, classifier=ClassifierSettings(epochs=10, width=4, batch_size=8)))
    metrics = json.loads(paths.CLASSIFIER_METRICS.read_text())
    assert metrics["heldout_accuracy"] == 1  # dark from bright
    assert (metrics["train_count"], metrics["heldout_count"], metrics["classes"]) == (24, 12, 2)


@pytest.mark.parametrize(
    ("labels", "classes", "reason"),
    [(np.full(36, -1), (), "the data has no classes"), (np.zeros(36), ("dark",), "are all of one class")],
)
def test_without_classes_the_classifier_is_absent_and_evaluate_says_what_to_do(
    labels: np.ndarray, classes: tuple[str, ...], reason: str
) -> None:
    write_prepared(labels, classes)
    classifier.run(SMALL)
    assert [path.name for path in paths.CLASSIFIER.iterdir()] == ["classifier.json"]
    assert reason in json.loads(paths.CLASSIFIER_METRICS.read_text())["absent"]
    with pytest.raises(UserError, match=rf"{reason}.*set evaluate\.extractor to inception"):
        evaluate.run(SMALL)


def test_a_mistake_costs_nothing_and_leaves_the_earlier_report(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier.run(SMALL)
    before = json.dumps(evaluated())
    monkeypatch.setattr(evaluation, "open_extractor", lambda *_, **__: pytest.fail("work was done first"))
    with pytest.raises(UserError, match=r"evaluate\.kid_subset_size is 13 .* set it between 2 and 12"):
        evaluate.run(with_evaluation(kid_subset_size=13))
    assert json.dumps(json.loads(paths.EVALUATION.read_text())) == before


def test_features_that_are_no_numbers_never_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier.run(SMALL)
    weights = paths.CLASSIFIER / "classifier.safetensors"
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    tensors["to_logits.bias"].fill_(float("nan"))
    tensors["to_features.0.weight"].fill_(float("inf"))
    save_file(tensors, weights)
    report = evaluated()
    for name in ("fid", "isc", "kid", "precision", "recall"):
        assert set(report[name]) == {"absent"}
    assert report["discriminator"]["train"] > 0


def test_inception_runs_from_a_weights_file_through_the_whole_stage(tmp_path: Path) -> None:
    weights = tmp_path / "random.pth"
    digest = write_random_inception(weights)
    classifier.run(SMALL)
    write_prepared(np.arange(9) % 2, CLASSES, train=5)
    write_arrays(paths.SAMPLES, pictures(np.arange(4) % 2, 1), np.arange(4) % 2)
    settings = with_evaluation(
        extractor="inception", weights=str(weights), weights_sha256=digest, kid_subset_size=3, neighbours=1
    )
    report = evaluated(settings)
    assert report["protocol"]["extractor_sha256"] == digest
    assert report["protocol"]["features"] == 2048
    assert "299x299" in report["protocol"]["resize"]
    assert report["fid"]["value"] > 0
    assert 1 <= report["isc"]["value"] <= 1008


def write_random_inception(path: Path) -> str:
    """Weights as torch-fidelity publishes them, but random; returns their sha256.

    Only one branch of the last block speaks: 320 features instead of 2048, which spares the test seconds of
    eigenvalues.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    state = network.state_dict()
    for key, tensor in state.items():
        if key.startswith("Mixed_7c.branch") and not key.startswith("Mixed_7c.branch1x1") and "bn." in key:
            tensor.zero_()
    torch.save(state, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
