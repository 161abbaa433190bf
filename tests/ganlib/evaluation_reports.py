"""A made-up evaluation, and its page."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from prepared_folder import some

from ganlib import evaluation_page
from ganlib.prepared import PreparedData, Split

EVIL = """<script>alert(1)</script>"><img src=http://evil.invalid onerror='x'>&amp;</style>"""
PROTOCOL = {"name": "classifier-n40", "extractor": "classifier", "features": 8, "samples": 40, "floor_count": 20,
            "reference_count": 60, "heldout_count": 20, "seed": 0}  # fmt: skip


def split(count: int, classes: int = 2, *, labelled: bool = True, seed: int = 0, side: int = 8) -> Split:
    labels = np.arange(count) % classes if labelled else np.full(count, -1)
    return Split(some(count, 1, side, seed), labels.astype(np.int64))


def data(names: tuple[str, ...] = ("cat", "dog"), *, side: int = 8) -> PreparedData:
    classes = max(1, len(names))
    sides = [split(n, classes, labelled=bool(names), seed=n, side=side) for n in (60, 20)]
    return PreparedData(*sides, names, "d" * 64)


def measured(value: float, reach: float = 0.1, floor: float | None = None, **more: Any) -> dict[str, Any]:
    luck = random.Random(f"{value}")  # its own for each number, or all of it cancels in a difference
    replicates = [value + 2e-3 * reach * luck.gauss() for _ in range(20)]
    found: dict[str, Any] = {"value": value, "low": value - reach, "high": value + reach, "replicates": replicates}
    if floor is not None:
        found |= {"floor": floor, "floor_low": floor - reach, "floor_high": floor + reach}
    return found | more


def copied(value: float, low: float, high: float, pairs: int = 3, **more: Any) -> dict[str, Any]:
    """What the memorisation metric says."""
    listed = [
        {"generated": row, "train": row + 7, "feature_distance": 0.5 + row, "pixel_distance": None,
         "share_of_heldout_closer": 0.0 if row == 0 else 0.05}
        for row in range(pairs)
    ]  # fmt: skip
    return {"value": value, "low": low, "high": high, "pairs": listed, **more}


def whole() -> dict[str, Any]:
    """A report with something of everything."""
    counts = {"generated": 12, "train": 15, "heldout": 5}
    by_class = [
        {"class": "cat", **counts, "fid": 3.0, "fid_at_floor_count": 4.0, "floor": 2.0},
        {"class": "dog", **counts, "absent": "few"},
    ]
    return {
        "protocol": PROTOCOL,
        "class_fid": measured(3.0, 0.3, 2.0, classes=by_class),
        "copies": copied(0.01, 0.0, 0.015, exact=0, threshold_features=1.5),
        "c_t": measured(0.3, 1.0, 0.1),
        "fid": measured(4.0, 0.2, 2.0, value_at_floor_count=5.0),
        "precision": measured(0.8, 0.02, 0.81, value_at_floor_count=0.79),
        "recall": measured(0.5, 0.02, 0.8, value_at_floor_count=0.4),
        "kid": {"absent": "there are too few pictures"},
        "isc": measured(3.0, floor=None) | {"floor": {"absent": "held-out pictures have no spread"}},
        "class_accuracy": measured(0.9, 0.02, 0.95, classes=[{"class": "cat", "accuracy": 0.9, "floor": 1.0}]),
        "discriminator": {"train": 0.6, "generated": 0.4},
    }


def page(
    folder: Path, report: Mapping[str, Any], generated: Split | None = None, prepared: PreparedData | None = None,
    **sheets: bytes,
) -> str:  # fmt: skip
    html = folder / "evaluation.html"
    evaluation_page.write(report, generated or split(40), prepared or data(), html=html, **sheets)
    return html.read_text(encoding="utf-8")
