"""D as a critic: how far apart the two distributions lie, once a penalty keeps its slope at about 1."""

from ..components import component
from ..shapes import Logits, Scalar
from . import GanLoss


@component
class Wasserstein(GanLoss):
    """The earth mover's distance by its dual (Arjovsky et al. 2017, eq. 2); needs a gradient penalty."""

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """E[D(G(z))] - E[D(x)]."""
        return fake_logits.mean() - real_logits.mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """-E[D(G(z))]."""
        return -fake_logits.mean()
