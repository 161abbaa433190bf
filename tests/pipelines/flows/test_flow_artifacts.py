"""Prefect's pages show what the files say."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from pipelines.flows import artifacts
from pipelines.flows.judgement import Judgement

METRICS: dict[str, Any] = {
    "protocol": {"name": "classifier-n2000-train", "samples": 2000, "seed": 0},
    "fid": {"value": 12.3456789, "low": 11.5, "high": 13.25, "value_at_floor_count": 14.5, "floor": 3.25},
    "isc": {"value": 7.5, "low": None, "high": None, "std": 0.1, "floor": 8.25, "floor_low": 8, "floor_high": 8.5},
    "kid": {"absent": "fewer than 200 pictures"},
    "recall": {"value": 0.5, "floor": {"absent": "no held-out pictures"}},
    "discriminator": {"train": 0.75},
}
JUDGEMENT = Judgement("promoted", champion=1, checks=[])


def png(side: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, format="PNG")
    return file.getvalue()


def decode(address: str) -> bytes:
    return base64.b64decode(address.removeprefix("data:image/png;base64,"), validate=True)


def test_every_number_has_a_row_with_its_floor_and_protocol() -> None:
    rows = [tuple(row.values())[:4] for row in artifacts.table(METRICS, JUDGEMENT)]
    assert rows == [
        ("fid", "12.35 [11.5, 13.2]", "14.5", "3.25"),
        ("isc", "7.5", "", "8.25 [8, 8.5]"),
        ("kid", "absent: fewer than 200 pictures", "", ""),
        ("recall", "0.5", "", "absent: no held-out pictures"),
        ("discriminator train", "0.75", "", ""),
    ]
    assert {row["protocol"] for row in artifacts.table(METRICS, JUDGEMENT)} == {"classifier-n2000-train"}


def test_the_description_is_the_whole_protocol() -> None:
    text = artifacts.describe(METRICS)
    assert all(f"- {name}: {value}" in text for name, value in METRICS["protocol"].items())


def test_a_small_picture_is_shown_as_it_is() -> None:
    assert decode(artifacts.picture_address(png(32))) == png(32)


def test_a_heavy_picture_is_shrunk() -> None:
    heavy = png(1500)
    assert len(heavy) > artifacts.LARGEST_PICTURE_BYTES
    shown = Image.open(io.BytesIO(decode(artifacts.picture_address(heavy))))
    assert shown.size == (artifacts.SHRUNK_PIXELS, artifacts.SHRUNK_PIXELS)
