"""No penalty: the discriminator is as steep as it likes."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..components import component
from ..shapes import Images, Logits, Scalar
from . import Penalty


@component
class NoPenalty(Penalty):
    """Zero. `gamma` may stay in the settings while the penalty is switched off; it has no effect."""

    on_real: ClassVar[bool] = False
    on_fake: ClassVar[bool] = False
    gamma: Annotated[float, Field(ge=0)] = 0.0

    def __call__(self, real: Images, real_logits: Logits, fake: Images, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """0, on the device of the logits."""
        return real_logits.new_zeros(())
