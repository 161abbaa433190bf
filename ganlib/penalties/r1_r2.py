"""Zero-centred gradient penalties on both sides: what makes the relativistic game converge locally."""

from typing import ClassVar

from ..components import component
from ..schedules import Schedulable
from ..shapes import SquaredNorms
from . import Every, Penalty, Where


@component
class R1R2(Penalty):
    """(gamma / 2) (E[||grad D(x)||^2] + E[||grad D(G(z))||^2]) (Huang et al. 2024, section 2.2)."""

    at: ClassVar[Where] = "both"
    gamma: Schedulable = 1.0
    every: Every = 1

    def price(self, squared_norms: SquaredNorms) -> SquaredNorms:
        """Half the square."""
        return 0.5 * squared_norms
