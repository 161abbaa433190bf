"""How often a promotion is false, and how often a better generator wins: `python benchmarks/promotion.py`.

Pairs of simulated generators, judged by the real decision on FIDs that the real code computes. A generator maps a
latent to features by a fixed function of sixteen numbers; another order of the latent's numbers makes another generator
of exactly the same distribution, whose pictures differ. Nothing but FID is simulated: guardrails only make promotions
fewer. Each pair has a reference and seeds of its own. Writes benchmarks/results/promotion.json; takes minutes.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np
import record
import torch
from scipy.stats import binomtest

from ganlib.moments import Moments, frechet_distance
from ganlib.settings import PromoteSettings
from pipelines import verdicts

FEATURES = 16
REFERENCE = 1430
"""Training pictures of the digits."""
EFFECTS = (0.01, 0.02, 0.03, 0.05, 0.1)
"""Of the champion: by how much each of its features is off, in standard deviations of real ones."""
UNGUARDED = {"worse_kid": None, "worse_recall": None, "worse_accuracy": None, "worse_class": None}
NO_COPIES = {"value": 0.0, "low": 0.0, "high": 0.0}


class Simulated:
    """A generator of features, by a mixing that all share and an order of the latent's numbers that is its own."""

    def __init__(self, mixing: np.ndarray, order: np.ndarray, off_by: float = 0.0) -> None:
        self.mixing, self.order, self.off_by = mixing, order, off_by

    def features(self, seed: int, count: int) -> torch.Tensor:
        latents = np.random.default_rng(seed).normal(size=(count, FEATURES))[:, self.order]
        mixed = np.maximum(latents @ self.mixing, 0) + 0.5 * latents
        return torch.from_numpy((mixed + self.off_by).astype(np.float32))


def reports(generator: Simulated, real: Moments, rules: PromoteSettings, first: int) -> list[verdicts.Report]:
    found = []
    for block in range(rules.blocks):
        moments = Moments.of(generator.features(first + block, rules.samples))
        fid = frechet_distance(moments, real)
        found.append({"protocol": {"name": f"p{block}"}, "copies": NO_COPIES, "fid": {"value": fid}})
    return found


def outcomes(pairs: int, off_by: float, rules: PromoteSettings, *, salt: int) -> dict[str, int]:
    """What became of challengers whose champions are off by so much."""
    counted = {"promote": 0, "inconclusive": 0, "reject": 0}
    for pair in range(pairs):
        draw = np.random.default_rng((salt, pair))
        mixing = draw.normal(0, FEATURES**-0.5, (FEATURES, FEATURES))
        first = 1_000_000 * salt + 1000 * pair
        truth = Simulated(mixing, np.arange(FEATURES))
        real = Moments.of(truth.features(first + 500, REFERENCE))
        challenger, champion = (
            Simulated(mixing, draw.permutation(FEATURES), by * float(np.sqrt(real.covariance.diagonal().mean())))
            for by in (0.0, off_by)
        )
        ours, theirs = (reports(one, real, rules, first) for one in (challenger, champion))
        counted[verdicts.judge(ours, theirs, rules).outcome] += 1
    return counted


def rate(counted: dict[str, int], outcome: str) -> dict[str, float | Sequence[float]]:
    total = sum(counted.values())
    low, high = binomtest(counted[outcome], total).proportion_ci(0.95)
    return {"rate": counted[outcome] / total, "between": [round(float(low), 4), round(float(high), 4)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=PromoteSettings().samples)
    parser.add_argument("--blocks", type=int, default=PromoteSettings().blocks)
    chosen = parser.parse_args()
    rules = PromoteSettings(samples=chosen.samples, blocks=chosen.blocks, **UNGUARDED)
    began = time.perf_counter()
    equal = outcomes(chosen.pairs, 0.0, rules, salt=1)
    print("equal", equal, flush=True)
    power = {}
    for number, effect in enumerate(EFFECTS, 2):
        counted = outcomes(max(20, chosen.pairs // 5), effect, rules, salt=number)
        power[f"champion off by {effect} deviations"] = {"outcomes": counted, **rate(counted, "promote")}
        print(effect, counted, flush=True)
    figures = {
        "stated": round(1 - rules.level, 6),
        "false_promotions": {"outcomes": equal, **rate(equal, "promote")},
        "false_rejections": rate(equal, "reject"),
        "power": power,
        "blocks": rules.blocks,
        "samples": rules.samples,
        "features": FEATURES,
        "seconds": round(time.perf_counter() - began, 1),
    }
    record.write("promotion", figures, ("numpy", "scipy", "torch"))


if __name__ == "__main__":
    main()
