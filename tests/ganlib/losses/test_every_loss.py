"""Laws that every file of ganlib/losses keeps."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganlib import components
from ganlib.losses import GanLoss

LOSSES = components.names("losses")
logits = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=8)


def load(name: str) -> GanLoss:
    return components.build(GanLoss, name, {}, section="loss")


def pair(numbers: list[float], name: str = "") -> tuple[torch.Tensor, torch.Tensor]:
    if name == "least_squares":  # rewards its players on the way to their targets, 0 and 1, and not beyond
        numbers = [0.99 / (1 + math.exp(-number)) for number in numbers]
    real = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    fake = torch.tensor(numbers[::-1], dtype=torch.float64, requires_grad=True)
    return real, fake


@pytest.mark.parametrize("name", LOSSES)
@given(numbers=logits)
def test_the_discriminator_is_rewarded_for_higher_real_and_lower_fake_logits(name: str, numbers: list[float]) -> None:
    real, fake = pair(numbers, name)
    at_real, at_fake = torch.autograd.grad(load(name).discriminator(real, fake), (real, fake))
    assert (at_real <= 0).all()
    assert (at_fake >= 0).all()


@pytest.mark.parametrize("name", LOSSES)
@given(numbers=logits)
def test_the_generator_is_rewarded_for_higher_fake_logits(name: str, numbers: list[float]) -> None:
    loss = load(name)
    real, fake = pair(numbers, name)
    objective = loss.generator(real.detach() if loss.generator_sees_real else None, fake)
    (at_fake,) = torch.autograd.grad(objective, fake)
    assert (at_fake <= 0).all()
    assert (at_fake < 0).any() or fake.detach().min() < -10, "saturation far below is the one excuse for no gradient"


@pytest.mark.parametrize("name", LOSSES)
def test_at_a_tie_both_players_want_to_move_apart(name: str) -> None:
    loss = load(name)
    tie = 0.5 if name == "least_squares" else 0.0
    real = torch.full((4,), tie, dtype=torch.float64, requires_grad=True)
    fake = torch.full((4,), tie, dtype=torch.float64, requires_grad=True)
    at_real, at_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake))
    assert (at_real < 0).all()
    assert (at_fake > 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_logits_give_finite_losses_and_gradients(name: str) -> None:
    loss = load(name)
    real = torch.tensor([1e4, -1e4], requires_grad=True)
    fake = torch.tensor([-1e4, 1e4], requires_grad=True)
    for objective in (loss.discriminator(real, fake), loss.generator(real, fake)):
        assert objective.isfinite()
        gradients = torch.autograd.grad(objective, (real, fake), allow_unused=True)
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_the_classic_value_is_minus_log_four_where_the_discriminator_cannot_tell(name: str) -> None:
    flat = torch.zeros(8, dtype=torch.float64)
    value = -load(name).discriminator(flat, flat)
    assert value.item() == pytest.approx(-math.log(4), abs=1e-12)


def test_minimax_saturates_where_non_saturating_does_not() -> None:
    sure = torch.full((1,), -10.0, requires_grad=True)
    (saturating,) = torch.autograd.grad(load("minimax").generator(None, sure), sure)
    (strong,) = torch.autograd.grad(load("non_saturating").generator(None, sure), sure)
    assert abs(saturating.item()) < 1e-4
    assert abs(strong.item()) > 0.99


def test_hinge_stops_caring_beyond_its_margin() -> None:
    real = torch.tensor([1.5], requires_grad=True)
    fake = torch.tensor([-1.5], requires_grad=True)
    gradients = torch.autograd.grad(load("hinge").discriminator(real, fake), (real, fake))
    assert [gradient.item() for gradient in gradients] == [0.0, 0.0]


@given(numbers=logits, shift=st.floats(-5, 5))
def test_the_relativistic_game_sees_differences_alone(numbers: list[float], shift: float) -> None:
    loss = load("relativistic")
    real, fake = pair(numbers)
    assert loss.discriminator(real + shift, fake + shift).item() == pytest.approx(
        loss.discriminator(real, fake).item(), rel=1e-6, abs=1e-9
    )


def test_least_squares_pulls_back_what_is_judged_too_right() -> None:
    beyond = torch.tensor([1.5], requires_grad=True)
    below = torch.tensor([-0.5], requires_grad=True)
    at_real, at_fake = torch.autograd.grad(load("least_squares").discriminator(beyond, below), (beyond, below))
    assert at_real > 0
    assert at_fake < 0


@given(numbers=logits, shift=st.floats(-5, 5))
def test_the_critic_sees_the_difference_of_means_alone(numbers: list[float], shift: float) -> None:
    real, fake = pair(numbers)
    loss = load("wasserstein")
    moved = loss.discriminator(real + shift, fake + shift).item()
    assert moved == pytest.approx(loss.discriminator(real, fake).item(), rel=1e-6, abs=1e-9)
    assert moved == pytest.approx((fake.mean() - real.mean()).item(), abs=1e-9)
