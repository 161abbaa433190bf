"""How often a promotion is false, and how often a better generator wins: `python benchmarks/promotion.py`.

Pairs of simulated generators, judged by the real decision on FIDs that the real code computes. A generator maps a
latent to features by a fixed function of sixteen numbers; another order of the latent's numbers makes another generator
of exactly the same distribution, whose pictures differ. First FID alone decides; whoever wins by it then meets the
guardrails of KID and recall, so that both rates are known. There are no classes and no copies. Each pair has a
reference and seeds of its own. Writes benchmarks/results/promotion.json; takes minutes.
"""

import argparse
import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import record
import torch
from scipy.stats import binomtest

from ganlib.metrics import Evidence, Seen, selected
from ganlib.metrics.kid import KernelDistance
from ganlib.metrics.precision_recall import PrecisionRecall
from ganlib.moments import Moments, frechet_distance
from ganlib.settings import EvaluateSettings, PromoteSettings
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


class Bench:
    """What both generators of a pair are scored against, and by which latents."""

    def __init__(self, real: torch.Tensor, rules: PromoteSettings, first: int) -> None:
        self.real, self.moments = real, Moments.of(real)
        self.seeds, self.samples = range(first, first + rules.blocks), rules.samples

    def outcome(self, both: Sequence[Simulated], rules: PromoteSettings, *, guarded: bool = False) -> verdicts.Outcome:
        ours, theirs = (self._reports(one, guarded=guarded) for one in both)
        return verdicts.judge(ours, theirs, rules).outcome

    def _reports(self, generator: Simulated, *, guarded: bool) -> list[verdicts.Report]:
        found = []
        for block, seed in enumerate(self.seeds):
            features = generator.features(seed, self.samples)
            fid = frechet_distance(Moments.of(features), self.moments)
            report = {"protocol": {"name": f"p{block}"}, "copies": NO_COPIES, "fid": {"value": fid}}
            found.append(report | (self._guards(features) if guarded else {}))
        return found

    def _guards(self, features: torch.Tensor) -> verdicts.Report:
        """KID and recall by the real metrics; half of the reference stands in for held-out pictures, which decide
        nothing here."""
        sides = [
            Seen(name, some, torch.empty(len(some), 0))
            for name, some in (("generated", features), ("real", self.real), ("held-out", self.real[::2]))
        ]
        metrics = [one for one in selected(EvaluateSettings()) if isinstance(one, KernelDistance | PrecisionRecall)]
        return {name: result for metric in metrics for name, result in metric.measure(Evidence(*sides)).items()}


Outcomes = dict[str, int]


def outcomes(pairs: int, off_by: float, rules: PromoteSettings, *, salt: int) -> tuple[Outcomes, Outcomes]:
    """What became of challengers whose champions are off by so much: by FID alone, and with the guardrails."""
    alone, guarded = ({"promote": 0, "inconclusive": 0, "reject": 0} for _ in range(2))
    by_fid_alone = dataclasses.replace(rules, **UNGUARDED)
    for pair in range(pairs):
        draw = np.random.default_rng((salt, pair))
        mixing = draw.normal(0, FEATURES**-0.5, (FEATURES, FEATURES))
        first = 1_000_000 * salt + 1000 * pair
        truth = Simulated(mixing, np.arange(FEATURES))
        bench = Bench(truth.features(first + 500, REFERENCE), rules, first)
        deviation = float(np.sqrt(bench.moments.covariance.diagonal().mean()))
        both = [Simulated(mixing, draw.permutation(FEATURES), by * deviation) for by in (0.0, off_by)]
        outcome = bench.outcome(both, by_fid_alone)
        alone[outcome] += 1
        if outcome == "promote":  # guardrails only ever take a promotion away
            outcome = bench.outcome(both, rules, guarded=True)
        guarded[outcome] += 1
    return alone, guarded


def told(counted: Outcomes) -> dict[str, Any]:
    total = sum(counted.values())
    low, high = binomtest(counted["promote"], total).proportion_ci(0.95)
    promoted = {"rate": counted["promote"] / total, "between": [round(float(low), 4), round(float(high), 4)]}
    return {"outcomes": counted, "promoted": promoted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=PromoteSettings().samples)
    parser.add_argument("--blocks", type=int, default=PromoteSettings().blocks)
    chosen = parser.parse_args()
    rules = PromoteSettings(samples=chosen.samples, blocks=chosen.blocks)
    began = time.perf_counter()
    alone, guarded = outcomes(chosen.pairs, 0.0, rules, salt=1)
    print("equal", alone, guarded, flush=True)
    power = {}
    for number, effect in enumerate(EFFECTS, 2):
        found = outcomes(max(20, chosen.pairs // 5), effect, rules, salt=number)
        power[f"champion off by {effect} deviations"] = {"by_fid_alone": told(found[0]), "guarded": told(found[1])}
        print(effect, *found, flush=True)
    figures = {
        "stated": round(1 - rules.level, 6),
        "equal_pairs": {"by_fid_alone": told(alone), "guarded": told(guarded)},
        "power": power,
        "blocks": rules.blocks,
        "samples": rules.samples,
        "features": FEATURES,
        "seconds": round(time.perf_counter() - began, 1),
    }
    record.write("promotion", figures, ("numpy", "scipy", "torch"))


if __name__ == "__main__":
    main()
