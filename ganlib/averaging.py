"""The averaged generator: a running mean of the weights, smoother than any single step's."""

import torch
from torch import nn

from .schedules import Schedulable, Schedule
from .shapes import Scalar

RAMP = 0.05
"""Early on a constant half-life is at most this share of the images seen, so that the first weights are forgotten."""

POWER_ITERATION = ("parametrizations.weight.0._u", "parametrizations.weight.0._v")


def decay(images_per_update: int, images_seen: int, half_life_kimg: Schedulable) -> float:
    """What one update keeps of the past: 0.5^(images per update / half-life) (Karras et al. 2018, section 4).

    While training is young a constant half-life is cut to RAMP * images_seen (Karras et al. 2020); one that follows a
    schedule grows by itself, as R3GAN's does.
    """
    if isinstance(half_life_kimg, Schedule):
        effective = 1000 * half_life_kimg.at(images_seen)
    else:
        effective = min(1000 * half_life_kimg, RAMP * images_seen)
    return 0.0 if effective <= 0 else float(0.5 ** (images_per_update / effective))


@torch.no_grad()
def update(averaged: nn.Module, current: nn.Module, keep: float | Scalar) -> None:
    """averaged <- keep * averaged + (1 - keep) * current, batch-normalisation statistics included.

    The vectors of spectral normalisation's power iteration are taken over: a mean of unit vectors is none.
    """
    means, values, followed = [], [], []
    for (name, mean), value in zip(averaged.state_dict().items(), current.state_dict().values(), strict=True):
        if name.endswith(POWER_ITERATION):
            followed.append((mean, value))
        elif mean.is_floating_point():
            means.append(mean)
            values.append(value)
    # A weight on the device would make lerp wait for it, or take one launch for each tensor.
    steps = torch._foreach_sub(values, means)
    torch._foreach_mul_(steps, 1 - keep)
    torch._foreach_add_(means, steps)
    for mean, value in followed:
        mean.copy_(value)
