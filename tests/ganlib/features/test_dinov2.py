from pathlib import Path

import pytest
import torch
from fake_weights import saved, tensors_like
from torch import nn

from ganlib.errors import UserError
from ganlib.features import FeatureExtractor, open_extractor
from ganlib.features._vision_transformer import VisionTransformer
from ganlib.features.dinov2 import SIZES, DinoV2Loader, network_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("weights") / "dinov2_vits14_pretrain.pth"
    return path, saved(path, tensors_like(network_of("vit-s-14"), 1.0))


@pytest.fixture(scope="module")
def small(file: tuple[Path, str]) -> FeatureExtractor:
    path, digest = file
    return open_extractor(
        "dinov2", "pictures", variant="vit-s-14", weights=str(path), weights_sha256=digest, trained=path, device=CPU
    )


def pictures(channels: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (2, channels, 9, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_it_sees_what_torch_fidelitys_extractor_sees_through_the_same_network(
    small: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

    monkeypatch.setenv("XFORMERS_DISABLED", "1")  # or torch-fidelity sets it for good
    monkeypatch.setattr("torch.hub.load", lambda *_: small.network)
    theirs = FeatureExtractorDinoV2("dinov2-vit-s-14", ["dinov2"])
    with torch.no_grad():
        features, logits = small(pictures())
        (expected,) = theirs(pictures().repeat(1, 3, 1, 1))
    assert features.shape == (2, 384)
    assert logits.shape == (2, 0)
    assert (features - expected).abs().max() < 1e-4 * expected.abs().max()
    assert (expected[0] - expected[1]).abs().max() > 1e-2 * expected.abs().max()  # the pictures do differ


def test_a_block_is_a_transformers() -> None:
    """As torch has it, where branches are not scaled."""
    torch.manual_seed(0)
    ours = VisionTransformer(24, 2, 3, gated=False).blocks[0]
    theirs = nn.TransformerEncoderLayer(
        24, 3, dim_feedforward=96, activation="gelu", batch_first=True, norm_first=True, layer_norm_eps=1e-6
    )
    names = {
        "self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1.": "mlp.fc1.",
        "linear2.": "mlp.fc2.", "norm1.": "norm1.", "norm2.": "norm2.",
    }  # fmt: skip
    for part in ("weight", "bias"):
        for their_name, our_name in names.items():
            tensor = ours.get_parameter(our_name + part)
            tensor.data.normal_(0, 0.3)
            theirs.get_parameter(their_name + part).data.copy_(tensor)
    tokens = torch.randn(2, 5, 24)
    theirs.eval()
    expected = theirs(tokens)
    assert torch.allclose(ours(tokens), expected, atol=1e-4)
    assert torch.allclose(ours(tokens, read=1), expected[:, :1], atol=1e-4)
    ours.ls1.gamma.data.zero_()
    ours.ls2.gamma.data.zero_()
    assert torch.equal(ours(tokens), tokens)


def test_a_gated_perceptron_has_as_many_weights() -> None:
    torch.manual_seed(0)
    perceptron = VisionTransformer(24, 2, 3, gated=True).blocks[0].mlp
    tokens = torch.randn(2, 5, 24)
    gate, value = (tokens @ perceptron.w12.weight.T + perceptron.w12.bias).split(64, dim=-1)
    expected = perceptron.w3(gate * torch.sigmoid(gate) * value)
    assert torch.allclose(perceptron(tokens), expected, atol=1e-6)


def test_positions_are_interpolated_a_tenth_of_a_patch_too_far() -> None:
    network = VisionTransformer(24, 1, 3, gated=False)
    network.pos_embed.data[:, 1:] = torch.linspace(0, 1, 37).repeat_interleave(37).view(1, -1, 1)
    network.fit_places(224)
    places = network.pos_embed.data[0, 1:, 0].view(16, 16)
    assert torch.allclose(places, places[:, :1].expand(-1, 16), atol=1e-6)
    # 37 places in steps of 37 / 16.1; cubic weights bend a line by some hundredths.
    assert float(places[13, 0] - places[3, 0]) * 36 == pytest.approx(10 * 37 / 16.1, abs=0.05)
    assert abs(10 * 37 / 16 - 10 * 37 / 16.1) > 0.1  # which would be without the tenth


@pytest.mark.parametrize("variant", list(SIZES))
def test_networks_have_the_published_sizes(variant: str) -> None:
    """In millions, as the model card has them; without the heads that only training used."""
    millions = {"vit-s-14": 22, "vit-b-14": 87, "vit-l-14": 304, "vit-g-14": 1136}
    network = network_of(variant)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(millions[variant], rel=0.01)
    names = set(network.state_dict())
    assert {"cls_token", "mask_token", "pos_embed", "patch_embed.proj.weight", "norm.bias"} <= names
    inside = {"w12", "w3"} if variant == "vit-g-14" else {"fc1", "fc2"}
    block = {name.removeprefix("blocks.0.").rsplit(".", 1)[0] for name in names if name.startswith("blocks.0.")}
    assert block == {"norm1", "attn.qkv", "attn.proj", "ls1", "norm2", "ls2"} | {f"mlp.{part}" for part in inside}


def test_weights_of_another_variant_are_one_sentence(file: tuple[Path, str]) -> None:
    path, digest = file
    with pytest.raises(UserError, match=r"does not hold the weights of dinov2 vit-b-14; fetch https://dl\.fbaip"):
        DinoV2Loader(variant="vit-b-14", weights=str(path), weights_sha256=digest).load(path)
    with pytest.raises(UserError, match=r"but b938bf1b.* is expected"):
        DinoV2Loader(weights=str(path)).load(path)


def test_the_largest_needs_somebody_who_vouches_for_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nobody has published .* dinov2 vit-g-14 .* set evaluate\.weights_sha256"):
        DinoV2Loader(variant="vit-g-14").load(tmp_path)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_one_sentence(small: FeatureExtractor, channels: int) -> None:
    with pytest.raises(UserError, match=f"dinov2 looks at grey or RGB pictures and got {channels} channels"):
        small(pictures(channels))
