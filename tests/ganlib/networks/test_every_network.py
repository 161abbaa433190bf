"""Laws that every file of ganlib/networks keeps."""

import copy

import pytest
import safetensors.torch
import torch
from network_pairs import FIT, LABELS, NETWORKS, OPTIONS, latents, load, pair, pictures

from ganlib import components
from ganlib.errors import UserError
from ganlib.networks import Fit, NetworkFamily, stem_and_doublings

SHAPES = [(1, 8, 8), (3, 16, 16), (1, 28, 28), (2, 24, 48), (4, 32, 32)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_classes", [0, 3])
def test_noise_becomes_pictures_and_pictures_become_logits(
    name: str, shape: tuple[int, int, int], n_classes: int
) -> None:
    fit = Fit(shape, latent_dim=5, n_classes=n_classes)
    labels = torch.tensor([0, 2, 1]) if n_classes else None
    images = load(name).generator(fit)(torch.randn(3, 5), labels)
    assert images.shape == (3, *shape)
    assert images.abs().mean() < 2
    assert load(name).discriminator(fit)(images, labels).shape == (3,)


@pytest.mark.parametrize("name", [name for name in NETWORKS if "points" in components.leaf(NetworkFamily, name).kinds])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("n_classes", [0, 3])
def test_noise_becomes_points_in_no_fixed_range(name: str, dimensions: int, n_classes: int) -> None:
    fit = Fit((dimensions, 1, 1), latent_dim=5, n_classes=n_classes, kind="points")
    labels = torch.tensor([0, 2, 1]) if n_classes else None
    generator = load(name).generator(fit)
    assert generator.makes == "points"
    points = generator(1000 * torch.randn(3, 5), labels)
    assert points.shape == (3, dimensions, 1, 1)
    assert points.abs().max() > 2
    assert load(name).discriminator(fit)(points, labels).shape == (3,)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_weight_of_both_players_is_used(name: str) -> None:
    generator, discriminator = (player.double() for player in pair(name))
    logits = discriminator(generator(latents().double(), LABELS), LABELS)
    for player in (generator, discriminator):
        weights = dict(player.named_parameters())
        gradients = torch.autograd.grad(logits.square().sum(), list(weights.values()), retain_graph=True)
        for key, gradient in zip(weights, gradients, strict=True):
            assert gradient.abs().sum() > 1e-6, f"{key} has no part in the game"


@pytest.mark.parametrize("name", OPTIONS)
def test_a_conditional_player_listens_to_its_label(name: str) -> None:
    zeros, ones = torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    generator, discriminator = (player.eval() for player in pair(name))
    assert not torch.allclose(generator(latents(), zeros), generator(latents(), ones))
    assert not torch.allclose(discriminator(pictures(), zeros), discriminator(pictures(), ones))


@pytest.mark.parametrize("name", OPTIONS)
def test_the_discriminator_judges_each_image_alone(name: str) -> None:
    """What gradient penalties rest on."""
    discriminator = pair(name)[1].double().eval()
    images = pictures().double()
    alone = torch.cat([discriminator(image[None], label[None]) for image, label in zip(images, LABELS, strict=True)])
    torch.testing.assert_close(discriminator(images, LABELS), alone)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_features_are_all_that_is_judged(name: str) -> None:
    discriminator = pair(name)[1].eval()
    features = discriminator.features(pictures())
    assert torch.equal(discriminator.judge(features, LABELS), discriminator(pictures(), LABELS))


@pytest.mark.parametrize("name", [name for name in OPTIONS if "attention" not in name])
def test_the_discriminator_is_linear_between_kinks(name: str) -> None:
    """What gradients of a gradient penalty without second derivatives rest on."""
    discriminator = pair(name)[1].double().eval()
    images = pictures().double().requires_grad_()
    logits = discriminator(images, LABELS)
    (gradient,) = torch.autograd.grad(logits.sum(), images)
    step = 1e-5 * torch.randn(images.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    expected = logits + (gradient * step).sum(dim=(1, 2, 3))
    torch.testing.assert_close(discriminator(images + step, LABELS), expected, rtol=1e-14, atol=5e-14)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_seed_decides_the_weights(name: str) -> None:
    built = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        built.append([*load(name).generator(FIT).parameters(), *load(name).discriminator(FIT).parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*built[:2], strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(*built[1:], strict=True))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_copy_and_a_file_hold_all_there_is(name: str) -> None:
    generator, discriminator = pair(name)
    for _ in range(3):
        discriminator(generator(latents(), LABELS), LABELS)
    for player, inputs, fresh in (
        (generator, latents(), load(name).generator(FIT)),
        (discriminator, pictures(), load(name).discriminator(FIT)),
    ):
        copied = copy.deepcopy(player)
        file = safetensors.torch.save({key: value.contiguous() for key, value in player.state_dict().items()})
        fresh.load_state_dict(safetensors.torch.load(file))
        for _ in range(2):  # still the same after what the first pass in training mode changes
            expected = player(inputs, LABELS)
            assert torch.equal(copied(inputs, LABELS), expected)
            assert torch.equal(fresh(inputs, LABELS), expected)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((8, 8), (4, 4, 1)), ((16, 16), (4, 4, 2)), ((28, 28), (7, 7, 2)), ((32, 32), (4, 4, 3)), ((48, 64), (3, 4, 4))],
)
def test_a_resolution_is_a_small_stem_times_a_power_of_two(
    size: tuple[int, int], expected: tuple[int, int, int]
) -> None:
    assert stem_and_doublings(*size) == expected


@pytest.mark.parametrize("size", [(7, 7), (17, 16), (2, 2), (38, 38)])
def test_a_resolution_that_is_not_says_what_would_be(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=r"data\.resolution gives \d+x\d+ .* set data\.resolution to"):
        stem_and_doublings(*size)


def test_batch_normalisation_in_the_discriminator_is_there_when_asked_for() -> None:
    family = components.build(NetworkFamily, "dcgan", {"discriminator_norm": "batch"}, section="network")
    modules = family.discriminator(Fit((1, 16, 16), latent_dim=5)).modules()
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in modules)
