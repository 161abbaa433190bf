"""Laws that every file of ganlib/networks keeps on whatever it is computed."""

import pytest
import torch
import torch.nn.functional as F
from network_pairs import FIT, LABELS, NETWORKS, OPTIONS, latents, load, pair, pictures
from torch import Tensor, nn

from ganlib import components
from ganlib.networks import Discriminator, Fit, NetworkFamily


def squared_gradient_norm(discriminator: Discriminator, images: Tensor) -> Tensor:
    images = images.requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(images, LABELS).sum(), images, create_graph=True)
    return gradient.float().square().sum()


@pytest.mark.parametrize("name", OPTIONS)
def test_each_player_can_learn(name: str) -> None:
    torch.manual_seed(0)
    generator, discriminator = load(name).generator(FIT), load(name).discriminator(FIT)
    shades = torch.tensor([1.0, 1.0, -1.0, -1.0])
    flat = shades.view(4, 1, 1, 1).expand(4, 2, 16, 16)

    def generator_loss() -> Tensor:
        return (generator(latents(), LABELS) - 0.5).square().mean()

    def discriminator_loss() -> Tensor:
        return F.softplus(-shades * discriminator(flat, LABELS)).mean()

    for player, loss in ((generator, generator_loss), (discriminator, discriminator_loss)):
        optimizer = torch.optim.Adam(player.parameters(), lr=3e-3)
        first = loss().item()
        for _ in range(15):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        assert loss().item() < 0.9 * first


@pytest.mark.parametrize("name", OPTIONS)
def test_bfloat16_stages_change_little_and_leave_weights_and_logits_in_float32(name: str) -> None:
    generator, discriminator = pair(name)
    generator.eval(), discriminator.eval()
    exact = generator(latents(), LABELS), discriminator(pictures(), LABELS)
    generator.bfloat16_stages = discriminator.bfloat16_stages = 3
    rounded = generator(latents(), LABELS), discriminator(pictures(), LABELS)
    for wide, narrow in zip(exact, rounded, strict=True):
        assert narrow.dtype == torch.float32
        assert (wide - narrow).abs().mean() < 0.03 * wide.abs().mean()
        assert torch.equal(wide, narrow) == (OPTIONS[name][0] == "mlp"), "mlp has no stages, the others do"
    generator.train(), discriminator.train()
    logits = discriminator(generator(latents(), LABELS), LABELS)
    objective = logits.square().sum() + squared_gradient_norm(discriminator, pictures())
    gradients = torch.autograd.grad(objective, [*generator.parameters(), *discriminator.parameters()])
    for gradient in gradients:
        assert gradient.dtype == torch.float32
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", [name for name in OPTIONS if OPTIONS[name][0] != "mlp"])
def test_convolutions_of_every_stage_find_channels_together_in_memory(name: str) -> None:
    laid = []
    for player, inputs in zip(pair(name), (latents(), pictures()), strict=True):
        for module in player.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.register_forward_pre_hook(lambda _, images: laid.append(images[0]))
        player.channels_last = True
        player(inputs, LABELS)
    assert laid
    wide = [images for images in laid if min(images.shape[1:]) > 1]
    together = [images.is_contiguous(memory_format=torch.channels_last) for images in wide]
    assert sum(together) >= 0.8 * len(together), "all but those at a player's door"


@pytest.mark.parametrize("name", OPTIONS)
def test_channels_may_lie_last_in_memory(name: str) -> None:
    generator, discriminator = (player.double().eval() for player in pair(name))
    expected = generator(latents().double(), LABELS), discriminator(pictures().double(), LABELS)
    generator.to(memory_format=torch.channels_last)
    discriminator.to(memory_format=torch.channels_last)
    torch.testing.assert_close(generator(latents().double(), LABELS), expected[0])
    images = pictures().double().contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(discriminator(images, LABELS), expected[1])


@pytest.mark.parametrize("name", OPTIONS)
def test_a_step_looks_at_shapes_alone(name: str) -> None:
    """On the meta device there are no values: nothing there could wait for one, or depend on one."""
    with torch.device("meta"):
        generator, discriminator = load(name).generator(FIT), load(name).discriminator(FIT)
        images = generator(torch.randn(4, 5), LABELS.to("meta"))
        logits = discriminator(images, LABELS.to("meta"))
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        gradients = torch.autograd.grad(gradient.square().sum() + logits.sum(), list(discriminator.parameters()))
    assert [gradient.shape for gradient in gradients] == [weight.shape for weight in discriminator.parameters()]


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "mlp"])
def test_pictures_may_have_256_pixels_a_side(name: str) -> None:
    with torch.device("meta"):
        family = components.build(NetworkFamily, name, {}, section="network")
        fit = Fit((3, 256, 256), latent_dim=64)
        images = family.generator(fit)(torch.randn(2, 64))
        assert images.shape == (2, 3, 256, 256)
        assert family.discriminator(fit)(images).shape == (2,)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_generator_exports(name: str) -> None:
    generator = pair(name)[0].eval()
    exported = torch.export.export(generator, (latents(), LABELS)).module()
    torch.testing.assert_close(exported(latents(), LABELS), generator(latents(), LABELS))
