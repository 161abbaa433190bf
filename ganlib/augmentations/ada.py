"""The operations of adaptive discriminator augmentation (Karras et al. 2020, section 2 and appendix B)."""

import math

import torch

from ..components import component
from ..schedules import Kimg
from ..shapes import Images, Numbers, Scalar
from . import Augmentation
from ._bands import BAND_NUMBERS, reweight_bands
from ._chance import Draws, Probability, Share, SignTarget
from ._colours import RECOLOUR_NUMBERS, colour_channels, recolour
from ._geometry import BLIT_NUMBERS, FLIP_NUMBERS, TRANSFORM_NUMBERS, move
from ._holes import HOLE_NUMBERS, with_hole


@component
class AdaOperations(Augmentation):
    """Every operation of a group happens to an image with probability (the group's weight) times p.

    The weights are those of R3GAN (Huang et al. 2024). Below a p of about 0.8 the generator does not learn to make
    augmented pictures. `flips`: mirror images, for data whose left and right are alike. `blit`: quarter turns and
    whole pixels. `geometric`: scaling, rotation and translation. `filter`: frequency bands. `noise`: noise added to
    every value. `cutout`: a mid-grey rectangle of half the sides.

    With a `target`, such as 0.6, p starts where it stands and adapts itself.
    """

    p: Probability = 0.3
    flips: bool = True
    blit: Share = 1.0
    geometric: Share = 1.0
    color: Share = 0.5
    filter: Share = 0.0
    noise: Share = 0.0
    cutout: Share = 1.0
    target: SignTarget | None = None
    adjust_kimg: Kimg = 500.0

    def numbers(self, image_shape: tuple[int, int, int]) -> int:
        """About 30; with noise one more for each value of a picture."""
        count = FLIP_NUMBERS * self.flips
        count += BLIT_NUMBERS * (self.blit > 0) + TRANSFORM_NUMBERS * (self.geometric > 0)
        if self.color:
            colour_channels(image_shape[0])  # a mistake shows before the training starts
            count += RECOLOUR_NUMBERS
        count += BAND_NUMBERS * (self.filter > 0) + HOLE_NUMBERS * (self.cutout > 0)
        return count + (2 + math.prod(image_shape)) * (self.noise > 0)

    def __call__(self, images: Images, numbers: Numbers, strength: Scalar) -> Images:
        """See the class."""
        draws = Draws(numbers.to(images.dtype), strength)
        images = move(images, draws, flips=self.flips, blit=self.blit, geometric=self.geometric)
        if self.color:
            images = recolour(images, draws, self.color)
        if self.filter:
            images = reweight_bands(images, draws, self.filter)
        if self.noise:
            images = _with_noise(images, draws, self.noise)
        if self.cutout:
            fires = draws.happens(self.cutout)
            images = with_hole(images, fires, draws.uniform(), draws.uniform())
        return images


def _with_noise(images: Images, draws: Draws, weight: float) -> Images:
    """Normal noise of every value, its standard deviation the size of a normal number of 0.1."""
    fires = draws.happens(weight)[:, None, None, None]
    deviation = draws.normal(0.1).abs()[:, None]
    noise = (deviation * draws.normals(images[0].numel())).view(images.shape)
    return torch.where(fires, images + noise, images)
