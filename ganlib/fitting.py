"""Decoded pictures to one shape: channels, aspect ratio, size. numpy and Pillow, on uint8."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from .datasets import Batch
from .errors import UserError
from .prepared import PixelArray
from .settings import DataSettings

Shape = tuple[int, int, int]
"""(channels, height, width)."""

Fitted = UInt8[np.ndarray, "n fitted_channels fitted_height fitted_width"]
"""The same pictures in another shape."""

RESIZED, CROPPED = "resized", "cropped"
"""Words that the notes on a picture begin with."""


def target_shape(settings: DataSettings, first: Batch) -> Shape:
    """What every picture shall become: what the settings ask for, and otherwise what the first picture is."""
    channels, height, width = first.pixels.shape[1:]
    if isinstance(settings.resolution, int):
        height = width = settings.resolution
    elif settings.resolution is not None:
        height, width = settings.resolution
    return settings.channels or channels, height, width


def check_alike(settings: DataSettings, first: Batch, batch: Batch) -> None:
    """UserError where pictures differ in what the settings leave as it is."""
    (old_channels, *old_size), (channels, *size) = first.pixels.shape[1:], batch.pixels.shape[1:]
    if settings.resolution is None and size != old_size:
        raise UserError(
            f"{first.names[0]} is {_by(old_size)} pixels and {batch.names[0]} {_by(size)} (height x width); set "
            f"data.resolution to the size that all shall have."
        )
    if settings.channels is None and channels != old_channels:
        kinds = {1: "grey", 3: "in colour"}
        raise UserError(
            f"{first.names[0]} is {kinds[old_channels]} and {batch.names[0]} {kinds[channels]}; set data.channels to "
            f"1 (grey) or 3 (RGB)."
        )


def fit(pixels: PixelArray, shape: Shape) -> tuple[Fitted, tuple[str, ...]]:
    """The pictures of one size in the target shape, and what was done to them.

    Colour to grey by luma; the largest centred part of the target's aspect ratio; Lanczos, which is antialiased
    when it makes pictures smaller; grey to RGB by repeating it.
    """
    channels, height, width = shape
    done = []
    if channels == 1 and pixels.shape[1] == 3:
        pixels = luma(pixels)
        done.append("to grey")
    top, left, crop_height, crop_width = centred_part(pixels.shape[2:], height, width)
    if (crop_height, crop_width) != pixels.shape[2:]:
        pixels = pixels[:, :, top : top + crop_height, left : left + crop_width]
        done.append(f"{CROPPED} to {crop_height}x{crop_width}")
    if (crop_height, crop_width) != (height, width):
        pixels = resize(pixels, height, width)
        done.append(f"{RESIZED} to {height}x{width}")
    if channels == 3 and pixels.shape[1] == 1:
        pixels = pixels.repeat(3, axis=1)
        done.append("to RGB")
    return pixels, tuple(done)


def luma(pixels: PixelArray) -> Fitted:
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B, in 16 fractional bits and to the nearest, as Pillow does it."""
    red, green, blue = pixels.astype(np.uint32).transpose(1, 0, 2, 3)
    grey: np.ndarray = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return grey.astype(np.uint8)[:, np.newaxis]


def centred_part(size: tuple[int, ...], height: int, width: int) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest centred part of `size` shaped like height:width, in whole pixels."""
    full_height, full_width = size
    if full_width * height > full_height * width:
        part = full_height, max(1, (2 * full_height * width + height) // (2 * height))
    else:
        part = max(1, (2 * full_width * height + width) // (2 * width)), full_width
    return (full_height - part[0]) // 2, (full_width - part[1]) // 2, *part


def resize(pixels: PixelArray, height: int, width: int) -> Fitted:
    """Each channel of each picture by Pillow's Lanczos filter of support 3 (in target pixels when shrinking)."""
    resized = np.empty((*pixels.shape[:2], height, width), dtype=np.uint8)
    for target, picture in zip(resized, pixels, strict=True):
        for channel, plane in zip(target, picture, strict=True):
            channel[:] = Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS)
    return resized


def _by(size: list[int]) -> str:
    return "x".join(str(side) for side in size)
