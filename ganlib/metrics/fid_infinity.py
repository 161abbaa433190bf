"""FID as endlessly many generated pictures would score (Chong & Forsyth 2020): lower is better."""

import math
from typing import Annotated, ClassVar

import numpy as np
import torch
from jaxtyping import Float64, Int64
from pydantic import Field
from torch import Tensor

from ..components import component
from ..features import Features
from ..moments import ROWS_AT_ONCE, Moments, frechet_distance
from ..randomness import Purpose, stream
from ..uncertainty import LEVEL, Estimate, Interval, groups_of, jackknife
from . import Absent, Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, reference

FEWEST_PER_FEATURE = 2
"""The bias of FID falls as 1 / n only where there are more pictures than features."""
SMALLEST_SHARE = 0.1
"""The smallest sample is a tenth of all pictures (5,000 of 50,000 in the paper) where that is enough."""


@component
class FrechetDistanceInfinity(Metric):
    """The value at 1 / n = 0 of a straight line through FID against 1 / n, at `infinity_points` sizes n of samples.

    Generators' biases differ, so that FID can rank them wrongly at any one n (ibid., section 3). The reference stays
    the training pictures as they are. It may come out slightly below 0.

    The interval has two sources, taken as independent: which pictures there are, by leaving out groups from every
    sample, and how far the sizes lie from the line. For the first FID is linearised about all pictures, since every
    group and size would otherwise take a matrix root of its own.
    """

    results: ClassVar[tuple[str, ...]] = ("fid_infinity",)
    infinity_points: Annotated[int, Field(ge=2)]
    seed: int
    """Draws the samples."""

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - how many it takes depends on the features
        """None: too few pictures for the extractor's features is a result, not a setting."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`fid_infinity`: value and floor with intervals. Absent below four pictures for each feature."""
        real_features = reference(evidence.train)
        needed = 2 * FEWEST_PER_FEATURE * real_features.shape[1]
        if len(evidence.generated) < needed:
            raise Absent(_too_few(evidence.generated, needed))
        real = Moments.of(real_features)

        def extrapolated(seen: Seen) -> dict[str, Estimate]:
            if len(seen) < needed:
                raise Absent(_too_few(seen, needed))
            features = comparable(seen)
            samples = self._samples(len(features), needed // 2)
            distances = np.array([frechet_distance(Moments.of(features[rows]), real) for rows in samples])
            weights, reach_of_fit = intercept([len(rows) for rows in samples], distances)
            value = float(weights @ distances)

            def interval() -> Interval:
                changes = np.stack(_changes(features, real, samples))
                pictures = jackknife(value, (value + weights @ changes).tolist())
                reach = math.hypot(pictures.high - value, reach_of_fit)
                return Interval(value - reach, value + reach, pictures.replicates)

            return {"fid_infinity": Estimate(value, interval)}

        return beside_floor(extrapolated, evidence, count_matters=False)

    def _samples(self, count: int, fewest: int) -> list[Int64[Tensor, " _"]]:
        """Rows of samples of growing size, each drawn on its own; the last one is all there are."""
        smallest = max(fewest, math.ceil(SMALLEST_SHARE * count))
        sizes = np.linspace(smallest, count, self.infinity_points).round().astype(int)
        return [
            torch.from_numpy(stream(self.seed, Purpose.FID_INFINITY, i).permutation(count)[:size]).sort().values
            for i, size in enumerate(sizes)
        ]


def intercept(
    sizes: list[int], distances: Float64[np.ndarray, " points"]
) -> tuple[Float64[np.ndarray, " points"], float]:
    """What to weight the distances with to get their line's value at 1 / n = 0, and half of its interval.

    Ordinary least squares. Of two points, which always lie on a line, nothing is known: half the interval is infinite.
    """
    inverse = 1 / np.array(sizes)
    gaps = inverse - inverse.mean()
    steepness = gaps / gaps.dot(gaps)
    weights = 1 / len(sizes) - inverse.mean() * steepness
    free = len(sizes) - 2
    if free == 0:
        return weights, math.inf
    # Imported here: only an evaluation should pay for it.
    from scipy.special import stdtrit

    residuals = distances - weights @ distances - inverse * (steepness @ distances)
    error = math.sqrt(residuals.dot(residuals) / free * weights.dot(weights))
    return weights, float(stdtrit(free, (1 + LEVEL) / 2)) * error


def _changes(features: Features, real: Moments, samples: list[Int64[Tensor, " _"]]) -> list[Float64[np.ndarray, " _"]]:
    """By how much each sample's distance changes when a group is left out of it, to first order."""
    groups = groups_of(len(features))
    influences = influence(features, real)
    changes = []
    for rows in samples:
        group, values = rows.numpy() % groups, influences[rows.numpy()]
        sizes, sums = (np.bincount(group, part, minlength=groups) for part in (None, values))
        changes.append((values.sum() - sums) / np.maximum(1, len(rows) - sizes) - values.mean())
    return changes


def influence(features: Features, real: Moments) -> Float64[np.ndarray, " count"]:
    """By how much the distance to `real` grows for a bit more of each picture, up to a constant.

    The derivative of tr (F^T S F)^(1/2) is half the trace of (F^T S F)^(-1/2) F^T dS F, with F F^T the covariance
    of `real`. In float64.
    """
    moments = Moments.of(features)
    values, vectors = np.linalg.eigh(real.factor.T @ moments.covariance @ real.factor)
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    transport = real.factor @ (vectors[:, kept] * values[kept] ** -0.25)
    parts = []
    for chunk in torch.split(features, ROWS_AT_ONCE):
        apart = chunk.numpy() - moments.mean
        parts.append(
            2 * apart @ (moments.mean - real.mean)
            + np.square(apart).sum(axis=1)
            - np.square(apart @ transport).sum(axis=1)
        )
    return np.concatenate(parts)


def _too_few(seen: Seen, needed: int) -> str:
    return f"{seen.name} are {len(seen)}, and FID through so many features can be extrapolated from {needed} on"
