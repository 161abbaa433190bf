"""Mean and covariance of features, and the Frechet distance between two such pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64

from .features import Features
from .uncertainty import groups_of, rows_without

ROWS_AT_ONCE = 4096
"""Features that are in float64 at the same time."""


@dataclass(frozen=True)
class Moments:
    """What a Frechet distance knows of a set of pictures."""

    count: int
    mean: Float64[np.ndarray, " features"]
    covariance: Float64[np.ndarray, "features features"]
    """Unbiased: divided by count - 1."""
    published_mean: Float32[np.ndarray, " features"] | None = None
    """The mean summed up in float32, as torch-fidelity and the code it follows do it; none for derived moments."""
    centred: Float64[np.ndarray, "count features"] | None = None
    """The features less their mean, where they are fewer than their dimensions: less work than the covariance."""

    @classmethod
    def of(cls, features: Features) -> "Moments":
        """Of two features or more; in float64, a chunk at a time."""
        count, dimensions = features.shape
        assert count >= 2, "a covariance takes two pictures"
        numbers = features.numpy()
        mean = sum(chunk.sum(axis=0) for chunk in _chunks(numbers)) / count
        centred = numbers - mean if count <= dimensions else None
        scatter = sum((_scatter(chunk - mean) for chunk in _chunks(numbers)), np.zeros((dimensions, dimensions)))
        return cls(count, mean, scatter / (count - 1), numbers.mean(axis=0), centred)

    @property
    def rank(self) -> int:
        """What the covariance's rank cannot exceed, but for the one degree of freedom that the mean takes."""
        return min(self.count, len(self.mean))

    @cached_property
    def factor(self) -> Float64[np.ndarray, "features columns"]:
        """F with F F^T the covariance, of as few columns as are known to do."""
        factor: Float64[np.ndarray, "features columns"]
        if self.centred is not None:
            factor = self.centred.T / np.sqrt(self.count - 1)
            return factor
        try:
            factor = np.linalg.cholesky(self.covariance)
        except np.linalg.LinAlgError:  # a feature that never varies, or goes with others
            values, vectors = np.linalg.eigh(self.covariance)
            kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
            factor = vectors[:, kept] * np.sqrt(values[kept])
        return factor


def frechet_distance(one: Moments, other: Moments) -> float:
    """||m1 - m2||^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson & Landau 1982; Heusel et al. 2017, eq. 6).

    S1 S2 has the eigenvalues of F^T S2 F where S1 = F F^T, which is symmetric: far faster than those of the product,
    and none of them complex. The factor is that of the lower rank, and at equal ranks `other`'s, which is kept: hand
    in what is compared with many as `other`. numpy's LinAlgError where eigenvalues cannot be found.
    """
    inner, outer = (one, other) if one.rank < other.rank else (other, one)
    eigenvalues = np.linalg.eigvalsh(inner.factor.T @ outer.covariance @ inner.factor)
    # Zeros come out as tiny numbers of either sign.
    overlap = np.sqrt(eigenvalues.clip(min=0)).sum()
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return float(_squared_gap(one, other) + traces - 2 * overlap)


def without_each_group(features: Features, whole: Moments) -> Iterator[Moments]:
    """The moments without each of the groups that intervals are computed from; `whole` are those of all features.

    By subtraction, about the mean of all so that little cancels. None at all where less than two features would stay.
    """
    count, groups = len(features), groups_of(len(features))
    if count - -(-count // groups) < 2:
        return
    for group in range(groups):
        if whole.centred is None:
            yield _less(whole, features[group::groups])
        else:
            yield Moments.of(features[rows_without(group, count)])


def _less(whole: Moments, left_out: Features) -> Moments:
    rest = whole.count - len(left_out)
    leaving = left_out.numpy() - whole.mean
    total = leaving.sum(axis=0)
    scatter = whole.covariance * (whole.count - 1) - _scatter(leaving) - np.outer(total, total) / rest
    return Moments(rest, whole.mean - total / rest, scatter / (rest - 1))


def _squared_gap(one: Moments, other: Moments) -> float:
    if one.published_mean is not None and other.published_mean is not None:
        published = one.published_mean - other.published_mean
        return float(published.dot(published))
    gap = one.mean - other.mean
    return float(gap.dot(gap))


def _scatter(centred: Float64[np.ndarray, "rows features"]) -> Float64[np.ndarray, "features features"]:
    scatter: Float64[np.ndarray, "features features"] = centred.T @ centred
    return scatter


def _chunks(features: Float32[np.ndarray, "rows features"]) -> Iterator[Float64[np.ndarray, "some features"]]:
    for first in range(0, len(features), ROWS_AT_ONCE):
        yield features[first : first + ROWS_AT_ONCE].astype(np.float64)
