"""What the discriminator says: at the game's end it should not know generated pictures from real ones."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..components import component
from ..shapes import Logits
from . import Absent, Counts, Evidence, Metric, Result, Seen, finite


@component
class DiscriminatorOpinion(Metric):
    """Mean sigmoid(D(x)) of each set; one half everywhere is the optimum (Goodfellow et al. 2014, proposition 1).

    A relativistic loss fixes no zero of D's logits, only their differences. What can be compared between losses is
    therefore `train_over_generated`, the mean of sigmoid(D(x) - D(G(z))) over pairs: one half too where D cannot
    tell. `heldout_over_generated` far below it says that D knows its training pictures by heart.
    """

    results: ClassVar[tuple[str, ...]] = ("discriminator",)

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - see the interface
        """None: one picture is enough."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`discriminator`: the means, and the greater of the distances of train's and generated's from one half."""
        train, heldout, generated = (_logits(s) for s in (evidence.train, evidence.heldout, evidence.generated))
        means = {"train": _mean(train), "heldout": _mean(heldout), "generated": _mean(generated)}
        result: Result = {
            **means,
            "distance_from_half": max(abs(means[side] - 0.5) for side in ("train", "generated")),
            "train_over_generated": _mean_over_pairs(train, generated),
            "heldout_over_generated": _mean_over_pairs(heldout, generated),
        }
        return {"discriminator": result}


def _logits(seen: Seen) -> Logits:
    if seen.realness is None:
        raise Absent("there is no discriminator that judges single pictures")
    return finite(seen.realness, what="discriminator's logits", seen=seen).double()


def _mean(logits: Logits) -> float:
    return float(torch.sigmoid(logits).mean())


def _mean_over_pairs(real: Float[Tensor, " real"], generated: Float[Tensor, " generated"]) -> float:
    """Picture i against picture i, the shorter side starting anew at its end: every picture has its say."""
    count = max(len(real), len(generated))
    rows = torch.arange(count)
    return _mean(real[rows % len(real)] - generated[rows % len(generated)])
