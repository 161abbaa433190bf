"""The R3GAN players are those of the paper."""

import pytest
import torch
from torch import nn

from ganlib import components
from ganlib.errors import UserError
from ganlib.networks import Fit, NetworkFamily
from ganlib.networks.r3 import Block, R3Discriminator, R3Generator, Resampling


def family(**options: int) -> NetworkFamily:
    return components.build(NetworkFamily, "r3", options, section="network")


def millions(player: nn.Module) -> float:
    return round(sum(weight.numel() for weight in player.parameters()) / 1e6, 2)


@pytest.mark.parametrize(
    ("options", "fit", "published"),
    [
        pytest.param({}, Fit((3, 32, 32), 64), (20.73, 20.68), id="StackedMNIST"),
        pytest.param({}, Fit((3, 32, 32), 64, 10), (20.78, 21.28), id="CIFAR-10"),
        pytest.param({"width": 1536, "group_size": 32}, Fit((3, 32, 32), 64, 1000), (82.91, 86.55), id="ImageNet-32"),
        pytest.param({}, Fit((3, 64, 64), 64), (22.43, 22.38), id="FFHQ-64"),
        pytest.param({}, Fit((3, 256, 256), 64), (23.06, 23.01), id="FFHQ-256"),
    ],
)
def test_there_are_as_many_weights_as_published(
    options: dict[str, int], fit: Fit, published: tuple[float, float]
) -> None:
    with torch.device("meta"):
        players = family(**options).generator(fit), family(**options).discriminator(fit)
    assert tuple(map(millions, players)) == published


def test_the_groups_of_the_highest_resolutions_are_as_published() -> None:
    with torch.device("meta"):
        discriminator = family().discriminator(Fit((3, 256, 256), 64))
    groups = [module.mix.groups for module in discriminator.modules() if isinstance(module, Block)]
    assert groups[::2] == groups[1::2] == [12, 24, 48, 96, 96, 96, 96]


@pytest.mark.parametrize("size", [(28, 28, 7, 7), (48, 64, 3, 4), (24, 48, 3, 6)])
def test_the_stem_has_the_shape_of_the_picture(size: tuple[int, int, int, int]) -> None:
    height, width, stem_h, stem_w = size
    fit = Fit((1, height, width), 3)
    for player in (family(width=4).generator(fit), family(width=4).discriminator(fit)):
        assert isinstance(player, R3Generator | R3Discriminator)
        assert player.stem.shape == (4, stem_h, stem_w)


def test_weights_start_with_the_published_spread() -> None:
    """g / sqrt(fan-in): g as derived from the depth inside a block, 0 at its end, 1 elsewhere."""
    torch.manual_seed(0)
    fit = Fit((3, 16, 16), 64, n_classes=50)
    generator, discriminator = family(width=128).generator(fit), family(width=128).discriminator(fit)
    assert isinstance(generator, R3Generator)
    assert isinstance(discriminator, R3Discriminator)
    gain = (2 / 1.04) ** 0.5 * 6**-0.25
    expected = {
        generator.scales.weight: 128**-0.5,
        generator.stem: 1,
        generator.to_pixels.weight: 128**-0.5,
        discriminator.from_pixels.weight: 3**-0.5,
        discriminator.stem: 16**-0.5,
        discriminator.to_logit.weight: 128**-0.5,
        generator.get_parameter("embedding.weight"): 50**-0.5,
        discriminator.get_parameter("embedding.weight"): (50 * 128) ** -0.5,
    }
    for block in [module for player in (generator, discriminator) for module in player.modules()]:
        if isinstance(block, Block):
            expected |= {block.widen.weight: gain * 128**-0.5, block.mix.weight: gain * (16 * 9) ** -0.5}
            assert not block.narrow.weight.any()
            assert block.narrow.bias is None
            assert block.widen.bias is not None
            assert not block.widen.bias.any()
    for weight, spread in expected.items():
        assert weight.std().item() == pytest.approx(spread, rel=0.12)
        assert abs(weight.mean().item()) < 0.12 * spread


def test_a_block_starts_as_the_identity() -> None:
    activations = torch.randn(2, 8, 4, 4)
    assert torch.equal(Block(8, 16, gain=1.0)(activations), activations)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_resampling_keeps_what_is_constant(dtype: torch.dtype) -> None:
    constant = torch.full((1, 3, 8, 12), 2.0, dtype=dtype)
    up, down = Resampling(3, up=True).to(dtype)(constant), Resampling(3, up=False).to(dtype)(constant)
    assert up.shape == (1, 3, 16, 24)
    assert down.shape == (1, 3, 4, 6)
    assert up.dtype == down.dtype == dtype
    assert (up[:, :, 1:-1, 1:-1] == 2).all()
    assert (down[:, :, 1:-1, 1:-1] == 2).all()


def test_enlarging_is_the_transpose_of_reducing_four_times() -> None:
    small, large = torch.randn(2, 3, 4, 6).double(), torch.randn(2, 3, 8, 12).double()
    up, down = Resampling(3, up=True).double(), Resampling(3, up=False).double()
    torch.testing.assert_close((up(small) * large).sum(), 4 * (small * down(large)).sum())


def test_the_filter_is_binomial() -> None:
    impulse = torch.zeros(1, 1, 4, 4)
    impulse[0, 0, 1, 1] = 64
    taps = torch.tensor([1.0, 3, 3, 1])
    assert torch.equal(Resampling(1, up=True)(impulse)[0, 0, 1:5, 1:5], 4 * taps.outer(taps))
    assert Resampling(1, up=True).state_dict() == {}


def formats_of_blocks(player: nn.Module, inputs: torch.Tensor) -> set[tuple[int, torch.dtype]]:
    """(height, number format) of what each block puts out."""
    found: set[tuple[int, torch.dtype]] = set()
    for block in [module for module in player.modules() if isinstance(module, Block)]:
        block.register_forward_hook(lambda _, __, output: found.add((output.shape[2], output.dtype)))
    assert player(inputs).dtype == torch.float32
    return found


@pytest.mark.parametrize(("bfloat16_stages", "expected"), [(0, ""), (1, "2"), (3, "210")])
def test_bfloat16_is_for_the_highest_resolutions(bfloat16_stages: int, expected: str) -> None:
    fit = Fit((1, 16, 16), 3)
    for player, inputs in (
        (family(width=4).generator(fit), torch.randn(2, 3)),
        (family(width=4).discriminator(fit), torch.randn(2, 1, 16, 16)),
    ):
        assert isinstance(player, R3Generator | R3Discriminator)
        player.bfloat16_stages = bfloat16_stages
        found = formats_of_blocks(player, inputs)
        narrow = {4 * 2 ** int(level) for level in expected}
        assert found == {(side, torch.bfloat16 if side in narrow else torch.float32) for side in (4, 8, 16)}


def test_a_width_that_does_not_fall_into_groups_says_which_would() -> None:
    sentence = r"network\.width 12 gives a convolution of 24 channels, .* set network\.width to a multiple of 8, or"
    with pytest.raises(UserError, match=sentence):
        family(width=12).generator(Fit((1, 32, 32), 3))
    sentence = r"network\.width 40 gives a convolution of 40 channels, .* multiple of 16, or"
    with pytest.raises(UserError, match=sentence):
        family(width=40).discriminator(Fit((1, 64, 64), 3))
    assert family(width=24).generator(Fit((1, 32, 32), 3))
