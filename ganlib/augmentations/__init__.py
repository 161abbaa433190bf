"""What happens to every image on its way to D, real or generated, so that few pictures cannot be learnt by heart."""

from abc import ABC, abstractmethod
from typing import ClassVar

from ..schedules import Schedulable
from ..shapes import Images, Kind, Numbers, Scalar


class Augmentation(ABC):
    """A random, differentiable change of pictures, which G learns through (Karras et al. 2020; Zhao et al. 2020).

    Of each image alone and affine in it, without a choice that depends on pixels, so that a gradient passes exactly.
    Everything random comes in as numbers.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("pictures",)
    """What it can change."""

    p: Schedulable
    """How strong, in [0, 1]: the probability with which each operation is applied."""

    target: float | None = None
    """Where p adapts itself: the mean sign of D on real images that it steers for (Karras et al. 2020, section 3.2)."""

    adjust_kimg: float = 500.0
    """Images, in thousands, in which an adapting p can rise from 0 to 1."""

    @abstractmethod
    def numbers(self, image_shape: tuple[int, int, int]) -> int:
        """How many random numbers it takes for each image of (channels, height, width)."""

    @abstractmethod
    def __call__(self, images: Images, numbers: Numbers, strength: Scalar) -> Images:
        """The images changed; to the last bit the same ones where `strength`, which is p at this moment, is 0.

        numbers: uniform on [0, 1), a row for each image.
        """
