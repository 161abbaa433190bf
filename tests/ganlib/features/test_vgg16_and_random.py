from pathlib import Path

import pytest
import torch
from fake_weights import saved, tensors_like

from ganlib.errors import UserError
from ganlib.features import FeatureExtractor, open_extractor
from ganlib.features._vgg import empty_network
from ganlib.features.random import RandomLoader, draw
from ganlib.features.vgg16 import Vgg16Loader

RANDOM_SHA256 = "0da6400e9018db7f850eb3859d4dd3acf8d7a1bc6a727148d5e33f5fb8660cb5"


def pictures(channels: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (2, channels, 9, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_vgg16_sees_what_torch_fidelitys_own_extractor_sees(tmp_path: Path) -> None:
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    path = tmp_path / "vgg16.pth"
    digest = saved(path, tensors_like(empty_network(), 1.4))
    ours = Vgg16Loader(weights=str(path), weights_sha256=digest).load(tmp_path).eval()
    with pytest.MonkeyPatch.context() as patch:  # drawing weights that are thrown away takes seconds
        patch.setattr("torch.nn.init.kaiming_normal_", lambda *_, **__: None)
        patch.setattr("torch.nn.init.normal_", lambda *_, **__: None)
        patch.setattr("torch.nn.init.kaiming_uniform_", lambda *_, **__: None)
        theirs = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(path))
    with torch.no_grad():
        features, logits = ours(pictures())
        (expected,) = theirs(pictures().repeat(1, 3, 1, 1))
    assert features.shape == (2, 4096)
    assert logits.shape == (2, 1000)
    assert (features - expected).abs().max() < 1e-5 * expected.abs().max()
    assert (expected[0] - expected[1]).abs().max() > 1e-2 * expected.abs().max()  # the pictures do differ
    with pytest.raises(UserError, match="vgg16 looks at grey or RGB pictures and got 4 channels"):
        ours(pictures(4))


def test_a_file_of_other_weights_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    digest = saved(path, {"a": torch.zeros(1)})
    with pytest.raises(UserError, match=r"does not hold the weights of torchvision's VGG-16; fetch https://download"):
        Vgg16Loader(weights=str(path), weights_sha256=digest).load(tmp_path)


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> FeatureExtractor:
    return RandomLoader().load(tmp_path_factory.mktemp("none")).eval()


def test_random_weights_are_the_same_for_everybody(random: FeatureExtractor) -> None:
    assert random.digest == RANDOM_SHA256


def test_random_weights_leave_other_draws_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    draw(torch.nn.Sequential(torch.nn.Linear(3, 4, device="meta")))
    assert torch.equal(torch.rand(3), expected)


def test_random_features_tell_pictures_apart_and_know_no_classes(random: FeatureExtractor) -> None:
    with torch.no_grad():
        features, logits = random(pictures(3))
    assert features.shape == (2, 4096)
    assert logits.shape == (2, 0)
    assert bool(torch.isfinite(features).all())
    assert (features[0] - features[1]).abs().max() > 0.05 * features.abs().max()


def test_random_sees_unrounded_pictures_as_it_sees_rounded_ones(random: FeatureExtractor) -> None:
    """So that a path length may take small steps."""
    assert random.unrounded == (0, 255)
    rounded, floats = random(pictures())[0], random(pictures().float())[0]
    assert torch.equal(rounded, floats)
    between = random(pictures().float() + 0.4)[0]
    assert not torch.equal(rounded, between)


@pytest.mark.parametrize("channels", [2, 4])
def test_random_looks_at_grey_and_rgb_only(random: FeatureExtractor, channels: int) -> None:
    with pytest.raises(UserError, match=f"random looks at grey or RGB pictures and got {channels} channels"):
        random(pictures(channels))


def test_random_takes_no_weights(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="random has none; leave them empty"):
        open_extractor(
            "random", "pictures", weights="x", weights_sha256=None, trained=tmp_path, device=torch.device("cpu")
        )
