"""Zero-centred gradient penalty on real images."""

from typing import ClassVar

from ..components import component
from ..schedules import Schedulable
from ..shapes import SquaredNorms
from . import Every, Penalty, Where


@component
class R1(Penalty):
    """(gamma / 2) E[||grad D(x)||^2] at real images (Mescheder et al. 2018, eq. 9)."""

    at: ClassVar[Where] = "real"
    gamma: Schedulable = 1.0
    every: Every = 1

    def price(self, squared_norms: SquaredNorms) -> SquaredNorms:
        """Half the square."""
        return 0.5 * squared_norms
