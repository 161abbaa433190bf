"""Filters along one axis, written as matrices that know how a picture goes on beyond its border: as in a mirror."""

import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..shapes import Images
from ._constants import on_device

Taps = Float[np.ndarray, " taps"]

Resized = Float[Tensor, "batch channels rows columns"]
"""Pictures of another size than those they were made of."""

# Daubechies' least asymmetric wavelet with six vanishing moments, its low-pass filter.
SYM6: tuple[float, ...] = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
# Its tap nearest to its centre of mass: the one that is put on top of a pixel when a picture is doubled.
_CENTRE = 5

DELAY = sum(tap * weight for tap, weight in enumerate(SYM6)) / sum(SYM6) - _CENTRE
"""How far right and down of where it was a doubled picture stands, in its own pixels: 0.098."""

MARGIN = 6
"""Pixels that halving needs beyond either border of a doubled picture."""

# Two vanishing moments.
SYM2: tuple[float, ...] = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)

BANDS = 4


def along_axes(images: Images, vertical: Tensor, horizontal: Tensor) -> Resized:
    """Every picture with one matrix applied down its columns and another along its rows."""
    return torch.matmul(vertical, torch.matmul(images, horizontal.mT))


@functools.lru_cache(maxsize=64)
def doubling(size: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "fine {size}"]:
    """From pixels to 2 size - 1 of them, the first and the last in the same places, band-limited."""
    matrix = np.zeros((2 * size - 1, size))
    for fine in range(2 * size - 1):
        for tap, weight in enumerate(SYM6):
            coarse, odd = divmod(fine + _CENTRE - tap, 2)
            if not odd:
                matrix[fine, _mirrored(coarse, size)] += weight * 2**0.5
    return on_device(matrix, device, dtype)


@functools.lru_cache(maxsize=64)
def halving(size: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "{size} fine"]:
    """Back again, from a doubled picture with MARGIN more pixels on both sides; it undoes `doubling` exactly.

    Because the filter is orthogonal to itself at even shifts. Details finer than the pixels are left out.
    """
    matrix = np.zeros((size, 2 * size - 1 + 2 * MARGIN))
    for coarse in range(size):
        start = 2 * coarse - _CENTRE + MARGIN
        matrix[coarse, start : start + len(SYM6)] = np.array(SYM6) / 2**0.5
    return on_device(matrix, device, dtype)


@functools.lru_cache(maxsize=64)
def band_passes(size: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "bands {size} {size}"]:
    """Four matrices that sum to the identity: the octaves up to pi/8, pi/4, pi/2 and pi, in this order."""
    matrices = np.zeros((BANDS, size, size))
    for matrix, taps in zip(matrices, filter_bank(), strict=True):
        reach = len(taps) // 2
        for pixel in range(size):
            for tap, weight in enumerate(taps):
                matrix[pixel, _mirrored(pixel + tap - reach, size)] += weight
    return on_device(matrices, device, dtype)


def filter_bank() -> list[Taps]:
    """The bands' symmetric filters, from low to high (Karras et al. 2020, appendix B).

    With L(z) = H(z) H(1/z) / 2 and its mirror L(-z), which sum to 1, every octave f(z) becomes f(z^2) L(z), and
    L(-z) is the highest.
    """
    low = np.convolve(SYM2, SYM2[::-1]) / 2
    high = low * (-1.0) ** (np.arange(len(low)) - len(low) // 2)
    bank = [np.ones(1)]
    for _ in range(BANDS - 1):
        bank = [np.convolve(_spread(taps), low) for taps in bank]
        bank.append(np.pad(high, (len(bank[0]) - len(high)) // 2))
    return bank


def _spread(taps: Taps) -> Float[np.ndarray, " spread"]:
    spread = np.zeros(2 * len(taps) - 1)
    spread[::2] = taps
    return spread


def _mirrored(index: int, size: int) -> int:
    """The pixel that stands at an index beyond the border, whose own pixel is not repeated."""
    last = max(size - 1, 1)
    return min(last - abs(index % (2 * last) - last), size - 1)
