"""The card's facts as numbers, for programs."""

from typing import Any

import numpy as np

from .charts import ratio_histogram, sizes_histogram
from .facts import Facts
from .findings import enlargement, straddling_pairs
from .summary import Summary


def figures(summary: Summary, facts: Facts) -> dict[str, Any]:
    """Nested names with numbers at their ends; what is a list is a histogram's."""
    numbers: dict[str, Any] = {
        "kind": summary.kind,
        "source": summary.source,
        "digest": summary.digest,
        "shape": dict(zip(("channels", "height", "width"), summary.shape, strict=True)),
        "files": {"total": facts.files, "kept": facts.kept, "left_out": facts.files - facts.kept},
        "reasons": facts.reasons,
        "counts": {"train": summary.train, "heldout": summary.heldout},
        "class_counts": {part: dict(counts) for part, counts in summary.class_counts.items()},
        "split": {"asked_share": summary.asked_share, "heldout_share": summary.got_share},
        "done": facts.done,
    }
    if summary.kind == "points":
        return numbers
    exact, near = facts.exact, facts.near
    return numbers | {
        "modes": facts.modes,
        "sizes": _sizes(facts),
        "enlarged": int((enlargement(facts, summary) > 1).sum()),
        "exact_duplicates": {"files": exact.files, "groups": exact.groups, "contradictory": exact.contradictory},
        "near_duplicates": {
            "files": near.files,
            "pairs": int(summary.near.get("pairs", near.files)),
            "straddling": straddling_pairs(facts, summary),
            "contradictory": near.contradictory,
        },
    }  # fmt: skip


def _sizes(facts: Facts) -> dict[str, Any]:
    """Of the files whose size is known."""
    if len(facts.width) == 0:
        return {"known": 0}
    sides = {
        name: {
            "min": int(values.min()),
            "median": float(np.median(values)),
            "max": int(values.max()),
            "histogram": _histogram(sizes_histogram(values)),
        }
        for name, values in (("width", facts.width), ("height", facts.height))
    }
    ratios = facts.width / facts.height
    aspect = {"median": float(np.median(ratios)), "histogram": _histogram(ratio_histogram(ratios))}
    return {"known": len(facts.width), **sides, "aspect_ratio": aspect}


def _histogram(shown: Any) -> dict[str, Any]:
    return {"edges": list(shown.edges), "counts": list(shown.counts)}
