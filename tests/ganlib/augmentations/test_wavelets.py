"""The filters: that they are the ones they are said to be, and that their matrices undo each other."""

import numpy as np
import pytest
import torch

from ganlib.augmentations._wavelets import (
    MARGIN,
    SYM2,
    SYM6,
    along_axes,
    band_passes,
    doubling,
    filter_bank,
    halving,
)

CPU = (torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("taps", [SYM2, SYM6], ids=["sym2", "sym6"])
def test_a_filter_of_2n_taps_is_orthonormal_at_even_shifts_and_has_n_vanishing_moments(taps: tuple[float, ...]) -> None:
    low = np.array(taps)
    shifts = [low[2 * shift :] @ low[: len(low) - 2 * shift] for shift in range(len(low) // 2)]
    np.testing.assert_allclose(shifts, [1] + [0] * (len(shifts) - 1), atol=1e-11)
    positions = np.arange(len(low)) - len(low) / 2
    signs = (-1.0) ** np.arange(len(low))
    for power in range(len(low) // 2):
        assert abs((signs * positions**power * low).sum()) < 1e-8


def test_sym6_is_the_least_asymmetric_of_its_family() -> None:
    # Every member of the family has the same magnitudes; what differs is the phase, seen in the spread of the taps.
    low = np.array(SYM6)
    assert abs(low).argmax() == 5
    assert (low[3:9] ** 2).sum() > 0.98


@pytest.mark.parametrize("size", [1, 2, 5, 16, 28])
def test_halving_undoes_doubling_inside_the_picture(size: int) -> None:
    fine, coarse = doubling(size, *CPU), halving(size, *CPU)
    assert fine.shape == (2 * size - 1, size)
    assert coarse.shape == (size, 2 * size - 1 + 2 * MARGIN)
    torch.testing.assert_close(fine.sum(dim=1), torch.ones(2 * size - 1, dtype=torch.float64))
    torch.testing.assert_close(coarse.sum(dim=1), torch.ones(size, dtype=torch.float64))
    inner = slice(MARGIN // 2, size - MARGIN // 2)
    undone = coarse[:, MARGIN:-MARGIN] @ fine
    torch.testing.assert_close(undone[inner], torch.eye(size, dtype=torch.float64)[inner], rtol=0, atol=1e-10)


def test_what_is_finer_than_the_pixels_is_left_out() -> None:
    finest = (-1.0) ** torch.arange(2 * 16 - 1 + 2 * MARGIN, dtype=torch.float64)
    assert (halving(16, *CPU) @ finest).abs().max() < 1e-10


@pytest.mark.parametrize("size", [1, 3, 16, 64])
def test_the_bands_together_are_the_picture(size: int) -> None:
    torch.testing.assert_close(band_passes(size, *CPU).sum(dim=0), torch.eye(size, dtype=torch.float64))


def test_the_bands_are_octaves_from_low_to_high() -> None:
    frequencies = np.linspace(0, np.pi, 1025)
    responses = []
    for taps in filter_bank():
        np.testing.assert_allclose(taps, taps[::-1])  # so that nothing is moved
        responses.append(np.cos(np.outer(frequencies, np.arange(len(taps)) - len(taps) // 2)) @ taps)
    for band, middle in enumerate([0, 3 / 16 * np.pi, 3 / 8 * np.pi, np.pi]):
        at_middle = [response[abs(frequencies - middle).argmin()] for response in responses]
        assert int(np.argmax(at_middle)) == band


def test_columns_and_rows_each_get_their_own_matrix() -> None:
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    vertical, horizontal = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.eye(3)[:2]
    assert along_axes(image, vertical, horizontal).tolist() == [[[[3, 4], [0, 1]]]]
