"""What each player descends. One game per file; names and formulas are those of the papers they cite."""

from abc import ABC, abstractmethod
from typing import ClassVar

from ..shapes import Logits, Scalar


class GanLoss(ABC):
    """The two objectives of one game, as means over the batch, both to be descended."""

    generator_sees_real: ClassVar[bool] = False
    """Whether the generator's objective also depends on the logits of real images."""

    plays_the_value: ClassVar[bool] = False
    """Whether D's loss is -V(D, G), the value of the game of 2014."""

    @abstractmethod
    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """Falls as real images score higher and generated ones lower."""

    @abstractmethod
    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:
        """Falls as generated images score higher. `real_logits` is none unless `generator_sees_real`."""
