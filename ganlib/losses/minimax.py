"""The game of 2014, played literally; the generator's gradient vanishes where D is sure."""

from typing import ClassVar

import torch.nn.functional as F

from ..components import component
from ..shapes import Logits, Scalar
from . import GanLoss


@component
class Minimax(GanLoss):
    """min_G max_D E[log D(x)] + E[log(1 - D(G(z)))] (Goodfellow et al. 2014, eq. 1), D = sigmoid(logit)."""

    plays_the_value: ClassVar[bool] = True

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """-V(D, G): log D(x) is -softplus(-logit), log(1 - D) is -softplus(logit)."""
        return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:  # noqa: ARG002
        """E[log(1 - D(G(z)))], the saturating objective."""
        return -F.softplus(fake_logits).mean()
