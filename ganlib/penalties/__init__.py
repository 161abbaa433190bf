"""What keeps the discriminator smooth: a price on the gradient of its logits with respect to images."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from ..schedules import Schedulable
from ..shapes import Images, Logits, Scalar, SquaredNorms

Where = Literal["nowhere", "real", "both", "between"]
"""At which images the gradient is taken: real ones, real and generated ones, or random points between the two."""

Every = Annotated[int, Field(gt=0)]


class Penalty(ABC):
    """gamma * E[price(||grad_x D(x)||^2)], the mean over a batch, summed over the sides it looks at.

    The gradient is that with respect to the pixels, before any augmentation.
    """

    gamma: Schedulable
    """Its weight."""

    every: int
    """Charged at each so many steps, and so many times as high. Above 1 it is known to fail (see `LAZY`)."""

    at: ClassVar[Where]

    @abstractmethod
    def price(self, squared_norms: SquaredNorms) -> SquaredNorms:
        """What one image costs, given the squared Euclidean norm of its gradient over channels and pixels."""

    def total(self, squared_norms: SquaredNorms) -> Scalar:
        """The mean over the batch, summed over the sides; `squared_norms` has all sides, one after another."""
        sides = 2 if self.at == "both" else 1
        return sides * self.price(squared_norms).mean()


LAZY = (
    "penalty.every is {every}: charged at every 8th step only, R3GAN's penalties failed outright on StackedMNIST and "
    "on 25 Gaussians (Huang et al. 2024); set it to 1 unless you mean to see that."
)


def squared_gradient_norms(images: Images, logits: Logits) -> SquaredNorms:
    """||grad_x D(x)||^2 of each image, differentiable with respect to D's weights.

    One backward of the sum gives every image its own gradient, as long as D has no operation across images.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    # Squares of bfloat16 gradients would lose the penalty.
    gradient = gradient.float() if gradient.dtype == torch.bfloat16 else gradient
    return gradient.square().sum(dim=(1, 2, 3))
