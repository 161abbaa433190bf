"""Making some frequencies of a picture louder than others (Karras et al. 2020, appendix B)."""

import torch

from ..shapes import Images
from ._chance import Draws
from ._wavelets import BANDS, along_axes, band_passes

BAND_NUMBERS = 2 * BANDS
"""Random numbers that `reweight_bands` takes for each image."""

# What share of a natural picture's power the bands hold, from low to high: its spectrum falls as 1/f.
_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)


def reweight_bands(images: Images, draws: Draws, weight: float) -> Images:
    """Each of the four bands made up to a few times stronger or weaker; all keep the expected power together."""
    gains = torch.ones_like(draws.numbers[:, :BANDS])
    fires = torch.zeros_like(draws.numbers[:, 0], dtype=torch.bool)
    for band in range(BANDS):
        happens, gain = draws.happens(weight), torch.exp2(draws.normal(1.0))
        power = 1 + _POWER[band] * (gain.square() - 1)
        factors = torch.stack([gain if other == band else torch.ones_like(gain) for other in range(BANDS)], dim=1)
        gains = torch.where(happens[:, None], gains * factors / power.sqrt()[:, None], gains)
        fires = fires | happens
    height, width = images.shape[2:]
    parts = gains[:, :, None, None]
    vertical = (parts * band_passes(height, images.device, images.dtype)).sum(dim=1)
    horizontal = (parts * band_passes(width, images.device, images.dtype)).sum(dim=1)
    filtered = along_axes(images, vertical[:, None], horizontal[:, None])
    return torch.where(fires[:, None, None, None], filtered, images)
