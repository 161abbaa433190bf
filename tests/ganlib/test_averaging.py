"""The average forgets at the stated rate, buffers included."""

import pytest
import torch
from torch import nn

from ganlib import averaging


def test_half_is_forgotten_after_a_half_life() -> None:
    keep = averaging.decay(10, images_seen=10**9, half_life_kimg=1.0)
    assert keep**100 == pytest.approx(0.5)


def test_early_on_memory_is_a_twentieth_of_the_training_so_far() -> None:
    assert averaging.decay(10, images_seen=200, half_life_kimg=1.0) == pytest.approx(0.5)
    assert averaging.decay(10, images_seen=0, half_life_kimg=1.0) == 0


def test_the_average_moves_weights_and_statistics_alike() -> None:
    averaged, current = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    current.weight.data.fill_(3.0)
    current.running_mean.fill_(4.0)  # type: ignore[union-attr,operator]
    averaging.update(averaged, current, keep=0.75)
    assert averaged.weight.tolist() == [1.5, 1.5]
    assert averaged.running_mean.tolist() == [1.0, 1.0]  # type: ignore[union-attr,operator]
    assert torch.equal(current.weight, torch.full((2,), 3.0))


def test_the_vectors_of_a_power_iteration_stay_unit_vectors() -> None:
    averaged, current = (nn.utils.parametrizations.spectral_norm(nn.Linear(5, 4)) for _ in range(2))
    for _ in range(3):
        current(torch.randn(2, 5))
        averaging.update(averaged, current, keep=0.9)
    state = averaged.state_dict()
    assert state["parametrizations.weight.0._u"].norm().item() == pytest.approx(1)
    assert torch.equal(state["parametrizations.weight.0._u"], current.state_dict()["parametrizations.weight.0._u"])
    assert not torch.equal(
        state["parametrizations.weight.original"], current.state_dict()["parametrizations.weight.original"]
    )
