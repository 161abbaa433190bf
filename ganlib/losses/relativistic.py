"""Each generated image is judged against a real one: no mode of the data can be ignored."""

from typing import ClassVar

import torch.nn.functional as F

from ..components import component
from ..shapes import Logits, Scalar
from . import GanLoss


@component
class Relativistic(GanLoss):
    """RpGAN: both players see D(x) - D(G(z)), image by image (Jolicoeur-Martineau 2018; Huang et al. 2024, eq. 3)."""

    generator_sees_real: ClassVar[bool] = True

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Scalar:
        """E[softplus(-(D(x) - D(G(z))))]."""
        return F.softplus(fake_logits - real_logits).mean()

    def generator(self, real_logits: Logits | None, fake_logits: Logits) -> Scalar:
        """E[softplus(-(D(G(z)) - D(x)))]."""
        assert real_logits is not None, "the relativistic generator is judged against real images"
        return F.softplus(real_logits - fake_logits).mean()
