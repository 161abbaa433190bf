"""Generated pictures judged against the training ones, beside held-out ones: every number with its protocol."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from . import components, images, metrics
from .bundle import Description
from .errors import UserError
from .feature_cache import FeatureCache
from .features import SHORT, FeatureExtractor, classifier, open_extractor
from .looking import Known, batches_of, features_of, full_float32
from .metrics import Absent, Behind, Counts, Evidence, Result, Seen
from .networks import Discriminator, Generator
from .prepared import PreparedData, Split
from .settings import EvaluateSettings, plain
from .shapes import Logits
from .uncertainty import apart, difference

NOT_OF_THE_PROTOCOL = {"extractor", "weights", "weights_sha256", "batch_size", "leave_out"}
"""Settings that change no number, or are in the protocol by their effect."""

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
    classifier: FeatureExtractor | None = None
    """The data's own, whose opinion some metrics want whatever the extractor is; none where there is none."""
    generator: Generator | None = None
    description: Description | None = None
    """Of the generator."""


def open_judge(data: PreparedData, chosen: EvaluateSettings, trained: Path, device: torch.device) -> Judge:
    """The extractor that the settings choose and the data's own classifier, which the pipeline trained into `trained`.

    UserError where weights are missing or are not what they should be.
    """
    extractor = open_extractor(
        chosen.extractor,
        data.kind,
        variant=chosen.variant,
        weights=chosen.weights,
        weights_sha256=chosen.weights_sha256,
        trained=trained,
        device=device,
    )
    own = None
    if classifier.why_untrainable(data) is None:
        own = open_extractor("classifier", data.kind, weights=None, weights_sha256=None, trained=trained, device=device)
    return Judge(extractor, None, conditional=False, device=device, classifier=own)


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


def check_names(settings: EvaluateSettings) -> None:
    """UserError where a metric to leave out is none."""
    known = components.names("metrics")
    unknown = [name for name in settings.leave_out if name not in known]
    if unknown:
        raise UserError(f"evaluate.leave_out names {', '.join(map(repr, unknown))}; choose of: {', '.join(known)}.")


def check(settings: EvaluateSettings, counts: Counts) -> None:
    """UserError with a sentence for each setting that cannot work with so few pictures; costs nothing."""
    check_names(settings)
    sentences = [sentence for metric in metrics.selected(settings) for sentence in metric.obstacles(counts)]
    if settings.seed > GREATEST_SEED:
        sentences.append(f"evaluate.seed is {settings.seed}; it must not exceed {GREATEST_SEED}.")
    if sentences:
        raise UserError(" ".join(sentences))


def gather(
    generated: Split, data: PreparedData, judge: Judge, *, batch_size: int, cache: FeatureCache | None = None
) -> Evidence:
    """Every picture looked at once, `batch_size` at a time; what was seen is kept, in float32.

    What real pictures look like to the extractor and the classifier is taken from `cache` where it is known there.
    """
    at_once = partial(look, judge=judge, batch_size=batch_size, classes=bool(data.classes))
    untold = replace(judge, classifier=None)  # nobody asks what the classifier says of the pictures it learned from
    return Evidence(
        generated=at_once(generated, name="the generated pictures"),
        train=at_once(data.train, judge=untold, name="the training pictures", known=known(cache, data, "train")),
        heldout=at_once(data.heldout, name="the held-out pictures", known=known(cache, data, "heldout")),
        behind=Behind(generated, data, judge.extractor, judge.device, judge.generator, judge.description),
    )


def known(cache: FeatureCache | None, data: PreparedData, part: str) -> Known | None:
    """Where features of this part of the data, `train` or `heldout`, are kept."""
    return None if cache is None else Known(cache, f"{data.digest}-{part}")


def look(
    split: Split, judge: Judge, *, name: str, batch_size: int, classes: bool = False, known: Known | None = None
) -> Seen:
    """What extractor, classifier and discriminator see in the pictures; `name` is how messages call them."""
    if judge.discriminator is not None and judge.conditional and (split.labels < 0).any():
        raise UserError(
            f"the discriminator asks for the class of each picture and some of {name} have none; "
            f"set train.conditional to false, or give every picture a class."
        )
    features, class_logits = features_of(split, judge.extractor, judge.device, name, batch_size, known)
    named = None
    if classes and judge.classifier is not None:
        same = judge.classifier.digest == judge.extractor.digest
        named = class_logits if same else features_of(split, judge.classifier, judge.device, name, batch_size, known)[1]
    realness = None if judge.discriminator is None else _realness(split, judge, name, batch_size)
    labels = torch.from_numpy(np.array(split.labels)) if classes else None
    keep = None if known is None else known.keep(judge.extractor)
    return Seen(name, features, class_logits, realness, labels, named, keep)


@torch.no_grad()
def _realness(split: Split, judge: Judge, name: str, batch_size: int) -> Logits:
    assert judge.discriminator is not None
    logits = []
    with full_float32():
        for pixels, rows in batches_of(split, judge.device, f"D of {name}", batch_size):
            labels = torch.from_numpy(np.array(split.labels[rows])).to(judge.device) if judge.conditional else None
            logits.append(judge.discriminator(images.to_unit_range(pixels), labels).float().cpu())
    return torch.cat(logits)


def measure(evidence: Evidence, settings: EvaluateSettings) -> dict[str, Result]:
    """Every metric of ganlib/metrics that is not left out: what it found, or `{"absent": reason}`."""
    results: dict[str, Result] = {}
    with tqdm(metrics.selected(settings), desc="metrics", unit="metric", disable=None) as bar:
        for metric in bar:
            bar.set_postfix_str(metric.results[0])
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


@dataclass(frozen=True)
class Difference:
    """Of one number of two generators, as sure as their samples from the same latents make it."""

    value: float
    """The first one's minus the second one's."""
    low: float
    high: float


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Difference]:
    """Every result that both reports have with its replicates, as in reports/evaluation.json.

    UserError where the two were made by different protocols: such numbers say nothing of one another.
    """
    names = [report["protocol"]["name"] for report in (one, other)]
    if names[0] != names[1]:
        raise UserError(
            f"the protocols differ ({names[0]} and {names[1]}), and numbers of two protocols cannot be compared; "
            f"evaluate both generators with the same settings, data and extractor."
        )
    found = {}
    for name, result in one.items():
        counterpart = other.get(name, {})
        ours, theirs = result.get("replicates", ()), counterpart.get("replicates", ())
        if name != "protocol" and len(ours) == len(theirs) >= 2:
            values = result["value"], counterpart["value"]
            if len(set(ours)) > 1 or len(set(theirs)) > 1:
                found[name] = Difference(*difference(*values, ours, theirs))
            else:  # none or all of a share, in every group: only the share's own bounds know how sure that is
                bounds = [(side["low"], side["high"]) for side in (result, counterpart)]
                found[name] = Difference(*apart(*values, *bounds))
    return found
