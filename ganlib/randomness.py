"""Everything random is drawn here, from (seed, purpose, position) and never from history.

A counter-based generator (Philox4x64; Salmon et al. 2011) makes each position an independent stream, so
that image i, or batch k, is the same at any batch size, on any number of processes, and after any resume.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """Who draws: two purposes never share a stream. The numbers are part of every result; never renumber."""

    INITIAL_WEIGHTS = 1
    DISCRIMINATOR_REALS = 2
    GENERATOR_REALS = 3
    DISCRIMINATOR_LATENTS = 4
    GENERATOR_LATENTS = 5
    SAMPLE = 6
    INTERPOLATION = 7
    CLASSIFIER = 8
    SAMPLE_LABELS = 9
    POINTS = 10
    STACKED_DIGITS = 11
    DISCRIMINATOR_AUGMENTATION = 12
    GENERATOR_AUGMENTATION = 13
    MIXING = 14
    DIAGNOSTICS = 15
    TWO_SAMPLE = 16
    SELECTION = 17
    KID_INTERVAL = 18
    FID_INFINITY = 19


def stream(seed: int, purpose: Purpose, position: int = 0) -> np.random.Generator:
    """The random stream of one position.

    seed and position lie in [0, 2^64). Streams of other (seed, purpose, position) never overlap: the position
    is the counter's highest word, so each has 2^192 blocks to itself.
    """
    key = np.array([seed, purpose], dtype=np.uint64)
    counter = np.array([0, 0, 0, position], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
