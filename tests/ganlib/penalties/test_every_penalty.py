"""Laws that every file of ganlib/penalties keeps."""

import pytest
import torch

from ganlib import components
from ganlib.networks import Fit, NetworkFamily
from ganlib.penalties import Penalty

PENALTIES = components.names("penalties")
SHAPE = (2, 4, 4)


def load(name: str, gamma: float) -> Penalty:
    return components.build(Penalty, name, {"gamma": gamma}, section="penalty")


class Plane(torch.nn.Module):
    """D(x) = <w, x>: its gradient is w everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(SHAPE, dtype=torch.float64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images * self.w).sum(dim=(1, 2, 3))


def price(penalty: Penalty, plane: Plane) -> torch.Tensor:
    real = torch.randn(3, *SHAPE, dtype=torch.float64).requires_grad_(penalty.on_real)
    fake = torch.randn(3, *SHAPE, dtype=torch.float64).requires_grad_(penalty.on_fake)
    return penalty(real, plane(real), fake, plane(fake))


@pytest.mark.parametrize("name", PENALTIES)
def test_the_price_is_gamma_over_two_times_the_squared_gradient_on_each_side_it_looks_at(name: str) -> None:
    plane = Plane()
    penalty = load(name, gamma=3.0)
    sides = penalty.on_real + penalty.on_fake
    expected = 0.5 * 3.0 * sides * plane.w.square().sum()
    # The penalty itself is computed in float32.
    assert price(penalty, plane).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_descending_the_price_flattens_the_discriminator(name: str) -> None:
    plane = Plane()
    (gradient,) = torch.autograd.grad(price(load(name, gamma=1.0), plane), plane.w)
    assert torch.nn.functional.cosine_similarity(gradient.flatten(), plane.w.flatten(), dim=0) > 0.999


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("family", components.names("networks"))
def test_the_price_reaches_the_weights_of_every_network(name: str, family: str) -> None:
    fit = Fit((1, 8, 8), latent_dim=4, n_classes=2)
    discriminator = components.build(NetworkFamily, family, {}, section="network").discriminator(fit)
    penalty = load(name, gamma=1.0)
    labels = torch.tensor([0, 1, 1])
    real = torch.randn(3, 1, 8, 8).requires_grad_(penalty.on_real)
    fake = torch.randn(3, 1, 8, 8).requires_grad_(penalty.on_fake)
    total = penalty(real, discriminator(real, labels), fake, discriminator(fake, labels))
    if name == "none":
        assert total.item() == 0
    else:
        gradients = torch.autograd.grad(total, list(discriminator.parameters()), allow_unused=True)
        assert any(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
