"""What a step is dealt: pictures, noise, the moment's weights. All that is random follows from (seed, images seen)."""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .augmentations import Augmentation
from .batches import RealImages
from .bundle import Description
from .distributed import Team
from .latents import draw
from .penalties import Penalty
from .randomness import Purpose, stream
from .schedules import value
from .settings import TrainSettings
from .shapes import Labels, Latents, Numbers, Scalar, Stored


@dataclass(frozen=True)
class Hand:
    """All that a step is given beside the players themselves."""

    real: Stored | None
    """None where nobody looks at it."""
    labels: Labels | None
    latents: Latents
    real_numbers: Numbers
    fake_numbers: Numbers
    mixing: Float[Tensor, " mixed"]
    """Uniform on [0, 1): where between generated and real each point lies that `wgan_gp` looks at; else empty."""
    gamma: Scalar
    """The penalty's weight."""
    strength: Scalar
    """The augmentation's p."""


@dataclass
class Dealer:
    """Deals each step its hand; on CUDA always in the same storage, so that a recorded step can be replayed."""

    settings: TrainSettings
    description: Description
    penalty: Penalty
    augmentation: Augmentation
    reals: RealImages
    device: torch.device
    team: Team
    adapted: Scalar | None = None
    """The p of an augmentation that adapts itself; none where p follows the settings."""
    generator_sees_real: bool = False
    fixed: dict[str, Tensor] = field(default_factory=dict)

    def discriminator(self, images_seen: int) -> Hand:
        """The hand of D's step at this moment."""
        return self._hand("discriminator", images_seen)

    def generator(self, images_seen: int) -> Hand:
        """The hand of G's step at this moment."""
        return self._hand("generator", images_seen)

    def _hand(self, player: str, seen: int) -> Hand:
        size, share = self.settings.batch_size, self.team.share(self.settings.batch_size)
        mine = share.stop - share.start
        reals, noise, changes = PURPOSES[player]
        looked_at = player == "discriminator" or self.generator_sees_real
        real, labels = self.reals.batch(reals, seen + share.start, mine, pixels=looked_at)
        latents = draw(
            self._random(noise, seen), (size, self.description.latent_dim), self.description.latent_distribution
        )
        per_image = self.augmentation.numbers(self.description.image_shape)
        numbers = np.empty((2, size, 0), np.float32)
        if per_image:
            numbers = self._random(changes, seen).random((2, size, per_image), dtype=np.float32)
        mixing = np.empty(0, np.float32)
        if self.penalty.at == "between" and player == "discriminator":
            mixing = self._random(Purpose.MIXING, seen).random(size, dtype=np.float32)[share]
        real_numbers, fake_numbers = numbers[:, share]
        return Hand(
            real=None if real is None else self._kept(f"{player}.real", real),
            labels=None if labels is None else self._kept(f"{player}.labels", labels),
            latents=self._carried(f"{player}.latents", latents[share]),
            real_numbers=self._carried(f"{player}.real_numbers", real_numbers),
            fake_numbers=self._carried(f"{player}.fake_numbers", fake_numbers),
            mixing=self._carried(f"{player}.mixing", mixing),
            gamma=self.scalar("gamma", value(self.penalty.gamma, seen)),
            strength=self._strength(seen),
        )

    def _random(self, purpose: Purpose, seen: int) -> np.random.Generator:
        return stream(self.settings.seed, purpose, seen)

    def _strength(self, seen: int) -> Scalar:
        if self.adapted is not None:
            return self.adapted
        return self.scalar("strength", value(self.augmentation.p, seen))

    def scalar(self, name: str, number: float) -> Scalar:
        """A number on the device, under the name that its storage is kept by."""
        if self.device.type != "cuda":
            return torch.tensor(number, dtype=torch.float32)
        if name not in self.fixed:
            self.fixed[name] = torch.zeros((), device=self.device)
        return self.fixed[name].fill_(number)  # travels as an argument of the kernel

    def _carried(self, name: str, array: np.ndarray) -> Tensor:
        here = torch.from_numpy(array)
        # From page-locked memory, which torch keeps until the device has read it, nobody waits for the copy.
        return self._kept(name, here.pin_memory() if self.device.type == "cuda" and array.size else here)

    def _kept(self, name: str, tensor: Tensor) -> Tensor:
        if self.device.type != "cuda":
            return tensor
        if name not in self.fixed:
            self.fixed[name] = torch.empty_like(tensor, device=self.device)
        return self.fixed[name].copy_(tensor, non_blocking=True)


PURPOSES = {
    "discriminator": (
        Purpose.DISCRIMINATOR_REALS,
        Purpose.DISCRIMINATOR_LATENTS,
        Purpose.DISCRIMINATOR_AUGMENTATION,
    ),
    "generator": (Purpose.GENERATOR_REALS, Purpose.GENERATOR_LATENTS, Purpose.GENERATOR_AUGMENTATION),
}
"""Of a player's steps: what draws its real images, its latents, and what happens to the images on their way to D."""
