"""Targets instead of verdicts: an image that is already judged right still pulls where it is judged too right."""

from ..components import component
from ..shapes import Logits, Scalar
from . import GanLoss


@component
class LeastSquares(GanLoss):
    """Real images are regressed to 1, generated ones to 0 by D and to 1 by G (Mao et al. 2017, eq. 2 and 9)."""

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """E[(D(x) - 1)^2] + E[D(G(z))^2]."""
        return (real_logits - 1).square().mean() + fake_logits.square().mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """E[(D(G(z)) - 1)^2]."""
        return (fake_logits - 1).square().mean()
