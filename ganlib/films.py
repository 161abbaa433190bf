"""Films of pictures, for people: .mp4 through PyAV, which brings its encoder, and .gif through Pillow."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8
from PIL import Image

from . import files
from .images import opaque

FRAMES_A_SECOND = 25
"""40 ms each, which is what a .gif can say exactly."""

VISIBLE = 256
"""Pixels that the longer side of a film should measure at least."""

QUALITY = "16"
"""H.264's constant rate factor: hardly told from the original by eye."""

Frame = UInt8[np.ndarray, "height width 3"]


def frames_of(pixels: UInt8[np.ndarray, "n channels height width"]) -> Iterator[Frame]:
    """Each picture in colour, its pixels drawn as squares where it is small; sides are even, as H.264 wants them."""
    shown = opaque(pixels)
    factor = max(1, round(VISIBLE / max(shown.shape[2:])))
    height, width = (factor * side for side in shown.shape[2:])
    for image in np.broadcast_to(shown, (len(shown), 3, *shown.shape[2:])):
        large = image.transpose(1, 2, 0).repeat(factor, axis=0).repeat(factor, axis=1)
        yield np.pad(large, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def write_mp4(path: Path, frames: Iterator[Frame]) -> None:
    """H.264 in the colours of BT.709, which every browser plays; the whole file or none. At least one frame."""
    first = next(frames)
    with files.whole_file(path) as aside, av.open(str(aside), "w", format="mp4") as film:
        # x264's macroblock tree is not the same at every call where a processor has AVX-512.
        stream = film.add_stream("libx264", rate=FRAMES_A_SECOND, options={"crf": QUALITY, "mbtree": "0"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1  # with more, the bytes may depend on how busy the machine is
        stream.colorspace, stream.color_range = Colorspace.ITU709, ColorRange.MPEG
        for pixels in chain([first], frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            film.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
        film.mux(stream.encode())


def write_gif(path: Path, frames: Iterator[Frame]) -> None:
    """Runs for ever, in at most 256 colours a frame; the whole file or none. At least one frame."""
    first = Image.fromarray(next(frames))
    rest = (Image.fromarray(pixels) for pixels in frames)
    with files.whole_file(path) as aside:
        duration = 1000 // FRAMES_A_SECOND
        first.save(aside, format="GIF", save_all=True, append_images=rest, duration=duration, loop=0)
