"""Every extractor gives torch-fidelity's numbers, because torch-fidelity can look through it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from ganlib import components, evaluation
from ganlib.errors import UserError
from ganlib.features import FeatureExtractor, open_extractor, register, registered_name
from ganlib.features.classifier import Architecture, Classifier, save_classifier
from ganlib.metrics import Evidence
from ganlib.prepared import Split
from ganlib.settings import EvaluateSettings
from ganlib.shapes import Kind

CPU = torch.device("cpu")
SETTINGS = EvaluateSettings(isc_splits=4, kid_subsets=7, kid_subset_size=20, neighbours=3, seed=11, batch_size=16)


class Pictures(Dataset):  # type: ignore[type-arg]
    """As torch-fidelity wants them."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.from_numpy(self.pixels[i])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = Classifier(Architecture((1, 8, 8), 6, ("a", "b", "c"))).train()
    with torch.no_grad():  # batch normalisation learns what pictures are like
        network(torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8))
    save_classifier(tmp_path, network, data_digest="")
    return tmp_path


def opened(folder: Path) -> FeatureExtractor:
    return open_extractor("classifier", "pictures", weights=None, weights_sha256=None, trained=folder, device=CPU)


def pictures(n: int, seed: int, top: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, top, (n, 1, 8, 8)).astype(np.uint8)


def test_our_numbers_are_torch_fidelitys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch_fidelity

    # No worker processes: they take seconds and change nothing.
    monkeypatch.setattr("torch_fidelity.utils.multiprocessing.cpu_count", lambda: 0)
    extractor = opened(folder)
    generated, train = pictures(50, 1, 120), pictures(70, 2, 256)
    theirs: dict[str, Any] = torch_fidelity.calculate_metrics(
        input1=Pictures(generated), input2=Pictures(train), feature_extractor=registered_name(extractor),
        fid=True, isc=True, kid=True, prc=True, cuda=False, cache=False, verbose=False,
        batch_size=SETTINGS.batch_size, isc_splits=4, kid_subsets=7, kid_subset_size=20, prc_neighborhood=3,
        rng_seed=11,
    )  # fmt: skip
    judge = evaluation.Judge(extractor, None, conditional=False, device=CPU)
    seen = [
        evaluation.look(Split(pixels, np.zeros(len(pixels), np.int64)), judge, name="set", batch_size=16)
        for pixels in (generated, train)
    ]
    ours = evaluation.measure(Evidence(seen[0], seen[1], seen[1]), SETTINGS)
    exactly = {"rel": 0, "abs": 1e-9}
    assert ours["fid"]["value"] == pytest.approx(theirs["frechet_inception_distance"], **exactly)
    assert ours["isc"]["value"] == pytest.approx(theirs["inception_score_mean"], **exactly)
    assert ours["isc"]["std"] == pytest.approx(theirs["inception_score_std"], **exactly)
    assert ours["kid"]["value"] == pytest.approx(theirs["kernel_inception_distance_mean"], **exactly)
    assert ours["kid"]["std"] == pytest.approx(theirs["kernel_inception_distance_std"], **exactly)
    for share in ("precision", "recall"):  # theirs are means in float32
        assert ours[share]["value"] == pytest.approx(theirs[share], rel=0, abs=1e-7)
    assert 0 < theirs["precision"] < 1  # the pictures are no trivial case
    assert theirs["frechet_inception_distance"] > 1e-4


def test_an_unknown_extractor_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"evaluate\.extractor is 'incepton'; choose one of: classifier, clip, coordinates, dinov2, inc"
    ):
        open_extractor("incepton", "pictures", weights=None, weights_sha256=None, trained=tmp_path, device=CPU)
    assert components.names("features") == [
        "classifier", "clip", "coordinates", "dinov2", "inception", "random", "vgg16"
    ]  # fmt: skip


def test_other_weights_are_another_name_and_registering_twice_is_fine(folder: Path) -> None:
    extractor = opened(folder)
    assert register(extractor) == register(extractor) == registered_name(extractor)
    other = Classifier(Architecture((1, 8, 8), 6, ("a", "b", "c")), digest="f" * 64)
    assert registered_name(other) != registered_name(extractor)


def test_an_extractor_is_frozen(folder: Path) -> None:
    extractor = opened(folder)
    assert not extractor.training
    assert not any(parameter.requires_grad for parameter in extractor.parameters())


@pytest.mark.parametrize(
    ("name", "kind", "way_out"),
    [("classifier", "points", "coordinates"), ("inception", "points", "coordinates"),
     ("coordinates", "pictures", "classifier, clip, dinov2, inception, random or vgg16")],
)  # fmt: skip
def test_an_extractor_that_cannot_look_at_the_data_is_one_sentence(
    tmp_path: Path, name: str, kind: Kind, way_out: str
) -> None:
    sentence = rf"evaluate\.extractor is {name}, which does not look at {kind}.* set it to {way_out}\."
    with pytest.raises(UserError, match=sentence):
        open_extractor(name, kind, weights=None, weights_sha256=None, trained=tmp_path, device=CPU)
