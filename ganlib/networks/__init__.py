"""Generators and discriminators. One family per file, both players together."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ..errors import UserError
from ..shapes import Images, Kind, Labels, Latents, Logits


@dataclass(frozen=True)
class Fit:
    """What a pair of networks must fit."""

    image_shape: tuple[int, int, int]
    """(channels, height, width); of points (dimensions, 1, 1)."""
    latent_dim: int
    n_classes: int = 0
    """0 where the players see no labels."""
    kind: Kind = "pictures"


class Generator(nn.Module, ABC):
    """Noise in, pictures out; or points."""

    makes: Kind = "pictures"
    """How what it makes is to be stored."""

    @abstractmethod
    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Images in about [-1, 1], or points anywhere.

        Labels are required by a conditional generator, and ignored by no other.
        """


class Discriminator(nn.Module, ABC):
    """Pictures in, one logit each out."""

    @abstractmethod
    def forward(self, images: Images, labels: Labels | None = None) -> Logits:
        """Above 0 where an image looks real (to a classic loss; the relativistic one fixes no zero)."""


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
