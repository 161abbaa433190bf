"""Changes of place (Karras et al. 2020, appendix B): all of one image's are one map, and its pixels are read once."""

import torch

from ..shapes import Images
from ._chance import Decisions, Draws, only
from ._placement import Placement, centred
from ._warping import warp
from ._wavelets import DELAY, MARGIN, along_axes, doubling, halving

FLIP_NUMBERS = 2
BLIT_NUMBERS = 5
TRANSFORM_NUMBERS = 11
"""Random numbers that each group of operations takes for each image."""


def move(images: Images, draws: Draws, *, flips: bool, blit: float, geometric: float) -> Images:
    """Mirror images, blits and geometric transforms, in this order, with these weights.

    A picture that was only flipped and blitted is a copy of pixels; one that was transformed is read at twice its
    resolution.
    """
    height, width = images.shape[2:]
    place = Placement.unmoved(draws.numbers)
    if flips:
        place = _mirrored(place, draws)
    if blit:
        place = _blitted(place, draws, blit, (height, width))
    moved = images
    if flips or blit:
        grid = place.grid(centred(width, place.x0), centred(height, place.x0), (height, width))
        moved = warp(images, grid, "nearest")
    if geometric:
        place, fires = _transformed(place, draws, geometric, (height, width))
        moved = torch.where(fires[:, None, None, None], resampled(images, place), moved)
    return moved


def resampled(images: Images, place: Placement) -> Images:
    """The pictures through a placement without aliasing: doubled, read between the pixels, and halved."""
    height, width = images.shape[2:]
    constants = (images.device, images.dtype)
    fine = along_axes(images, doubling(height, *constants), doubling(width, *constants))
    columns = centred(2 * width - 1, place.x0, step=0.5, margin=MARGIN) - DELAY / 2
    rows = centred(2 * height - 1, place.x0, step=0.5, margin=MARGIN) - DELAY / 2
    place = place._replace(x0=place.x0 + DELAY / 2, y0=place.y0 + DELAY / 2)
    moved = warp(fine, place.grid(columns, rows, (height, width)), "bilinear")
    return along_axes(moved, halving(height, *constants), halving(width, *constants))


def _mirrored(place: Placement, draws: Draws) -> Placement:
    fires = draws.happens(1.0) & (draws.below(2) == 1)
    sign = 1 - 2 * fires.to(place.x0.dtype)
    return place.scaled(sign, torch.ones_like(sign))


def _blitted(place: Placement, draws: Draws, weight: float, size: tuple[int, int]) -> Placement:
    """Quarter turns, half ones where a picture is not square, then whole pixels up to an eighth of the side."""
    height, width = size
    fires = draws.happens(weight)
    quarters = only(fires, draws.below(4) if height == width else 2 * draws.below(2), 0.0)
    angle = quarters * (torch.pi / 2)
    place = place.turned(torch.cos(angle).round(), torch.sin(angle).round())
    fires = draws.happens(weight)
    x = only(fires, (draws.uniform(-0.125, 0.125) * width).round(), 0.0)
    y = only(fires, (draws.uniform(-0.125, 0.125) * height).round(), 0.0)
    return place.shifted(x, y)


def _transformed(place: Placement, draws: Draws, weight: float, size: tuple[int, int]) -> tuple[Placement, Decisions]:
    """Scaling, rotation, scaling against each other of the axes, rotation and translation; and whether any happened.

    There are two rotations, so that a stretched picture is not stretched along its sides; each happens so often that
    an image is rotated with probability weight times strength.
    """
    height, width = size
    scales, scale = draws.happens(weight), torch.exp2(draws.normal(0.2))
    turns, angle = draws.happens_twice_over(weight), draws.uniform(-torch.pi, torch.pi)
    stretches, stretch = draws.happens(weight), torch.exp2(draws.normal(0.2))
    turns_again, second_angle = draws.happens_twice_over(weight), draws.uniform(-torch.pi, torch.pi)
    shifts, x, y = draws.happens(weight), draws.normal(0.125 * width), draws.normal(0.125 * height)

    scale, stretch = only(scales, scale, 1.0), only(stretches, stretch, 1.0)
    angle, second_angle = only(turns, angle, 0.0), only(turns_again, second_angle, 0.0)
    place = place.scaled(scale, scale).turned(torch.cos(angle), torch.sin(angle))
    place = place.scaled(stretch, 1 / stretch).turned(torch.cos(second_angle), torch.sin(second_angle))
    place = place.shifted(only(shifts, x, 0.0), only(shifts, y, 0.0))
    return place, scales | turns | stretches | turns_again | shifts
