"""Zero-centred gradient penalties on both sides: what makes the relativistic game converge locally."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..components import component
from ..shapes import Images, Logits, Scalar
from . import Penalty, squared_gradient_norm


@component
class R1R2(Penalty):
    """(gamma / 2) (E[||grad D(x)||^2] + E[||grad D(G(z))||^2]) (Huang et al. 2024, section 2.2)."""

    on_real: ClassVar[bool] = True
    on_fake: ClassVar[bool] = True
    gamma: Annotated[float, Field(ge=0)] = 1.0

    def __call__(self, real: Images, real_logits: Logits, fake: Images, fake_logits: Logits) -> Scalar:
        """See the class."""
        at_real = squared_gradient_norm(real, real_logits)
        at_fake = squared_gradient_norm(fake, fake_logits)
        return 0.5 * self.gamma * (at_real + at_fake)
