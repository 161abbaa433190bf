"""One picture file to upright 8-bit pixels, whatever it was stored as."""

import math
import warnings
from functools import cache
from io import BytesIO

import numpy as np
import simplejpeg
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from .datasets import BOMB, BROKEN, NOT_AN_IMAGE, TRUNCATED, Batch, Refused

Grid = UInt8[np.ndarray, "height width ..."]
"""Rows of pixels as Pillow gives them: bands last, or none."""

# Pillow opens EPS by starting Ghostscript on it; the others it can name but not decode.
LEFT_OUT = {"EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF"}
# Tried before the others: each try costs time, and some rare formats are tried by reading into the file.
COMMON = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

JPEG_START = b"\xff\xd8\xff"
JPEG_MARKS = (b"Exif\0", b"http://ns.adobe.com/xap/", b"MPF\0")
"""Of metadata that may turn the picture (EXIF, XMP) or tell of more frames (MPO)."""
JPEG_COLOURS = {"YCbCr": "RGB", "Gray": "GRAY"}

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


class UnusableError(Exception):
    """A file that gives no picture: why, in one of the manifest's words, and what is wrong with it."""

    def __init__(self, reason: str, complaint: str) -> None:
        super().__init__(complaint)
        self.reason, self.complaint = reason, complaint


@cache
def formats() -> tuple[str, ...]:
    """The formats that are opened, in the order in which they are tried."""
    Image.init()
    return (*COMMON, *(name for name in Image.ID if name not in LEFT_OUT.union(COMMON)))


@cache
def extensions() -> frozenset[str]:
    """How the names of such files end: `.png`, `.jpg` ..."""
    return frozenset(end for end, name in Image.registered_extensions().items() if name in formats())


def picture(content: bytes, name: str, *, place: str, label: int) -> Batch | Refused:
    """The first frame, turned upright by its EXIF tag, 16 bits scaled to 8, alpha kept where any of it shows.

    `name` is the file's in the manifest, `place` what a person is told. Refused where the file cannot be decoded
    whole, is too large (Pillow's MAX_IMAGE_PIXELS), or has values of unknown range; no content raises.
    """
    if content[:3] == JPEG_START and (plain := _plain_jpeg(content)) is not None:
        mode = "L" if plain.shape[-1] == 1 else "RGB"
        return Batch(plain.transpose(2, 0, 1)[np.newaxis], np.array([label]), [name], mode)
    try:
        image, mode, done = _open(content)
        orientation = _orientation(image)
        if orientation in UPRIGHT:
            image = image.transpose(UPRIGHT[orientation])
            done = (*done, f"EXIF orientation {orientation} applied")
        pixels, converted = _eight_bits(image)
    except UnusableError as error:
        return Refused(name, error.reason, f"{place} {error.complaint}", label)
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return Batch(planes[np.newaxis], np.array([label]), [name], mode, done + converted)


def _plain_jpeg(content: bytes) -> UInt8[np.ndarray, "height width bands"] | None:
    """The pixels of a usual JPEG, in a sixth of Pillow's time and equal to its own to the last bit.

    None for what needs a second look: whatever is broken, huge, turned, in several frames or in rare colours.
    """
    if any(mark in content for mark in JPEG_MARKS):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in JPEG_COLOURS or height * width > (Image.MAX_IMAGE_PIXELS or math.inf):
            return None
        pixels: np.ndarray = simplejpeg.decode_jpeg(content, JPEG_COLOURS[colours])
    except ValueError:
        return None
    return pixels


def _open(content: bytes) -> tuple[Image.Image, str, tuple[str, ...]]:
    """The decoded first frame, its mode in the file, and what there was besides."""
    if not content:
        raise UnusableError(TRUNCATED, "is empty; put the picture there again or remove the file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about metadata; missing pixels raise
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(BytesIO(content), formats=formats())
            mode, frames, deep = image.mode, getattr(image, "n_frames", 1), _deep(image)
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        complaint = f"unpacks to more than {Image.MAX_IMAGE_PIXELS} pixels; make it smaller or remove it."
        raise UnusableError(BOMB, complaint) from None
    except UnidentifiedImageError:
        complaint = "is broken or in no picture format that Pillow knows; repair or remove it."
        raise UnusableError(NOT_AN_IMAGE, complaint) from None
    except Exception as error:  # Pillow's decoders raise almost anything on broken bytes
        detail = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        reason = TRUNCATED if "truncated" in detail.lower() or isinstance(error, EOFError) else BROKEN
        raise UnusableError(reason, f"is a broken picture ({detail}); repair or remove it.") from None
    done = (f"first of {frames} frames",) if frames > 1 else ()
    return image, mode, (*done, "16 bits to 8") if deep else done


def _deep(image: Image.Image) -> bool:
    """Whether Pillow takes the upper 8 of 16 bits: it does so for colours."""
    if image.format == "JPEG":
        return False
    tiles = getattr(image, "tile", None)
    arguments = getattr(tiles[0], "args", None) if tiles else None
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return isinstance(raw_mode, str) and ";16" in raw_mode and image.mode in ("RGB", "RGBA", "LA")


def _orientation(image: Image.Image) -> int:
    # After load: Pillow turns TIFF upright itself, and PNG may hold its tag behind the pixels.
    if image.format == "JPEG" and "exif" not in image.info and "xmp" not in image.info:
        return 1
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # broken metadata of whatever kind is no reason to lose the picture
        return 1


def _eight_bits(image: Image.Image) -> tuple[Grid, tuple[str, ...]]:
    """(grey, grey and alpha, RGB, or RGB and alpha; what was done)."""
    mode, transparent = image.mode, image.has_transparency_data
    if mode == "RGB" and not transparent:
        return np.asarray(image), ()
    if mode in ("L", "1") and not transparent:
        return np.asarray(image if mode == "L" else image.convert("L")), ()
    if mode == "F" or mode.startswith("I"):
        return _from_sixteen_bits(np.asarray(image), mode), ("16 bits to 8",)
    if transparent:
        bands = np.asarray(image.convert("LA" if mode in ("L", "1", "LA", "La") else "RGBA"))
        if (bands[..., -1] < 255).any():
            return bands, ()
        colours = bands[..., :-1]
        return colours[..., 0] if colours.shape[-1] == 1 else colours, ("opaque alpha dropped",)
    return np.asarray(image.convert("RGB")), (f"{mode} to RGB",)


def _from_sixteen_bits(values: np.ndarray, mode: str) -> Grid:
    """0..65535 to 0..255, to the nearest."""
    # Pillow hands out some 16-bit files as 32-bit integers.
    if mode == "F" or values.min() < 0 or values.max() > 65535:
        kind = "floating-point" if mode == "F" else "32-bit"
        complaint = f"has {kind} values, whose black and white are unknown; save it with 8 or 16 bits."
        raise UnusableError(BROKEN, complaint)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
