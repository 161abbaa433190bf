"""The game of 2014 as it is played in practice."""

from typing import ClassVar

import torch.nn.functional as F

from ..components import component
from ..shapes import Logits, Scalar
from . import GanLoss


@component
class NonSaturating(GanLoss):
    """D as in `minimax`; G ascends log D(G(z)) instead (Goodfellow et al. 2014, section 3)."""

    plays_the_value: ClassVar[bool] = True

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """-V(D, G)."""
        return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """-E[log D(G(z))]: same fixed point, strong gradients early on."""
        return F.softplus(-fake_logits).mean()
