"""Laws that every file of ganlib/networks keeps."""

import pytest
import torch

from ganlib import components
from ganlib.errors import UserError
from ganlib.networks import Fit, NetworkFamily, stem_and_doublings

NETWORKS = components.names("networks")
SHAPES = [(1, 8, 8), (3, 16, 16), (1, 28, 28), (2, 24, 48), (4, 32, 32)]


def load(name: str) -> NetworkFamily:
    return components.build(NetworkFamily, name, {"width": 4}, section="network")


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
    assert images.abs().max() <= 1.5
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


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_of_both_players_is_used(name: str) -> None:
    fit = Fit((1, 8, 8), latent_dim=5, n_classes=2)
    generator, discriminator = load(name).generator(fit), load(name).discriminator(fit)
    labels = torch.tensor([0, 1, 0, 1])
    logits = discriminator(generator(torch.randn(4, 5), labels), labels)
    for player in (generator, discriminator):
        for weight, gradient in zip(
            player.named_parameters(),
            torch.autograd.grad(logits.square().sum(), list(player.parameters()), retain_graph=True),
            strict=True,
        ):
            assert gradient.abs().sum() > 0, f"{weight[0]} has no part in the game"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_conditional_player_listens_to_its_label(name: str) -> None:
    fit = Fit((1, 8, 8), latent_dim=5, n_classes=2)
    zeros, ones = torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    latents, images = torch.randn(4, 5), torch.randn(4, 1, 8, 8)
    generator, discriminator = load(name).generator(fit).eval(), load(name).discriminator(fit)
    assert not torch.allclose(generator(latents, zeros), generator(latents, ones))
    assert not torch.allclose(discriminator(images, zeros), discriminator(images, ones))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_discriminator_judges_each_image_alone(name: str) -> None:
    """What gradient penalties rest on."""
    fit = Fit((1, 8, 8), latent_dim=5)
    discriminator = load(name).discriminator(fit).double()
    images = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    alone = torch.cat([discriminator(image.unsqueeze(0)) for image in images])
    torch.testing.assert_close(discriminator(images), alone)


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
