"""Changes of colour, which leave transparency alone."""

import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import UserError
from ..shapes import Images
from ._chance import Decisions, Draws, only
from ._constants import on_device

RECOLOUR_NUMBERS = 10
"""Random numbers that `recolour` takes for each image."""

# Grey, grey and transparency, red green blue, and with transparency.
_COLOURS = {1: 1, 2: 1, 3: 3, 4: 3}


def colour_channels(channels: int) -> int:
    """How many of the channels are colours; UserError where nobody can tell."""
    if channels not in _COLOURS:
        raise UserError(
            f"Pictures of {channels} channels have no colours that could be changed; "
            "set augmentation.color to 0 (ada) or false (diffaugment)."
        )
    return _COLOURS[channels]


def replace_colours(images: Images, changed: Float[Tensor, "batch colours height width"], where: Decisions) -> Images:
    """The pictures with other colours where it was so decided, bit by bit the same elsewhere."""
    count = changed.shape[1]
    chosen = torch.where(where[:, None, None, None], changed, images[:, :count])
    return chosen if count == images.shape[1] else torch.cat((chosen, images[:, count:]), dim=1)


def recolour(images: Images, draws: Draws, weight: float) -> Images:
    """Brightness, contrast, luma flip, hue and saturation, in this order (Karras et al. 2020, appendix B).

    Each treats the grey axis v = (1, 1, 1)/sqrt(3) and the plane across it apart. So the paper's product of 4x4
    matrices can be multiplied out: luma · v v^T + chroma · (cos hue · (I - v v^T) + sin hue · [v]x) and an offset that
    is grey. Grey pictures know luma and offset alone.
    """
    brightened, brightness = draws.happens(weight), draws.normal(0.2)
    contrasted, contrast = draws.happens(weight), torch.exp2(draws.normal(0.5))
    flipped = draws.happens(weight) & (draws.below(2) == 1)
    hued, hue = draws.happens(weight), draws.uniform(-torch.pi, torch.pi)
    saturated, saturation = draws.happens(weight), torch.exp2(draws.normal(1.0))

    contrast = only(contrasted, contrast, 1.0)
    luma = torch.where(flipped, -contrast, contrast)
    offset = (luma * only(brightened, brightness, 0.0))[:, None, None, None]
    some = brightened | contrasted | flipped
    if colour_channels(images.shape[1]) == 1:
        return replace_colours(images, images[:, :1] * luma[:, None, None, None] + offset, where=some)
    chroma, hue = contrast * only(saturated, saturation, 1.0), only(hued, hue, 0.0)
    parts = torch.stack((luma, chroma * torch.cos(hue), chroma * torch.sin(hue)), dim=1)
    matrices = (parts[:, :, None, None] * _grey_axis(images.device, images.dtype)).sum(dim=1)
    changed = torch.matmul(matrices, images[:, :3].flatten(2)).reshape(-1, 3, *images.shape[2:])
    return replace_colours(images, changed + offset, where=some | hued | saturated)


@functools.lru_cache(maxsize=64)
def _grey_axis(device: torch.device, dtype: torch.dtype) -> Float[Tensor, "3 3 3"]:
    """v v^T, I - v v^T and [v]x, the matrix that takes the cross product with v."""
    along = np.full((3, 3), 1 / 3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    return on_device(np.stack((along, np.eye(3) - along, cross)), device, dtype)
