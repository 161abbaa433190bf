"""Whole drawings inside the page: the grid and the interpolation, at a bounded size."""

import base64
import io
import struct

from PIL import Image

from ..html.markup import Markup, element

MOST_CHARACTERS = 400_000
"""Of one drawing in the page."""
MOST_PIXELS = 80_000_000
"""A drawing of more is not opened."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRIES = tuple((side, quality) for side in (1600, 1200, 900, 600) for quality in (88, 75, 60))
"""Longest side and JPEG quality, until it fits."""


def drawing(png: bytes, alt: str) -> Markup | None:
    """The PNG as it is where it is small enough, else smaller and as JPEG; none where it is no PNG or far too large."""
    if png[:8] != SIGNATURE or len(png) < 24:
        return None
    width, height = struct.unpack(">II", png[16:24])
    if width * height > MOST_PIXELS:
        return None
    kind, content = "png", png
    if len(png) * 4 / 3 > MOST_CHARACTERS:
        kind, content = "jpeg", _smaller(png)
        width, height = Image.open(io.BytesIO(content)).size
    text = base64.b64encode(content).decode("ascii")
    return element("img", src=f"data:image/{kind};base64,{text}", alt=alt, width=width, height=height, class_="drawing")


def _smaller(png: bytes) -> bytes:
    content = b""
    with Image.open(io.BytesIO(png)) as opened:
        whole = opened.convert("RGB")
    for side, quality in TRIES:
        factor = min(1.0, side / max(whole.size))
        size = (max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
        image = whole if factor == 1 else whole.resize(size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=quality)
        content = buffer.getvalue()
        if len(content) * 4 / 3 <= MOST_CHARACTERS:
            break
    return content
