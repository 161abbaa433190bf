"""One-centred gradient penalty between real and generated images: a critic of slope 1."""

from typing import ClassVar

from ..components import component
from ..schedules import Schedulable
from ..shapes import SquaredNorms
from . import Every, Penalty, Where

TINY = 1e-12
"""Under the root, whose slope at 0 is infinite."""


@component
class WganGp(Penalty):
    """gamma E[(||grad D(x')|| - 1)^2], x' between a real and a generated image (Gulrajani et al. 2017, eq. 3)."""

    at: ClassVar[Where] = "between"
    gamma: Schedulable = 10.0
    every: Every = 1

    def price(self, squared_norms: SquaredNorms) -> SquaredNorms:
        """The square of how far the norm is from 1."""
        return ((squared_norms + TINY).sqrt() - 1).square()
