"""What the paper proves of two densities, held by the numbers that are drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.datasets.gaussians import draw, mixture
from ganlib.playing import densities
from ganlib.playing.match import edges

weights = st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(lambda those: sum(those) > 1e-3)
opinions = st.lists(st.floats(1e-6, 1 - 1e-6), min_size=6, max_size=6)


def masses(those: list[float]) -> np.ndarray:
    return np.array(those) / sum(those)


@given(weights, weights)
def test_the_value_of_the_best_discriminator_is_the_divergence(one: list[float], other: list[float]) -> None:
    data, generated = masses(one), masses(other)
    best = densities.best_discriminator(data, generated)
    by_value = densities.jensen_shannon_of_value(densities.game_value(data, generated, best))
    assert by_value == pytest.approx(densities.jensen_shannon(data, generated), abs=1e-9)


@given(weights, weights, opinions)
def test_no_discriminator_beats_the_best(one: list[float], other: list[float], says: list[float]) -> None:
    data, generated = masses(one), masses(other)
    best = densities.best_discriminator(data, generated)
    value = densities.game_value(data, generated, np.array(says))
    assert value <= densities.game_value(data, generated, best) + 1e-9


@given(weights, weights)
def test_the_divergence_is_symmetric_and_between_zero_and_log_two(one: list[float], other: list[float]) -> None:
    data, generated = masses(one), masses(other)
    found = densities.jensen_shannon(data, generated)
    assert found == pytest.approx(densities.jensen_shannon(generated, data), abs=1e-12)
    assert -1e-12 <= found <= math.log(2) + 1e-12
    assert densities.jensen_shannon(data, data) == 0
    apart = np.concatenate([data, 0 * data]), np.concatenate([0 * data, data])
    assert densities.jensen_shannon(*apart) == pytest.approx(math.log(2))


@given(weights)
def test_against_equal_densities_the_best_value_is_minus_log_four(one: list[float]) -> None:
    data = masses(one)
    best = densities.best_discriminator(data, data)
    assert np.all(best == 0.5)
    assert densities.game_value(data, data, best) == pytest.approx(-math.log(4))


def test_the_data_are_where_the_source_draws_them() -> None:
    drawn = np.concatenate([draw("line", 0, block)[0][:, 0] for block in range(30)])
    counted = np.histogram(drawn, edges())[0] / len(drawn)
    expected = densities.of_data(mixture("line"), edges())
    assert expected.sum() == pytest.approx(1)
    assert np.abs(counted - expected[1:-1]).max() < 6 * math.sqrt(expected.max() / len(drawn))


@settings(max_examples=40)
@given(st.lists(st.floats(-4, 4), min_size=2, max_size=12))
def test_images_have_the_density_that_counting_finds(corners: list[float]) -> None:
    """A generator that is straight between its corners, counted at many latents."""
    values = np.interp(np.linspace(0, 1, 4001), np.linspace(0, 1, len(corners)), corners)
    found = densities.of_images(values, edges())
    assert found.sum() == pytest.approx(1)
    latents = (np.arange(20_000) + 0.5) / 20_000
    counted = np.interp(latents, np.linspace(0, 1, len(corners)), corners)
    for share in (0.3, 0.5, 0.8):
        edge = edges()[round(share * (len(edges()) - 1))]
        below = found[: 1 + round(share * (len(edges()) - 1))].sum()
        assert np.mean(counted < edge - 1e-9) - 2e-3 <= below <= np.mean(counted <= edge + 1e-9) + 2e-3
