"""The averaged generator: a running mean of the weights, smoother than any single step's."""

import torch
from torch import nn

RAMP = 0.05
"""Early on the half-life is at most this share of the images seen, so that the first weights are forgotten."""


def decay(images_per_update: int, images_seen: int, half_life: float) -> float:
    """What one update keeps of the past: 0.5^(images per update / half-life) (Karras et al. 2018, section 4).

    half_life counts images; while training is young it is cut to RAMP * images_seen (Karras et al. 2020).
    """
    effective = min(half_life, RAMP * images_seen)
    return 0.0 if effective <= 0 else float(0.5 ** (images_per_update / effective))


@torch.no_grad()
def update(averaged: nn.Module, current: nn.Module, keep: float) -> None:
    """averaged <- keep * averaged + (1 - keep) * current, batch-normalisation statistics included."""
    pairs = [
        (mean, value)
        for mean, value in zip(averaged.state_dict().values(), current.state_dict().values(), strict=True)
        if mean.is_floating_point()
    ]
    means, values = zip(*pairs, strict=True)
    torch._foreach_lerp_(means, values, 1 - keep)
