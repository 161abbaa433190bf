"""Decoded pictures to one shape: alpha, channels, aspect ratio, size. numpy and Pillow, on uint8."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from .errors import UserError
from .prepared import PixelArray
from .settings import DataSettings

Shape = tuple[int, int, int]
"""(channels, height, width)."""

Fitted = UInt8[np.ndarray, "n fitted_channels fitted_height fitted_width"]
"""The same pictures in another shape."""

Box = tuple[int, int, int, int]
"""(top, left, height, width)."""

RESIZED, CROPPED, PADDED = "resized", "cropped", "padded"
"""Words that the notes on a picture begin with."""
COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}
MANY = 8
"""From so many pictures of one size on, resizing them together is faster than one after another."""


@dataclass(frozen=True)
class Recipe:
    """What every picture shall become."""

    shape: Shape
    fit: str
    """center_crop, pad, stretch, or none: pictures have the shape already."""
    background: tuple[int, int, int] | None
    """The colour behind transparent and around padded pictures; none keeps alpha and pads with transparency."""


@dataclass(frozen=True)
class Plan:
    """How pictures of one shape are fitted."""

    part: Box
    """What is kept of the picture."""
    inside: Box
    """Where that goes in the target."""
    notes: tuple[str, ...]


def check(settings: DataSettings) -> None:
    """UserError where the settings contradict each other."""
    if settings.alpha == "keep" and settings.channels in (1, 3):
        more = settings.channels + 1
        raise UserError(
            f"data.alpha is keep but data.channels is {settings.channels}, which has no room for it; set "
            f"data.channels to {more} or auto, or data.alpha to a colour."
        )
    if settings.alpha != "keep" and settings.channels in (2, 4):
        raise UserError(
            f"data.channels is {settings.channels}, whose last channel is alpha, but data.alpha is "
            f"{settings.alpha!r}; set data.alpha to keep, or data.channels to {settings.channels - 1}."
        )


def background(settings: DataSettings) -> tuple[int, int, int] | None:
    """The colour that `data.alpha` names; none for keep."""
    if settings.alpha == "keep":
        return None
    if settings.alpha in COLOURS:
        return COLOURS[settings.alpha]
    red, green, blue = bytes.fromhex(settings.alpha.removeprefix("#"))
    return red, green, blue


def target_size(settings: DataSettings, size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) that every picture shall have: what the settings ask for, else the first picture's."""
    if isinstance(settings.resolution, int):
        return settings.resolution, settings.resolution
    return settings.resolution or size


def channels_needed(channels: int, size: tuple[int, int], recipe: Recipe) -> int:
    """The fewest channels in which a picture of so many channels and this size loses nothing."""
    colour, alpha = channels >= 3, channels in (2, 4)
    pads = recipe.fit == "pad" and plan(size, recipe).inside != (0, 0, *recipe.shape[1:])
    if recipe.background is None:
        return (3 if colour else 1) + (alpha or pads)
    tinted = len(set(recipe.background)) > 1 and (alpha or pads)
    return 3 if colour or tinted else 1


def join(first: int, second: int) -> int:
    """The fewest channels that hold pictures of both numbers of channels."""
    return (3 if max(first, second) >= 3 else 1) + (first in (2, 4) or second in (2, 4))


@lru_cache(maxsize=4096)
def plan(size: tuple[int, int], recipe: Recipe) -> Plan:
    """Where a picture of (height, width) is cut, and where it goes."""
    height, width = recipe.shape[1:]
    whole, target = (0, 0, *size), (0, 0, height, width)
    if size == (height, width):
        return Plan(whole, target, ())
    if recipe.fit == "center_crop":
        part, inside = centred_part(size, height, width), target
    elif recipe.fit == "pad":
        part, inside = whole, centred_part((height, width), *size)
    else:
        part, inside = whole, target
    notes = []
    if part != whole:
        notes.append(f"{CROPPED} to {part[2]}x{part[3]}")
    if part[2:] != inside[2:]:
        notes.append(f"{RESIZED} to {inside[2]}x{inside[3]}")
    if inside != target:
        notes.append(f"{PADDED} to {height}x{width}")
    return Plan(part, inside, tuple(notes))


def fit(pixels: PixelArray, recipe: Recipe) -> tuple[Fitted, tuple[str, ...]]:
    """The pictures of one size in the recipe's shape, and what was done to them.

    Alpha is laid over the background, or kept; colour becomes grey by luma, grey becomes RGB by repeating it; sizes
    change by Lanczos, which is antialiased when it makes pictures smaller. Alpha weighs the colours as they mix.
    """
    height, width = recipe.shape[1:]
    steps = plan((pixels.shape[2], pixels.shape[3]), recipe)
    pixels, reduced = _fewer_channels(pixels, recipe)
    top, left, part_height, part_width = steps.part
    pixels = pixels[:, :, top : top + part_height, left : left + part_width]
    if steps.inside[2:] != steps.part[2:]:
        pixels = resize(pixels, *steps.inside[2:])
    pixels, widened = _more_channels(pixels, recipe.shape[0])
    if steps.inside != (0, 0, height, width):
        pixels = _padded(pixels, steps.inside, recipe)
    return pixels, reduced + steps.notes + widened


def _fewer_channels(pixels: PixelArray, recipe: Recipe) -> tuple[Fitted, tuple[str, ...]]:
    """Without the alpha and the colour that the recipe does not want."""
    notes = []
    if pixels.shape[1] in (2, 4) and recipe.background is not None:
        pixels = composed(pixels, recipe.background)
        notes.append("alpha over #{:02x}{:02x}{:02x}".format(*recipe.background))
    if pixels.shape[1] >= 3 and recipe.shape[0] <= 2:
        pixels = np.concatenate([luma(pixels[:, :3]), pixels[:, 3:]], axis=1)
        notes.append("to grey")
    return pixels, tuple(notes)


def _more_channels(pixels: PixelArray, channels: int) -> tuple[Fitted, tuple[str, ...]]:
    """With the colour and the alpha that are still missing: what is there already, and opaque."""
    notes = []
    if pixels.shape[1] <= 2 and channels >= 3:
        pixels = np.concatenate([pixels[:, :1].repeat(3, axis=1), pixels[:, 1:]], axis=1)
        notes.append("to RGB")
    if pixels.shape[1] < channels:
        pixels = np.concatenate([pixels, np.full_like(pixels[:, :1], 255)], axis=1)
        notes.append("opaque alpha added")
    return pixels, tuple(notes)


def composed(pixels: PixelArray, colour: tuple[int, int, int]) -> Fitted:
    """Straight alpha, the last channel, laid over a colour; to the nearest. Grey stays grey over grey."""
    colours, alpha = pixels[:, :-1].astype(np.uint16), pixels[:, -1:].astype(np.uint16)
    behind = np.array(colour[:1] if len(set(colour)) == 1 else colour, np.uint16)[:, np.newaxis, np.newaxis]
    # At most 255 * 255 + 127, which 16 bits hold.
    over: np.ndarray = (colours * alpha + behind * (255 - alpha) + 127) // 255
    return over.astype(np.uint8)


def _padded(pixels: PixelArray, inside: Box, recipe: Recipe) -> Fitted:
    channels, height, width = recipe.shape
    top, left, inner_height, inner_width = inside
    padded = np.zeros((len(pixels), channels, height, width), np.uint8)
    if recipe.background is not None:
        colour = np.array(recipe.background, np.uint8)[:, np.newaxis, np.newaxis]
        # Over grey nothing changes; under one channel another colour is what luma makes of it.
        padded[:] = luma(colour[np.newaxis]) if channels == 1 else colour
    padded[:, :, top : top + inner_height, left : left + inner_width] = pixels
    return padded


def luma(pixels: PixelArray) -> Fitted:
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B, in 16 fractional bits and to the nearest, as Pillow does it."""
    red, green, blue = pixels.astype(np.uint32).transpose(1, 0, 2, 3)
    grey: np.ndarray = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return grey.astype(np.uint8)[:, np.newaxis]


def centred_part(size: tuple[int, int], height: int, width: int) -> Box:
    """(top, left, height, width) of the largest centred part of `size` shaped like height:width, in whole pixels."""
    full_height, full_width = size
    if full_width * height > full_height * width:
        part = full_height, max(1, (2 * full_height * width + height) // (2 * height))
    else:
        part = max(1, (2 * full_width * height + width) // (2 * width)), full_width
    return (full_height - part[0]) // 2, (full_width - part[1]) // 2, *part


def resize(pixels: PixelArray, height: int, width: int) -> Fitted:
    """Pillow's Lanczos filter of support 3 (in target pixels when shrinking), one direction after the other.

    First the direction that leaves fewer pixels; a pass rounds to 8 bits, so the order is part of the result.
    """
    if pixels.shape[1] in (1, 3) and len(pixels) >= MANY:
        return _resize_together(pixels, height, width)
    resized = np.empty((*pixels.shape[:2], height, width), np.uint8)
    mode = ("L", "LA", "RGB", "RGBA")[pixels.shape[1] - 1]
    between = (width, pixels.shape[2]) if _rows_first(pixels, height, width) else (pixels.shape[3], height)
    for target, picture in zip(resized, pixels, strict=True):
        bands = picture[0] if mode == "L" else picture.transpose(1, 2, 0)
        image = Image.fromarray(np.ascontiguousarray(bands))  # where there is alpha, Pillow lets it weigh the colours
        for size in (between, (width, height)):
            image = image.resize(size, Image.Resampling.LANCZOS)
        bands = np.asarray(image)
        target[:] = bands if mode == "L" else bands.transpose(2, 0, 1)
    return resized


def _rows_first(pixels: PixelArray, height: int, width: int) -> bool:
    """Whether rows are resized before columns: where fewer or as many pixels are left in between."""
    return bool(pixels.shape[2] * width <= height * pixels.shape[3])


def _resize_together(pixels: PixelArray, height: int, width: int) -> Fitted:
    """All planes at once, to the same bytes: rows know nothing of each other, so pictures stacked into one tall
    column give what each gives alone, and so do their columns laid down as rows."""
    planes = pixels.reshape(-1, *pixels.shape[2:])
    if _rows_first(pixels, height, width):
        planes = _resize_rows(_resize_rows(planes, width).transpose(0, 2, 1), height).transpose(0, 2, 1)
    else:
        planes = _resize_rows(_resize_rows(planes.transpose(0, 2, 1), height).transpose(0, 2, 1), width)
    return np.ascontiguousarray(planes).reshape(*pixels.shape[:2], height, width)


def _resize_rows(planes: UInt8[np.ndarray, "n rows old"], width: int) -> UInt8[np.ndarray, "n rows new"]:
    count, rows, old_width = planes.shape
    if old_width == width:
        return planes
    tall = Image.fromarray(np.ascontiguousarray(planes).reshape(-1, old_width))
    resized = np.asarray(tall.resize((width, count * rows), Image.Resampling.LANCZOS))
    return resized.reshape(count, rows, width)
