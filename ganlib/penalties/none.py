"""No penalty: the discriminator is as steep as it likes."""

from typing import ClassVar

from ..components import component
from ..schedules import Schedulable
from ..shapes import SquaredNorms
from . import Every, Penalty, Where


@component
class NoPenalty(Penalty):
    """Zero. `gamma` and `every` may stay in the settings while the penalty is switched off; they have no effect."""

    at: ClassVar[Where] = "nowhere"
    gamma: Schedulable = 0.0
    every: Every = 1

    def price(self, squared_norms: SquaredNorms) -> SquaredNorms:
        """0."""
        return 0 * squared_norms
