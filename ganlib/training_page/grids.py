"""The sample grids of a training over a slider, small enough together for one page."""

import io
from collections.abc import Mapping

from PIL import Image

from ..html import thumbnails
from ..html.markup import Markup, element
from ..strokes import slider

MOST = 40
"""Grids that are shown, evenly spread over all."""
SIDES = (900, 640, 480, 360, 240)
"""Longest side in pixels: the first with which all fit into the page's budget."""


def over_time(grids: Mapping[int, bytes]) -> Markup | None:
    """None where there is none."""
    if not grids:
        return None
    everything = sorted(grids)
    count = min(MOST, len(everything))
    chosen = [everything[round(place * (len(everything) - 1) / max(1, count - 1))] for place in range(count)]
    pictures = [Image.open(io.BytesIO(grids[seen])).convert("RGB") for seen in chosen]
    small: list[thumbnails.Thumbnail] = []
    for side in SIDES:
        small = [thumbnails.encode(picture, side, lossless_side=side) for picture in pictures]
        if sum(len(one.address) for one in small) <= thumbnails.BUDGET:
            break
    frames = [
        element(
            "img", src=one.address, width=one.width, height=one.height, data_frame=number,
            alt=f"Drawn after {seen:,} images, always from the same latents",
            class_="grid now" if number == count - 1 else "grid",
        )
        for number, (seen, one) in enumerate(zip(chosen, small, strict=True))
    ]  # fmt: skip
    return slider.player(frames, [f"{seen:,} images" for seen in chosen], "Images seen when it was drawn")
