"""What keeps the discriminator smooth: added to its objective at every step."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from ..shapes import Images, Logits, Scalar


class Penalty(ABC):
    """A price on D's gradient with respect to images."""

    on_real: ClassVar[bool]
    """Whether it needs the gradient at real images; the step then asks autograd to keep it."""
    on_fake: ClassVar[bool]
    """Likewise at generated images."""

    @abstractmethod
    def __call__(self, real: Images, real_logits: Logits, fake: Images, fake_logits: Logits) -> Scalar:
        """The penalty, batch mean; differentiable with respect to D's weights.

        The logits must come from these very images, with `requires_grad` on where `on_real` and `on_fake` ask.
        """


def squared_gradient_norm(images: Images, logits: Logits) -> Scalar:
    """E[||grad_x D(x)||^2], summed over channels and pixels, averaged over the batch.

    One backward of the sum gives every image its own gradient, as long as D has no operation across images.
    """
    # The gradient is taken in float32 even under autocast: squares of bfloat16 gradients lose the penalty.
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()
