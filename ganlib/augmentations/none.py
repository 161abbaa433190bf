"""D sees every image as it is."""

from typing import ClassVar

from ..components import component
from ..schedules import Schedulable
from ..shapes import Images, Kind, Numbers, Scalar
from . import Augmentation


@component
class NoAugmentation(Augmentation):
    """No change. `p` may stay in the settings while augmentation is switched off; it has no effect."""

    kinds: ClassVar[tuple[Kind, ...]] = ("pictures", "points")
    p: Schedulable = 0.0

    def numbers(self, image_shape: tuple[int, int, int]) -> int:  # noqa: ARG002
        """0."""
        return 0

    def __call__(self, images: Images, numbers: Numbers, strength: Scalar) -> Images:  # noqa: ARG002
        """The same images."""
        return images
