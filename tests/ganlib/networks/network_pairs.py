"""Both players of every network, small, away from their initial weights, and something to give them."""

import torch
from torch import Tensor, nn

from ganlib import components
from ganlib.networks import Discriminator, Fit, Generator, NetworkFamily

NETWORKS = components.names("networks")
OPTIONS: dict[str, tuple[str, dict[str, object]]] = {
    **{name: (name, {"width": 4}) for name in NETWORKS},
    "mlp spectral": ("mlp", {"width": 4, "spectral_norm": True}),
    "mlp tanh": ("mlp", {"width": 4, "generator_activation": "tanh"}),
    "dcgan spectral": ("dcgan", {"width": 4, "spectral_norm": True}),
    "resnet plain": ("resnet", {"width": 4, "spectral_norm": "none"}),
    "resnet attention": ("resnet", {"width": 16, "spectral_norm": "both", "attention": 8}),
}
FIT = Fit((2, 16, 16), latent_dim=5, n_classes=2)
LABELS = torch.tensor([0, 1, 0, 1])


def load(name: str) -> NetworkFamily:
    return components.build(NetworkFamily, *OPTIONS[name], section="network")


def trained(player: nn.Module, seed: int = 1) -> nn.Module:
    """Away from the initial weights, where zeros shut off parts of some players."""
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in player.parameters():
            weight.add_(torch.randn(weight.shape, generator=noise), alpha=0.2)
    return player


def pair(name: str, fit: Fit = FIT) -> tuple[Generator, Discriminator]:
    torch.manual_seed(0)
    generator, discriminator = trained(load(name).generator(fit)), trained(load(name).discriminator(fit))
    assert isinstance(generator, Generator)
    assert isinstance(discriminator, Discriminator)
    return generator, discriminator


def latents() -> Tensor:
    return torch.randn(4, 5, generator=torch.Generator().manual_seed(2))


def pictures() -> Tensor:
    return torch.rand(4, 2, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1
