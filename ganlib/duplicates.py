"""Pictures that show the same though their pixels differ: saved anew, resized, brightened.

A perceptual hash finds the candidates, the pixels decide. The hash is the DCT one in the manner of pHash (Zauner 2010,
"Implementation and benchmarking of perceptual image hash functions", section 3.2): signs of low frequencies.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial

import numpy as np
from jaxtyping import Float64, Int64, UInt64

from .fitting import luma
from .prepared import PixelArray

Hashes = UInt64[np.ndarray, " n"]
Pairs = Int64[np.ndarray, "pairs 2"]
"""Positions of two pictures, the earlier one first."""

MAX_BITS = 2
"""Of the 64, by which the hashes of near duplicates differ at most."""
MIN_CORRELATION = 0.97
"""Of grey values, Pearson's; from here on two pictures show the same."""
FLAT_DEVIATION, FLAT_DIFFERENCE = 1.0, 8.0
"""Grey levels. Pictures without structure have no correlation: they are alike where their means are."""
MOST_CANDIDATES = 70_000_000
"""Pairs compared by hash for each band; only of very uniform collections there are more."""
PIECE_BYTES = 1 << 18
"""Of pictures compared at a time: in single precision they still fit into a processor's cache."""

# The 64 lowest frequencies but the mean, by their sum.
FREQUENCIES = sorted(((u, v) for u in range(11) for v in range(11) if u + v > 0), key=lambda uv: (sum(uv), uv))[:64]
# Bits in another order, so that each band below holds high and low frequencies.
SHUFFLED = np.random.Generator(np.random.Philox(0)).permutation(64)


def hashes(pixels: PixelArray) -> Hashes:
    """64 bits for each picture: which of its low frequencies are positive.

    Sums are of whole numbers below 2^53, so they are exact, and no machine, order or batch gives other bits.
    """
    grey = pixels[:, 0] if pixels.shape[1] <= 2 else luma(pixels[:, :3])[:, 0]
    height, width = grey.shape[1:]
    spectrum = _cosines(height) @ grey.astype(np.float64) @ _cosines(width).T
    rows, columns = zip(*FREQUENCIES, strict=True)
    positive = (spectrum[:, rows, columns] > 0)[:, SHUFFLED]
    packed: np.ndarray = np.ascontiguousarray(np.packbits(positive, axis=1)).view(">u8")
    return packed[:, 0].astype(np.uint64)


@cache
def _cosines(n: int) -> Float64[np.ndarray, "frequencies n"]:
    """DCT-II's, in whole 256ths."""
    frequency, place = np.arange(11)[:, np.newaxis], np.arange(n)
    return np.asarray(np.rint(256 * np.cos(np.pi * frequency * (2 * place + 1) / (2 * n))), np.float64)


def candidates(values: Hashes, pool: Executor) -> tuple[Pairs, bool]:
    """Pairs whose hashes differ in MAX_BITS bits at most, in order; and whether all pairs were looked at.

    Of three bands of bits two different hashes of that kind share one at least, so only pairs with an equal band
    are compared.
    """
    found = list(pool.map(partial(_with_equal_band, values), (0, 21, 42), (21, 21, 22)))
    pairs = np.concatenate([pairs for pairs, _ in found])
    # As single numbers: sorting rows takes many times as long.
    numbers = np.unique(pairs[:, 0] * len(values) + pairs[:, 1])
    return np.stack(np.divmod(numbers, max(1, len(values))), axis=1), all(complete for _, complete in found)


def _with_equal_band(values: Hashes, shift: int, width: int) -> tuple[Pairs, bool]:
    """The candidates that share the band of `width` bits from `shift` on."""
    found, compared = [np.zeros((0, 2), np.int64)], 0
    band = (values >> np.uint64(shift)) & np.uint64((1 << width) - 1)
    order = np.argsort(band, kind="stable")
    first, ordered = np.arange(len(values)), band[order]
    for distance in range(1, len(values)):
        # Who has no equal at this distance has none at a greater one.
        first = first[first + distance < len(values)]
        first = first[ordered[first] == ordered[first + distance]]
        compared += len(first)
        if len(first) == 0:
            break
        if compared > MOST_CANDIDATES:
            return np.concatenate(found), False
        # The order is stable: of two pictures with one band the earlier one comes first.
        earlier, later = order[first], order[first + distance]
        close = np.bitwise_count(values[earlier] ^ values[later]) <= MAX_BITS
        found.append(np.stack([earlier[close], later[close]], axis=1))
    return np.concatenate(found), True


def near_pairs(
    values: Hashes, picture_at: Callable[[Int64[np.ndarray, " k"]], PixelArray], *, threads: int = 1
) -> tuple[Pairs, Float64[np.ndarray, " pairs"], bool]:
    """Which pictures show the same: pairs, their correlations, and whether all pairs were looked at.

    `picture_at` gives the pictures at some positions; it is asked for a few megabytes of them at a time, from
    several threads at once. The result does not depend on their number.
    """

    def alike(piece: Pairs) -> Float64[np.ndarray, " piece"]:
        return correlations(picture_at(piece[:, 0]), picture_at(piece[:, 1]))

    with ThreadPoolExecutor(threads) as pool:  # numpy computes without Python's lock
        pairs, complete = candidates(values, pool)
        values_of_pairs = np.concatenate([np.zeros(0), *pool.map(alike, _pieces(pairs, picture_at))])
    same = values_of_pairs >= MIN_CORRELATION
    return pairs[same], values_of_pairs[same], complete


def _pieces(pairs: Pairs, picture_at: Callable[[Int64[np.ndarray, " k"]], PixelArray]) -> Iterator[Pairs]:
    if len(pairs) == 0:
        return
    step = max(1, PIECE_BYTES // picture_at(pairs[:1, 0]).nbytes)
    for start in range(0, len(pairs), step):
        yield pairs[start : start + step]


def correlations(first: PixelArray, second: PixelArray) -> Float64[np.ndarray, " n"]:
    """Pearson's, of the grey values of each pair; 1 or 0 for pairs of which one has no structure."""
    left, left_mean, left_deviation = _centred(first)
    right, right_mean, right_deviation = _centred(second)
    covariance = np.einsum("np,np->n", left, right) / left.shape[1]
    flat = (left_deviation < FLAT_DEVIATION) | (right_deviation < FLAT_DEVIATION)
    alike = (
        (left_deviation < FLAT_DEVIATION)
        & (right_deviation < FLAT_DEVIATION)
        & (np.abs(left_mean - right_mean) <= FLAT_DIFFERENCE)
    )
    correlation: np.ndarray = covariance / np.where(flat, 1, left_deviation * right_deviation)
    return np.where(flat, alike, correlation).astype(np.float64)


def _centred(pixels: PixelArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(grey values less their mean, means, standard deviations)."""
    grey = (pixels[:, 0] if pixels.shape[1] <= 2 else luma(pixels[:, :3])[:, 0]).reshape(len(pixels), -1)
    values = grey.astype(np.float32)
    mean = values.mean(axis=1)
    values -= mean[:, np.newaxis]
    deviation = np.sqrt(np.einsum("np,np->n", values, values) / values.shape[1])
    return values, mean, deviation
