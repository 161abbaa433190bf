"""Generators and discriminators. One family per file, both players together."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ..errors import UserError
from ..shapes import Features, Images, Kind, Labels, Latents, Logits


@dataclass(frozen=True)
class Fit:
    """What a pair of networks must fit."""

    image_shape: tuple[int, int, int]
    """(channels, height, width); of points (dimensions, 1, 1)."""
    latent_dim: int
    n_classes: int = 0
    """0 where the players see no labels."""
    kind: Kind = "pictures"

    def packs(self, images: int) -> "Fit":
        """What a discriminator must fit that judges so many images at once, their channels one after another."""
        channels, height, width = self.image_shape
        return replace(self, image_shape=(images * channels, height, width))


class Player(nn.Module):
    """What both players have in common: where they compute in fewer bits."""

    bfloat16_stages: int = 0
    """So many stages, from the highest resolution down, compute in bfloat16; all else, and every weight, in float32."""

    channels_last: bool = False
    """Whether activations lie in memory with their channels together, as convolutions of CUDA and of CPUs like it."""

    def precision(self, stage: int, images: Tensor) -> AbstractContextManager[object]:
        """The number format of a stage as a context; stage 0 is the one at the highest resolution.

        Leaving bfloat16 takes `widened`, because nothing is cast back by itself.
        """
        if stage >= self.bfloat16_stages:
            return nullcontext()
        return torch.autocast(images.device.type, dtype=torch.bfloat16, cache_enabled=False)

    def at_stage(self, stage: int, module: nn.Module, activations: Tensor, *more: Tensor | None) -> Tensor:
        """`module(activations, *more)` in the number format and the layout of its stage, whatever those before left."""
        with self.precision(stage, activations):
            inputs = activations.bfloat16() if stage < self.bfloat16_stages else widened(activations)
            if self.channels_last:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            outputs: Tensor = module(inputs, *more)
        return outputs


def widened(activations: Tensor) -> Tensor:
    """bfloat16 as float32; other formats as they are."""
    return activations.float() if activations.dtype == torch.bfloat16 else activations


class Generator(Player, ABC):
    """Noise in, pictures out; or points."""

    makes: Kind = "pictures"
    """How what it makes is to be stored."""

    @abstractmethod
    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Images in about [-1, 1], or points anywhere.

        Labels are required by a conditional generator, and ignored by no other.
        """


class Discriminator(Player, ABC):
    """Pictures in, one logit each out."""

    def forward(self, images: Images, labels: Labels | None = None) -> Logits:
        """Above 0 where an image looks real (to a classic loss; the relativistic one fixes no zero)."""
        return self.judge(self.features(images), labels)

    @abstractmethod
    def features(self, images: Images) -> Features:
        """What the last layer looks at."""

    @abstractmethod
    def judge(self, features: Features, labels: Labels | None) -> Logits:
        """The last layer."""


def projected(features: Features, labels: Labels | None, to_logit: nn.Module, embedding: nn.Embedding | None) -> Logits:
    """A linear layer; where there are labels, plus the product of features and label (Miyato & Koyama 2018, eq. 3)."""
    logits: Logits = to_logit(features).squeeze(1)
    if embedding is not None:
        assert labels is not None, "a conditional discriminator needs labels"
        logits = logits + (embedding(labels) * features).sum(dim=1)
    return logits


class NetworkFamily(ABC):
    """Builds the two players for what they must fit; the fields of a leaf are its size."""

    kinds: ClassVar[tuple[Kind, ...]] = ("pictures",)
    """What its players can play for."""

    @abstractmethod
    def generator(self, fit: Fit) -> Generator:
        """A generator with fresh weights, drawn from torch's global random state."""

    @abstractmethod
    def discriminator(self, fit: Fit) -> Discriminator:
        """A discriminator with fresh weights, drawn from torch's global random state."""


def stem_and_doublings(height: int, width: int, *, smallest: int = 3, largest: int = 8) -> tuple[int, int, int]:
    """(stem height, stem width, k) with height = stem height * 2^k, likewise width.

    k is the largest for which the stem's shorter side is still at least `smallest` pixels. UserError where the
    longer side of the stem then exceeds `largest` times its shorter side's limit, or no doubling fits.
    """
    doublings = 0
    stem_h, stem_w = height, width
    while stem_h % 2 == 0 and stem_w % 2 == 0 and min(stem_h, stem_w) // 2 >= smallest:
        stem_h, stem_w, doublings = stem_h // 2, stem_w // 2, doublings + 1
    if doublings == 0 or max(stem_h, stem_w) > 4 * largest or min(stem_h, stem_w) > largest:
        raise UserError(
            f"data.resolution gives {height}x{width} pixels, which is no small stem ({smallest} to {largest} pixels) "
            f"times a power of two; set data.resolution to the like of 16, 28, 32, 48, 64 or [48, 64]."
        )
    return stem_h, stem_w, doublings


def stage_widths(width: int, stages: int) -> list[int]:
    """Channels of so many stages, from the highest resolution down to the stem.

    The four lowest have `width`, each further one half of the one below it: four times the pixels at a quarter of
    the work for each, so that from there on every stage costs the same.
    """
    return [max(1, width >> max(0, stages - 4 - i)) for i in range(stages)]


class Conv2d(nn.Conv2d):
    """A convolution whose weight, where it is computed from others, is computed in float32 at every stage."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """See `nn.Conv2d.forward`."""
        kind = input.device.type
        rounding = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        with torch.autocast(kind, enabled=False) if rounding else nullcontext():
            weight = self.weight
        return F.conv2d(input, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def spectrally_normalise(player: Player) -> None:
    """Divides every convolution and linear layer by its largest singular value (Miyato et al. 2018, algorithm 1).

    Of a discriminator the label embedding too. One power iteration at each use of a weight in training mode, none
    in evaluation mode; its vectors are buffers of the state. Weights must have their initial values already.
    """
    kinds = (nn.Conv2d, nn.Linear, nn.Embedding) if isinstance(player, Discriminator) else (nn.Conv2d, nn.Linear)
    for module in [module for module in player.modules() if isinstance(module, kinds)]:
        spectral_norm(module)
