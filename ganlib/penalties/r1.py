"""Zero-centred gradient penalty on real images."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..components import component
from ..shapes import Images, Logits, Scalar
from . import Penalty, squared_gradient_norm


@component
class R1(Penalty):
    """(gamma / 2) E[||grad D(x)||^2] at real images (Mescheder et al. 2018, eq. 9)."""

    on_real: ClassVar[bool] = True
    on_fake: ClassVar[bool] = False
    gamma: Annotated[float, Field(ge=0)] = 1.0

    def __call__(self, real: Images, real_logits: Logits, fake: Images, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """See the class."""
        return 0.5 * self.gamma * squared_gradient_norm(real, real_logits)
