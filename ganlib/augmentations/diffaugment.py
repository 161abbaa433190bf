"""Differentiable augmentation (Zhao et al. 2020)."""

from ..components import component
from ..schedules import Kimg
from ..shapes import Images, Numbers, Scalar
from . import Augmentation
from ._chance import Draws, Probability, SignTarget, only
from ._colours import colour_channels, replace_colours
from ._holes import HOLE_NUMBERS, with_hole
from ._placement import Placement, centred
from ._warping import warp

COLOUR_NUMBERS = 6
TRANSLATION_NUMBERS = 3


@component
class DiffAugment(Augmentation):
    """Each operation happens to an image with probability p; to every image as published, where p is 1.

    `color` is brightness, saturation and contrast; `translation` up to an eighth of the sides, mid-grey coming in;
    `cutout` a mid-grey rectangle of half the sides.
    """

    p: Probability = 1.0
    color: bool = True
    translation: bool = True
    cutout: bool = True
    target: SignTarget | None = None
    adjust_kimg: Kimg = 500.0

    def numbers(self, image_shape: tuple[int, int, int]) -> int:
        """12 with every operation."""
        if self.color:
            colour_channels(image_shape[0])  # a mistake shows before the training starts
        return COLOUR_NUMBERS * self.color + TRANSLATION_NUMBERS * self.translation + HOLE_NUMBERS * self.cutout

    def __call__(self, images: Images, numbers: Numbers, strength: Scalar) -> Images:
        """See the class."""
        draws = Draws(numbers.to(images.dtype), strength)
        if self.color:
            images = _recoloured(images, draws)
        if self.translation:
            images = _translated(images, draws)
        if self.cutout:
            fires = draws.happens(1.0)
            images = with_hole(images, fires, draws.uniform(), draws.uniform())
        return images


def _recoloured(images: Images, draws: Draws) -> Images:
    colours = images[:, : colour_channels(images.shape[1])]
    fires, brightness = draws.happens(1.0), draws.uniform(-0.5, 0.5)[:, None, None, None]
    images = replace_colours(images, colours + brightness, where=fires)

    colours = images[:, : colour_channels(images.shape[1])]
    fires, saturation = draws.happens(1.0), draws.uniform(0.0, 2.0)[:, None, None, None]
    grey = colours.mean(dim=1, keepdim=True)
    images = replace_colours(images, (colours - grey) * saturation + grey, where=fires)

    colours = images[:, : colour_channels(images.shape[1])]
    fires, contrast = draws.happens(1.0), draws.uniform(0.5, 1.5)[:, None, None, None]
    mean = colours.mean(dim=(1, 2, 3), keepdim=True)
    return replace_colours(images, (colours - mean) * contrast + mean, where=fires)


def _translated(images: Images, draws: Draws) -> Images:
    height, width = images.shape[2:]
    reach_x, reach_y = round(width / 8), round(height / 8)
    fires = draws.happens(1.0)
    x = only(fires, draws.below(2 * reach_x + 1) - reach_x, 0.0)
    y = only(fires, draws.below(2 * reach_y + 1) - reach_y, 0.0)
    columns, rows = centred(width, x), centred(height, y)
    place = Placement.unmoved(draws.numbers).shifted(x, y)
    moved = warp(images, place.grid(columns, rows, (height, width)), "nearest")
    inside_x = (columns - x[:, None]).abs() <= (width - 1) / 2
    inside_y = (rows - y[:, None]).abs() <= (height - 1) / 2
    inside = inside_y[:, None, :, None] & inside_x[:, None, None, :]
    return moved * inside.to(images.dtype)
