"""How many modes of the data are found, and how evenly: where the modes are known, they can be counted."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ..components import component
from ..datasets.gaussians import Layout, Mixture, mixture
from ..features._stacked import STACKED, is_stacked
from ..uncertainty import Estimate, Interval, groups_of, jackknife, share
from . import Absent, Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, finite

RADIUS = 3.0
"""Standard deviations from the nearest mean within which a point is of high quality."""
ROWS = 10_000
"""Points whose distances to all means are held at once. Changes no result."""
NOWHERE = -1
"""The mode of a point that is not of high quality."""

Modes = Int64[Tensor, " n"]


@dataclass(frozen=True)
class Benchmark:
    """Data whose modes are known."""

    modes: int
    named: Callable[[Seen], Modes]
    """The mode of each picture, or NOWHERE."""
    quality: float | None
    """Share of high quality among a perfect sampler's; none where every picture is taken for one of the modes."""


@component
class ModeCoverage(Metric):
    """PacGAN's protocols (Lin et al. 2018): 2,500 points from a ring or grid, 26,000 pictures of stacked digits.

    `modes`: those with at least one point of high quality, which lies under RADIUS standard deviations from the
    nearest mean (`high_quality`: the share of such points). `mode_kl`: the KL divergence, in nats, of the modes of
    the high-quality points from the uniform distribution, KL(generated || uniform). Of stacked digits a classifier of
    single digits names the mode, and every picture counts. Any number will do; `samples` says it, because modes grow
    and divergence falls with it: `perfect` is what a perfect sampler of so many is expected to score, for the
    divergence about (modes - 1) / (2 samples). MNIST's digits are not all as frequent as each other, so the floor of
    stacked digits lies higher than that, by about 0.004.
    """

    results: ClassVar[tuple[str, ...]] = ("modes", "high_quality", "mode_kl")

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - see the interface
        """None: one picture is in one mode."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`modes`, `high_quality` and `mode_kl`, with `of` (how many modes there are), `samples` and `perfect`."""
        known = benchmark(evidence)
        results = beside_floor(lambda seen: _shares(known, seen), evidence, count_matters=True)
        try:
            results |= beside_floor(lambda seen: _divergence(known, seen), evidence, count_matters=True)
        except Absent as absent:
            results["mode_kl"] = {"absent": str(absent)}
        if known.quality is None:
            reason = "a classifier names the modes, which takes every picture for one of them"
            results["high_quality"] = {"absent": reason}
        return results


def benchmark(evidence: Evidence) -> Benchmark:
    """What the class names say the data is; Absent where its modes are not known."""
    if evidence.behind is None:
        raise Absent("nothing is known of the data but features")
    data = evidence.behind.data
    if data.kind == "points":
        for layout in get_args(Layout):
            if mixture(layout).names == data.classes:
                return _of_points(layout)
        raise Absent("the points are from no mixture whose modes are known")
    if not is_stacked(data.classes, data.image_shape[0]):
        raise Absent("the modes of such data are not known: they are of a ring, a grid or stacked digits")
    if evidence.generated.named is None:
        raise Absent("there is no classifier of the data, which names the modes of stacked digits")
    return Benchmark(len(STACKED), _named_by_classifier, quality=None)


def _of_points(layout: Layout) -> Benchmark:
    mixed = mixture(layout)
    between = np.linalg.norm(mixed.means[:, np.newaxis] - mixed.means, axis=2)
    if between[between > 0].min() < 2 * RADIUS * mixed.std:
        raise Absent(f"the modes of the {layout} run into each other, so points between them belong to no one mode")
    # A chi-square distribution's, which has this form in two dimensions.
    assert mixed.means.shape[1] == 2, "the layouts with modes apart are in the plane"
    return Benchmark(len(mixed.means), lambda seen: _nearest(mixed, seen), quality=-math.expm1(-(RADIUS**2) / 2))


def _nearest(mixed: Mixture, seen: Seen) -> Modes:
    """Distances in float64: a mode's width is a small part of its coordinates."""
    means = torch.from_numpy(mixed.means)
    found = []
    for points in torch.split(comparable(seen).double(), ROWS):
        distances, modes = (points[:, None] - means).norm(dim=2).min(dim=1)
        found.append(modes.where(distances < RADIUS * mixed.std, NOWHERE))
    return torch.cat(found)


def _named_by_classifier(seen: Seen) -> Modes:
    assert seen.named is not None, "every set was shown to the classifier, or none"
    return finite(seen.named, what="classifier's logits", seen=seen).argmax(dim=1)


@dataclass(frozen=True)
class Counted:
    """How many pictures are in each mode."""

    whole: Int64[Tensor, " modes"]
    samples: int
    without: list[tuple[Int64[Tensor, " modes"], int]]
    """The same without each group in turn; empty where there is one group only."""


def counted(known: Benchmark, seen: Seen) -> Counted:
    """Exact for every group from one look at the pictures."""
    modes, groups = known.named(seen), groups_of(len(seen))
    places = torch.arange(len(seen)) % groups
    inside = modes != NOWHERE
    cells = torch.bincount((places * known.modes + modes)[inside], minlength=groups * known.modes)
    by_group = cells.reshape(groups, known.modes)
    whole = by_group.sum(dim=0)
    sizes = torch.bincount(places, minlength=groups).tolist()
    without = [(whole - one, len(seen) - size) for one, size in zip(by_group, sizes, strict=True)]
    return Counted(whole, len(seen), without if groups > 1 else [])


def _shares(known: Benchmark, seen: Seen) -> Mapping[str, Estimate]:
    """Of `modes` and `high_quality`."""
    counts = counted(known, seen)
    found, good = _found(counts.whole), int(counts.whole.sum())

    def modes() -> Interval:
        return jackknife(found, [_found(rest) for rest, _ in counts.without], lowest=0, highest=known.modes)

    def quality() -> Interval:
        return share(good, counts.samples, [float(rest.sum()) / left for rest, left in counts.without])

    more = {"of": float(known.modes), "samples": float(counts.samples)}
    perfect = 1.0 if known.quality is None else known.quality
    return {
        "modes": Estimate(found, modes, {**more, "perfect": expected(known, counts.samples)[0]}),
        "high_quality": Estimate(good / counts.samples, quality, {"samples": more["samples"], "perfect": perfect}),
    }


def _divergence(known: Benchmark, seen: Seen) -> Mapping[str, Estimate]:
    """Of `mode_kl`; Absent where no point is of high quality."""
    counts = counted(known, seen)
    if not bool(counts.whole.any()):
        raise Absent(f"none of {seen.name} is of high quality, so there is no distribution over modes")

    def interval() -> Interval:
        # Without the only group that has any there is no divergence: how sure it is cannot be told.
        known_of_all = all(bool(rest.any()) for rest, _ in counts.without)
        replicates = [from_uniform(rest) for rest, _ in counts.without] if known_of_all else []
        return jackknife(value, replicates, lowest=0, highest=math.log(known.modes))

    value = from_uniform(counts.whole)
    more = {"samples": float(counts.samples), "perfect": expected(known, counts.samples)[1]}
    return {"mode_kl": Estimate(value, interval, more)}


def _found(counts: Int64[Tensor, " modes"]) -> float:
    return float((counts > 0).sum())


def from_uniform(counts: Int64[Tensor, " modes"]) -> float:
    """KL(the distribution of the counts || uniform) in nats, in float64: between 0 and log(modes)."""
    shares = counts.double() / counts.sum()
    return max(0.0, float(torch.special.xlogy(shares, shares * len(counts)).sum()))


def expected(known: Benchmark, samples: int) -> tuple[float, float]:
    """(modes, divergence) that a perfect sampler finds on average, exactly, of as many high-quality points as usual."""
    from scipy.stats import binom

    good = samples if known.quality is None else max(1, round(samples * known.quality))
    counts = np.arange(1, good + 1)
    chances = binom.pmf(counts, good, 1 / known.modes)
    divergence = math.log(known.modes / good) + known.modes / good * float(chances @ (counts * np.log(counts)))
    return known.modes * -math.expm1(good * math.log1p(-1 / known.modes)), divergence
