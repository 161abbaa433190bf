"""Stacked digits (ganlib/datasets/stacked_mnist.py): which data are such, and single digits out of triples and back."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64
from torch import Tensor

from ..prepared import LabelArray, Split

STACKED = tuple(f"{number:03}" for number in range(1000))
"""The classes: 314 shows a 3 in red, a 1 in green and a 4 in blue."""
PLACES = (100, 10, 1)
"""What the digits of the three channels count for in the number of the class."""


def is_stacked(classes: Sequence[str], channels: int) -> bool:
    """Whether each channel of the pictures is a digit of its own."""
    return channels == len(PLACES) and tuple(classes) == STACKED


def single_digits(split: Split) -> Split:
    """The channels as pictures, each labelled with its digit; memory-mapped as they were."""
    channels = split.pixels.reshape(-1, 1, *split.pixels.shape[2:])
    return Split(channels, digits_of(split.labels).reshape(-1))


def digits_of(labels: LabelArray) -> Int64[np.ndarray, "n digits"]:
    """The three digits of each class number, in the order of the channels."""
    digits: Int64[np.ndarray, "n digits"] = labels[:, np.newaxis] // np.array(PLACES) % 10
    return digits


def triples(logits: Float[Tensor, "channels 10"]) -> Float[Tensor, "n 1000"]:
    """Log-probabilities of the classes, from the digit logits of each picture's three channels in turn."""
    red, green, blue = logits.log_softmax(dim=1).reshape(-1, len(PLACES), 10).unbind(dim=1)
    summed: Tensor = red[:, :, None, None] + green[:, None, :, None] + blue[:, None, None, :]
    return summed.flatten(1)
