"""The residual players: labels by conditional batch normalisation, attention, spectral normalisation."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from ganlib import components
from ganlib.errors import UserError
from ganlib.networks import Fit, NetworkFamily, stage_widths
from ganlib.networks.resnet import DownBlock, ResnetDiscriminator, ResnetGenerator, SelfAttention, UpBlock


def family(name: str = "resnet", **options: object) -> NetworkFamily:
    return components.build(NetworkFamily, name, options, section="network")


def test_for_32_pixels_the_blocks_are_the_papers() -> None:
    fit = Fit((3, 32, 32), 128)
    with torch.device("meta"):
        generator = family(generator_width=256).generator(fit)
        discriminator = family(generator_width=256).discriminator(fit)
    up = [block for block in generator.modules() if isinstance(block, UpBlock)]
    down = [block for block in discriminator.modules() if isinstance(block, DownBlock)]
    assert [tuple(block.conv1.weight.shape[:2]) for block in up] == [(256, 256)] * 3
    assert [tuple(block.conv1.weight.shape[:2]) for block in down] == [(128, 3)] + [(128, 128)] * 3
    assert [block.halve for block in down] == [True, True, False, False]


def test_the_discriminators_of_larger_pictures_go_down_to_8_pixels() -> None:
    with torch.device("meta"):
        discriminator = family(width=32).discriminator(Fit((3, 128, 128), 3))
    down = [block for block in discriminator.modules() if isinstance(block, DownBlock)]
    assert [block.conv2.weight.shape[0] for block in down] == [8, 16, 32, 32, 32, 32]
    assert [block.halve for block in down] == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("stages", "expected"), [(2, [768, 768]), (4, [768] * 4), (7, [96, 192, 384, 768, 768, 768, 768])]
)
def test_the_four_lowest_resolutions_have_the_whole_width(stages: int, expected: list[int]) -> None:
    assert stage_widths(768, stages) == expected


def test_labels_enter_the_generator_by_batch_normalisation_alone_and_start_without_effect() -> None:
    torch.manual_seed(0)
    generator = family(width=4).generator(Fit((1, 16, 16), 3, n_classes=2)).eval()
    latents, zeros, ones = torch.randn(2, 3), torch.tensor([0, 0]), torch.tensor([1, 1])
    assert torch.equal(generator(latents, zeros), generator(latents, ones))
    with torch.no_grad():
        generator.get_parameter("blocks.0.norm1.gain.weight")[1] *= 2
    assert not torch.allclose(generator(latents, zeros), generator(latents, ones))


def around(module: nn.Module, player: nn.Module, inputs: torch.Tensor) -> list[torch.Tensor]:
    """What goes into a module of the player, and what comes out."""
    seen: list[torch.Tensor] = []
    module.register_forward_hook(lambda _, given, made: seen.extend((*given, made)))
    player(inputs)
    return seen


def test_attention_is_where_it_was_asked_for_and_starts_as_the_identity() -> None:
    torch.manual_seed(0)
    fit = Fit((1, 24, 48), 3)
    players = family(width=8, attention=12).generator(fit), family(width=8, attention=12).discriminator(fit)
    for player, inputs in zip(players, (torch.randn(2, 3), torch.randn(2, 1, 24, 48)), strict=True):
        assert isinstance(player, ResnetGenerator | ResnetDiscriminator)
        (attention,) = [module for module in player.modules() if isinstance(module, SelfAttention)]
        given, made = around(attention, player, inputs)
        assert given.shape == (2, 8, 12, 24)
        assert torch.equal(given, made)


def test_attention_brings_far_pixels_together() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(8)
    with torch.no_grad():
        attention.gamma.fill_(1)
    activations = torch.randn(1, 8, 6, 6, requires_grad=True)
    (gradient,) = torch.autograd.grad(attention(activations)[0, :, 0, 0].sum(), activations)
    assert gradient[0, :, 5, 5].abs().sum() > 0
    expected = attention(activations.flip(2))  # it knows no places
    torch.testing.assert_close(attention(activations).flip(2), expected)
    parts = [layer(activations).flatten(2).mT for layer in (attention.query, attention.key, attention.value)]
    seen = torch.nn.functional.scaled_dot_product_attention(*parts, scale=1.0).mT.unflatten(2, (6, 6))
    torch.testing.assert_close(attention(activations), activations + attention.output(seen))


@pytest.mark.parametrize(
    ("size", "way_out"), [(32, r"set it to 16 or set it to 8 or leave it empty\."), (8, r"length; leave it empty\.")]
)
def test_attention_where_there_is_no_such_map_says_where_there_is_one(size: int, way_out: str) -> None:
    with pytest.raises(UserError, match=rf"network\.attention is 20, but with pictures of {size}x{size} .*{way_out}"):
        family(attention=20).generator(Fit((1, size, size), 3))


SPECTRAL = [("mlp", {"spectral_norm": True}), ("dcgan", {"spectral_norm": True}), ("resnet", {})]


@pytest.mark.parametrize(("name", "options"), SPECTRAL, ids=["mlp", "dcgan", "resnet"])
def test_spectral_normalisation_makes_largest_singular_values_1_and_learns_them_in_training_only(
    name: str, options: dict[str, object]
) -> None:
    torch.manual_seed(0)
    discriminator = family(name, width=4, **options).discriminator(Fit((2, 16, 16), 3, n_classes=2))
    images, labels = torch.randn(2, 2, 16, 16), torch.tensor([0, 1])
    for _ in range(60):
        discriminator(images, labels)
    weights = [
        getattr(layer, "weight", None) for layer in discriminator.modules() if hasattr(layer, "parametrizations")
    ]
    assert len(weights) >= 4
    for weight in weights:
        assert weight is not None
        assert torch.linalg.matrix_norm(weight.flatten(1), ord=2).item() == pytest.approx(1, rel=0.02)
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    with torch.no_grad():
        for weight in discriminator.parameters():
            weight.mul_(1.0).add_(torch.randn_like(weight))
    discriminator.eval()(images, labels)
    vectors = [key for key in before if key.endswith(("_u", "_v"))]
    assert all(torch.equal(before[key], discriminator.state_dict()[key]) for key in vectors)
    discriminator.train()(images, labels)
    assert not all(torch.equal(before[key], discriminator.state_dict()[key]) for key in vectors)


def test_a_generator_is_normalised_only_when_asked_for() -> None:
    def normalised(**options: object) -> list[bool]:
        fit = Fit((1, 16, 16), 3)
        players = family(width=4, **options).generator(fit), family(width=4, **options).discriminator(fit)
        return [any(key.endswith("_u") for key in player.state_dict()) for player in players]

    assert normalised() == normalised(spectral_norm="discriminator") == [False, True]
    assert normalised(spectral_norm="both") == [True, True]
    assert normalised(spectral_norm="none") == [False, False]


class Recorder(nn.Module):
    """Notes whether autocast is on where a weight is computed."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        self.autocast = torch.is_autocast_enabled("cpu")
        return weight


def test_weights_are_computed_in_float32_at_every_stage() -> None:
    discriminator = family(width=4).discriminator(Fit((1, 16, 16), 3))
    discriminator.bfloat16_stages = 9
    recorders = []
    for module in [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]:
        recorders.append(Recorder())
        register_parametrization(module, "weight", recorders[-1])
        recorders[-1].autocast = True
    discriminator(torch.randn(2, 1, 16, 16))
    assert len(recorders) > 4
    assert not any(recorder.autocast for recorder in recorders)


def test_halving_takes_averages_and_skips_commute_with_them() -> None:
    torch.manual_seed(0)
    block = DownBlock(2, 3, halve=True).double()
    images = torch.randn(2, 2, 8, 12, dtype=torch.float64)
    halved = block(images)
    block.halve = False
    torch.testing.assert_close(halved, torch.nn.functional.avg_pool2d(block(images), 2))
