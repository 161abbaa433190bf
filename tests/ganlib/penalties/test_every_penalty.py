"""Laws that every file of ganlib/penalties keeps."""

import pytest
import torch

from ganlib import components
from ganlib.networks import Fit, NetworkFamily
from ganlib.penalties import Penalty, squared_gradient_norms

PENALTIES = components.names("penalties")
CHARGED = [name for name in PENALTIES if name != "none"]
SHAPE = (2, 4, 4)


def load(name: str) -> Penalty:
    return components.build(Penalty, name, {}, section="penalty")


class Plane(torch.nn.Module):
    """D(x) = <w, x>: its gradient is w everywhere."""

    def __init__(self, size: float = 1.0) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(size * torch.randn(SHAPE, dtype=torch.float64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images * self.w).sum(dim=(1, 2, 3))


def price(penalty: Penalty, plane: Plane) -> torch.Tensor:
    sides = 2 if penalty.at == "both" else 1
    images = torch.randn(3 * sides, *SHAPE, dtype=torch.float64).requires_grad_()
    return penalty.total(squared_gradient_norms(images, plane(images)))


@pytest.mark.parametrize("name", CHARGED)
def test_the_price_is_that_of_its_paper_on_each_side_it_looks_at(name: str) -> None:
    plane = Plane()
    squared = float(plane.w.detach().square().sum())
    expected = {"r1": 0.5 * squared, "r1_r2": squared, "wgan_gp": (squared**0.5 - 1) ** 2}[name]
    assert price(load(name), plane).item() == pytest.approx(expected)


def test_no_penalty_costs_nothing() -> None:
    assert load("none").at == "nowhere"
    assert price(load("none"), Plane()).item() == 0


@pytest.mark.parametrize("name", CHARGED)
def test_descending_the_price_flattens_a_discriminator_that_is_too_steep(name: str) -> None:
    plane = Plane(size=10)
    (gradient,) = torch.autograd.grad(price(load(name), plane), plane.w)
    assert torch.nn.functional.cosine_similarity(gradient.flatten(), plane.w.flatten(), dim=0) > 0.999


def test_wgan_gp_alone_steepens_one_that_is_too_flat() -> None:
    flat = Plane(size=0.01)
    (gradient,) = torch.autograd.grad(price(load("wgan_gp"), flat), flat.w)
    assert torch.nn.functional.cosine_similarity(gradient.flatten(), flat.w.flatten(), dim=0) < -0.999


@pytest.mark.parametrize("name", CHARGED)
@pytest.mark.parametrize("family", components.names("networks"))
def test_the_price_reaches_the_weights_of_every_network(name: str, family: str) -> None:
    fit = Fit((1, 8, 8), latent_dim=4, n_classes=2)
    discriminator = components.build(NetworkFamily, family, {"width": 8}, section="network").discriminator(fit)
    images = torch.randn(4, 1, 8, 8).requires_grad_()
    logits = discriminator(images, torch.tensor([0, 1, 1, 0]))
    total = load(name).total(squared_gradient_norms(images, logits))
    gradients = torch.autograd.grad(total, list(discriminator.parameters()), allow_unused=True)
    assert any(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


def test_a_constant_discriminator_has_a_finite_price_and_gradient() -> None:
    """The root's slope at 0 is infinite."""
    plane = Plane(size=0)
    for name in CHARGED:
        (gradient,) = torch.autograd.grad(price(load(name), plane), plane.w)
        assert gradient.isfinite().all()
