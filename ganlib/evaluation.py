"""Generated pictures judged against the training ones, beside held-out ones: every number with its protocol."""

import json
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from . import images, metrics
from .errors import UserError
from .features import SHORT, FeatureExtractor
from .metrics import Absent, Counts, Evidence, Result, Seen
from .networks import Discriminator
from .prepared import PreparedData, Split
from .settings import EvaluateSettings, plain

NOT_OF_THE_PROTOCOL = {"extractor", "weights", "weights_sha256", "batch_size"}
"""Settings that change no number, or are in the protocol by their effect."""

COLUMNS = (
    ("value", "mean", "std"),
    ("value_at_floor_count", "mean_at_floor_count", "std_at_floor_count"),
    ("floor", "floor_mean", "floor_std"),
)
"""The names of a table's numbers, column by column."""

GREATEST_SEED = 2**32 - 1
"""numpy's older random numbers, which torch-fidelity draws, take no greater one."""


@dataclass(frozen=True)
class Judge:
    """The networks that look at pictures."""

    extractor: FeatureExtractor
    discriminator: Discriminator | None
    conditional: bool
    """Whether the discriminator is told each picture's class."""
    device: torch.device


def open_samples(folder: Path, data: PreparedData) -> Split:
    """The generated pictures in `folder`, memory-mapped, with the labels they were asked for.

    UserError where they are missing or of another shape or type than the prepared data.
    """
    try:
        pixels = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; generate pictures first: dvc repro sample.") from None
    expected = data.train.pixels.dtype
    if pixels.shape[1:] != data.image_shape or pixels.dtype != expected or len(labels) != len(pixels):
        raise UserError(
            f"{folder} holds {pixels.dtype} {data.kind} of shape {pixels.shape[1:]} with {len(labels)} labels for "
            f"{len(pixels)}, which does not go with {expected} data of shape {data.image_shape}; generate them again: "
            f"dvc repro -f sample."
        )
    return Split(pixels, labels)


def check(settings: EvaluateSettings, counts: Counts) -> None:
    """UserError with a sentence for each setting that cannot work with so few pictures; costs nothing."""
    sentences = [sentence for metric in metrics.selected(settings) for sentence in metric.obstacles(counts)]
    if settings.seed > GREATEST_SEED:
        sentences.append(f"evaluate.seed is {settings.seed}; it must not exceed {GREATEST_SEED}.")
    if sentences:
        raise UserError(" ".join(sentences))


def gather(generated: Split, data: PreparedData, judge: Judge, *, batch_size: int) -> Evidence:
    """Every picture looked at once, `batch_size` at a time; what was seen is kept, in float32."""
    return Evidence(
        generated=look(generated, judge, name="the generated pictures", batch_size=batch_size),
        train=look(data.train, judge, name="the training pictures", batch_size=batch_size),
        heldout=look(data.heldout, judge, name="the held-out pictures", batch_size=batch_size),
    )


@torch.no_grad()
def look(split: Split, judge: Judge, *, name: str, batch_size: int) -> Seen:
    """What extractor and discriminator see in the pictures; `name` is how messages call them."""
    if judge.discriminator is not None and judge.conditional and (split.labels < 0).any():
        raise UserError(
            f"the discriminator asks for the class of each picture and some of {name} have none; "
            f"set train.conditional to false, or give every picture a class."
        )
    features, class_logits, realness = [], [], []
    # Full float32 on every device: a GPU's shortened multiplications show in the third digit of a FID.
    with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False):
        for first in tqdm(range(0, len(split), batch_size), desc=name, unit="batch", disable=None):
            rows = slice(first, first + batch_size)
            pixels = torch.from_numpy(np.array(split.pixels[rows])).to(judge.device)
            seen, logits = judge.extractor(pixels)
            features.append(seen.cpu())
            class_logits.append(logits.cpu())
            if judge.discriminator is not None:
                labels = torch.from_numpy(split.labels[rows]).to(judge.device) if judge.conditional else None
                realness.append(judge.discriminator(images.to_unit_range(pixels), labels).float().cpu())
    return Seen(name, torch.cat(features), torch.cat(class_logits), torch.cat(realness) if realness else None)


def measure(evidence: Evidence, settings: EvaluateSettings) -> dict[str, Result]:
    """Every metric of ganlib/metrics: its numbers, or `{"absent": reason}`."""
    results: dict[str, Result] = {}
    for metric in metrics.selected(settings):
        try:
            results |= metric.measure(evidence)
        except Absent as absent:
            results |= {name: {"absent": str(absent)} for name in metric.results}
    return results


def protocol(
    evidence: Evidence,
    data: PreparedData,
    extractor: FeatureExtractor,
    settings: EvaluateSettings,
    *,
    sample_seed: int,
) -> dict[str, str | int]:
    """All that the numbers depend on beside the generator. Its `name` ends in its own digest: equal, or another."""
    counts = evidence.counts
    words: dict[str, str | int] = {
        "extractor": extractor.name,
        "extractor_sha256": extractor.digest,
        "features": evidence.train.features.shape[1],
        "resize": extractor.preprocessing,
        "samples": counts.generated,
        "sample_seed": sample_seed,
        "reference": "train",
        "reference_count": counts.train,
        "heldout_count": counts.heldout,
        "floor_count": counts.floor,
        "data_sha256": data.digest,
        "torch_fidelity": version("torch-fidelity"),
    }
    words |= {key: value for key, value in plain(settings).items() if key not in NOT_OF_THE_PROTOCOL}
    digest = sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()
    name = f"{extractor.name}-{extractor.digest[:SHORT]}-n{counts.generated}-train-{digest[:SHORT]}"
    return {"name": name, **words}


def table(report: dict[str, Any]) -> str:
    """The report for people: a line for each number, and the protocol in one line."""
    words = report["protocol"]
    n, m = words["samples"], words["floor_count"]
    rows: list[tuple[str, ...]] = [("", f"{n} generated", f"first {m}", f"{m} held-out (floor)")]
    for key, result in report.items():
        if "absent" in result:
            rows.append((key, f"absent: {result['absent']}", "", ""))
        elif key == "discriminator":
            rows += [(f"D, {name.replace('_', ' ')}", f"{number:.4f}", "", "") for name, number in result.items()]
        elif key != "protocol":
            rows.append((key, *(_cell(result, *names) for names in COLUMNS)))
    widths = [max(len(row[column]) for row in rows if "absent" not in row[1] or column == 0) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    head = (
        f"{words['name']}: {n} generated (seed {words['sample_seed']}) against {words['reference_count']} training "
        f"pictures, through {words['extractor']}, {words['features']} features"
    )
    return "\n".join([head, *lines])


def _cell(result: dict[str, Any], value: str, mean: str, std: str) -> str:
    if value in result:
        return f"{result[value]:.4f}" if isinstance(result[value], float) else "absent"
    return f"{result[mean]:.4f} +- {result[std]:.4f}" if mean in result else ""
