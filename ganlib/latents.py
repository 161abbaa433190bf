"""The noise that pictures start from."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from .randomness import Purpose, stream
from .shapes import Latents

Distribution = Literal["normal", "uniform"]


def draw(random: np.random.Generator, shape: tuple[int, ...], distribution: Distribution) -> Float32[np.ndarray, "..."]:
    """Latent numbers: N(0, 1), or uniform on [-1, 1]."""
    if distribution == "normal":
        return random.standard_normal(shape, dtype=np.float32)
    return random.random(shape, dtype=np.float32) * 2 - 1


def sample_latents(seed: int, indices: Sequence[int], *, dim: int, distribution: Distribution) -> Latents:
    """One row for each index, each from its own stream."""
    rows = [draw(stream(seed, Purpose.SAMPLE, i), (dim,), distribution) for i in indices]
    return torch.from_numpy(np.stack(rows)) if rows else torch.empty(0, dim)


def truncated(latents: Latents, threshold: float, distribution: Distribution) -> Latents:
    """The latents pressed into [-threshold, threshold]: pictures become more usual and less varied.

    The truncation trick (Brock et al. 2019, section 3.1) draws each normal number anew until it fits. Here it becomes
    the number of the same rank in the normal distribution so cut off: distributed alike, but in step with the number
    it was, so that a picture changes gradually with the threshold. Uniform numbers are scaled. ValueError unless
    `threshold` is above 0.
    """
    if not threshold > 0:
        raise ValueError(f"the threshold of truncation must be above 0, got {threshold}")
    if distribution == "uniform":
        return latents * min(1.0, threshold)
    # In float64, where the tails still have ranks.
    below = torch.special.ndtr(torch.tensor(-threshold, dtype=torch.float64))
    ranks = below + torch.special.ndtr(latents.double()) * (1 - 2 * below)
    pressed: Latents = torch.special.ndtri(ranks).clamp(-threshold, threshold).float()
    return pressed


def interpolate(start: Latents, end: Latents, steps: int, distribution: Distribution) -> Float32[Tensor, "n steps d"]:
    """`steps` latents on the way from each row of `start` to its row of `end`, both ends included.

    Along the sphere for normal latents, whose length hardly varies, so that no point on the way is unlikely
    (White 2016), while the length goes straight from one to the other; along the line for uniform ones, and for latents
    of one number, which know no way around 0.
    """
    share = torch.linspace(0, 1, steps).view(1, -1, 1)
    a, b = start.unsqueeze(1), end.unsqueeze(1)
    if distribution == "uniform" or a.shape[2] == 1:
        return torch.lerp(a, b, share)
    length, other_length = a.norm(dim=2, keepdim=True), b.norm(dim=2, keepdim=True)
    tiny = torch.finfo(a.dtype).tiny
    one, other = a / length.clamp(min=tiny), b / other_length.clamp(min=tiny)
    angle = torch.arccos((one * other).sum(dim=2, keepdim=True).clamp(-0.9995, 0.9995))
    direction: Tensor = (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other) / torch.sin(angle)
    return torch.lerp(length, other_length, share) * direction
