"""Geometric GAN's margins."""

import torch.nn.functional as F

from ..components import component
from ..shapes import Logits, Scalar
from . import GanLoss


@component
class Hinge(GanLoss):
    """D stops caring past a margin of 1 on either side (Lim & Ye 2017, eq. 9 and 10)."""

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]."""
        return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """-E[D(G(z))]."""
        return -fake_logits.mean()
