"""One picture file to upright 8-bit pixels, whatever it was stored as."""

import warnings
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from .errors import UserError

Grid = UInt8[np.ndarray, "height width ..."]
"""Rows of pixels as Pillow gives them: bands last, or none."""

# Pillow opens EPS by starting Ghostscript on it; the others it can name but not decode.
LEFT_OUT = {"EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF"}
# Tried before the others: each try costs time, and some rare formats are tried by reading into the file.
COMMON = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of EXIF's orientation tag."""
ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Decoded:
    """Pixels, and how they came to be."""

    pixels: UInt8[np.ndarray, "channels height width"]
    """1 channel (grey) or 3 (RGB)."""
    mode: str
    """How the file stored them, in Pillow's words."""
    done: tuple[str, ...]


@cache
def formats() -> tuple[str, ...]:
    """The formats that are opened, in the order in which they are tried."""
    Image.init()
    return (*COMMON, *(name for name in Image.ID if name not in LEFT_OUT.union(COMMON)))


@cache
def extensions() -> frozenset[str]:
    """How the names of such files end: `.png`, `.jpg` ..."""
    return frozenset(end for end, name in Image.registered_extensions().items() if name in formats())


def decode(content: bytes, name: str) -> Decoded:
    """The first frame, turned upright by its EXIF tag, alpha laid over white, 16 bits scaled to 8.

    UserError names the picture where it cannot be decoded whole, is too large (Pillow's MAX_IMAGE_PIXELS), or
    has values of unknown range.
    """
    done = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about metadata; missing pixels raise
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(BytesIO(content), formats=formats())
            mode, frames = image.mode, getattr(image, "n_frames", 1)
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError(
            f"{name} unpacks to more than {Image.MAX_IMAGE_PIXELS} pixels; make it smaller or remove it."
        ) from None
    except UnidentifiedImageError:
        raise UserError(f"{name} is broken or in no picture format that Pillow knows; repair or remove it.") from None
    except Exception as error:  # Pillow's decoders raise almost anything on broken bytes
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UserError(f"{name} is a broken picture ({reason}); repair or remove it.") from None
    if frames > 1:
        done.append(f"first of {frames} frames")
    # After load: Pillow turns TIFF upright itself, and PNG may hold its tag behind the pixels.
    orientation = _orientation(image)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
        done.append(f"EXIF orientation {orientation} applied")
    pixels, converted = _eight_bits(image, name)
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return Decoded(np.ascontiguousarray(planes), mode, (*done, *converted))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # broken metadata of whatever kind is no reason to lose the picture
        return 1


def _eight_bits(image: Image.Image, name: str) -> tuple[Grid, tuple[str, ...]]:
    """(grey or RGB, what was done)."""
    if image.mode in ("L", "1") and not image.has_transparency_data:
        return np.asarray(image.convert("L")), ()
    if image.mode == "RGB" and not image.has_transparency_data:
        return np.asarray(image), ()
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_sixteen_bits(np.asarray(image), image.mode, name), ("16 bits to 8",)
    if image.has_transparency_data:
        grey = image.mode in ("L", "1", "LA", "La")
        return _over_white(np.asarray(image.convert("LA" if grey else "RGBA"))), ("alpha over white",)
    return np.asarray(image.convert("RGB")), (f"{image.mode} to RGB",)


def _from_sixteen_bits(values: np.ndarray, mode: str, name: str) -> Grid:
    """0..65535 to 0..255, to the nearest."""
    # Pillow hands out some 16-bit files as 32-bit integers.
    if mode == "F" or values.min() < 0 or values.max() > 65535:
        raise UserError(
            f"{name} has {'floating-point' if mode == 'F' else '32-bit'} values, whose black and white are unknown; "
            f"save it with 8 or 16 bits."
        )
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _over_white(bands: Grid) -> Grid:
    """Straight alpha, the last band, composed with white; to the nearest."""
    colours, alpha = bands[..., :-1].astype(np.uint16), bands[..., -1:].astype(np.uint16)
    # At most 255 * 255 + 127, which 16 bits hold.
    composed = ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return composed[..., 0] if composed.shape[-1] == 1 else composed
