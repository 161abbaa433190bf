"""Two densities over the same bins of a line, and what the paper proves of them: nothing here is sampled.

A distribution is an array of masses that add up to 1: below the first edge, of each bin, above the last edge.
"""

import math

import numpy as np
from jaxtyping import Float64

from ..datasets.gaussians import Mixture

NOTHING = 1e-14
"""A mass up to this is none: beside a larger one the best D could not be told from certain."""

Edges = Float64[np.ndarray, " edges"]
Masses = Float64[np.ndarray, " masses"]
Curve = Float64[np.ndarray, " points"]


def of_data(mixed: Mixture, edges: Edges) -> Masses:
    """The masses of a mixture of one dimension."""
    below = np.zeros(len(edges))
    for mean, share in zip(mixed.means[:, 0], mixed.shares, strict=True):
        scaled = (edges - mean) / (mixed.std * math.sqrt(2))
        below += share * np.array([0.5 + 0.5 * math.erf(one) for one in scaled])
    return _between(below)


def of_images(values: Curve, edges: Edges) -> Masses:
    """The masses of G(z), where z is uniform and `values` are G at evenly spaced z, G being straight between them.

    The image of each piece is uniform between its ends: the change of variables, piece by piece.
    """
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    lengths = np.maximum(high - low, 1e-12)
    shares = ((edges[:, np.newaxis] - low) / lengths).clip(0, 1)
    below: Edges = shares.mean(axis=1)
    return _between(below)


def _between(below: Edges) -> Masses:
    masses: Masses = np.diff(np.concatenate([[0.0], below, [1.0]])).clip(min=0)
    return masses


def best_discriminator(data: Masses, generated: Masses) -> Masses:
    """D*(x) = p(x) / (p(x) + q(x)) (Goodfellow et al. 2014, proposition 1); a half where neither has anything."""
    both = data + generated
    best: Masses = np.divide(data, both, out=np.full_like(both, 0.5), where=both > NOTHING)
    return best


def game_value(data: Masses, generated: Masses, discriminator: Masses) -> float:
    """V(D, G) = E_x[log D(x)] + E_z[log(1 - D(G(z)))] (eq. 1), D being constant within each bin."""
    return _expected_log(data, discriminator) + _expected_log(generated, 1 - discriminator)


def _expected_log(masses: Masses, of: Masses) -> float:
    there = masses > NOTHING
    with np.errstate(divide="ignore"):
        return float((masses[there] * np.log(of[there])).sum())


def jensen_shannon(data: Masses, generated: Masses) -> float:
    """The mean of both divergences from the middle, in nats: 0 for equal distributions, log 2 for separate ones."""
    middle = (data + generated) / 2
    return (_divergence(data, middle) + _divergence(generated, middle)) / 2


def _divergence(one: Masses, other: Masses) -> float:
    there = one > NOTHING
    return float((one[there] * np.log(one[there] / other[there])).sum())


def jensen_shannon_of_value(game_value: float) -> float:
    """(V + log 4) / 2: the divergence itself for the best D (theorem 1), a lower bound of it for any other."""
    return (game_value + math.log(4)) / 2
