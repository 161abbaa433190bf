"""How uniform random numbers become decisions and amounts, on the device and without the host looking at them."""

from typing import Annotated

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field
from torch import Tensor

from ..schedules import Schedulable, largest
from ..shapes import Numbers, Scalar

PerImage = Float[Tensor, " batch"]
"""One amount for each image."""

Decisions = Bool[Tensor, " batch"]
"""Whether something happens to each image."""

# The largest float32 below 1: a normal number of 5.4 standard deviations, where 1 itself would give infinity.
_NEARLY_ONE = 1 - 2.0**-24


def _at_most_one(p: Schedulable) -> Schedulable:
    if largest(p) > 1:
        raise ValueError("a probability should be at most 1")
    return p


Probability = Annotated[Schedulable, AfterValidator(_at_most_one)]
"""A number in [0, 1], or one that follows a schedule within it."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""What part of p a group of operations is applied with."""

SignTarget = Annotated[float, Field(gt=-1, lt=1)]
"""A mean of signs that can be steered for."""


class Draws:
    """Random numbers taken column by column, in the order in which the operations are written down."""

    def __init__(self, numbers: Numbers, strength: Scalar) -> None:
        self.numbers = numbers
        self._strength = strength
        self._used = 0

    def uniform(self, low: float = 0.0, high: float = 1.0) -> PerImage:
        """Uniform on [low, high)."""
        return low + (high - low) * self._next()

    def normal(self, std: float) -> PerImage:
        """Normal with mean 0, by inversion of its distribution."""
        return _normal(self._next()) * std

    def below(self, n: int) -> PerImage:
        """A whole number in 0..n-1, each as likely."""
        return torch.floor(n * self._next())

    def happens(self, weight: float) -> Decisions:
        """With probability weight times strength; never at strength 0, always where both are 1."""
        return self._next() < weight * self._strength

    def happens_twice_over(self, weight: float) -> Decisions:
        """With the probability q of which two tries give weight times strength: 1 - (1 - q)^2."""
        return self._next() < 1 - (1 - weight * self._strength).clamp(min=0).sqrt()

    def normals(self, count: int) -> Float[Tensor, "batch {count}"]:
        """So many normal numbers of standard deviation 1 for each image."""
        self._used += count
        return _normal(self.numbers[:, self._used - count : self._used])

    @property
    def used(self) -> int:
        """How many numbers of each image were taken."""
        return self._used

    def _next(self) -> PerImage:
        self._used += 1
        return self.numbers[:, self._used - 1]


def only(decisions: Decisions, amount: PerImage, otherwise: float) -> PerImage:
    """The amount where it was so decided."""
    return torch.where(decisions, amount, otherwise)


def _normal(uniform: Tensor) -> Tensor:
    return torch.erfinv((2 * uniform - 1).clamp(-_NEARLY_ONE, _NEARLY_ONE)) * 2**0.5
