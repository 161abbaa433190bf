"""A plain PyTorch GAN loop of the same networks, as public repositories write it: what train_speed.py compares with.

Real and generated images go through D apart, pictures come as floats from a DataLoader, gradients from `backward()`
into every weight on the way, gradient penalties from double backward, losses are read at each step.
"""

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def forever(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader


def gradient_penalty(images: Tensor, logits: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


class PlainLoop:
    """Conditional players on one device; `gamma` 0 is no penalty."""

    def __init__(
        self, players: tuple[nn.Module, nn.Module], data: TensorDataset, *, loss: str, gamma: float, batch_size: int,
        latent_dim: int, device: torch.device,
    ) -> None:  # fmt: skip
        generator, discriminator = (player.to(device) for player in players)
        self.generator, self.discriminator = generator, discriminator
        self.averaged = copy.deepcopy(self.generator)
        self.loss, self.gamma, self.device, self.latent_dim = loss, gamma, device, latent_dim
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.0, 0.99))
        self.discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.0, 0.99))
        workers = 4 if device.type == "cuda" else 0
        loader = DataLoader(
            data, batch_size, shuffle=True, drop_last=True, num_workers=workers, pin_memory=device.type == "cuda"
        )
        self.batches = forever(loader)
        self.losses: list[tuple[float, float]] = []

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        images, labels = next(self.batches)
        latents = torch.randn(len(images), self.latent_dim, device=self.device)
        return images.to(self.device), labels.to(self.device), latents

    def round(self) -> None:
        real, labels, latents = self.batch()
        self.discriminator_optimizer.zero_grad()
        fake = self.generator(latents, labels).detach()
        if self.gamma:
            real.requires_grad_()
            fake.requires_grad_()
        real_logits, fake_logits = self.discriminator(real, labels), self.discriminator(fake, labels)
        discriminator_loss = self.discriminator_loss(real_logits, fake_logits)
        if self.gamma:
            penalty = gradient_penalty(real, real_logits) + gradient_penalty(fake, fake_logits)
            discriminator_loss = discriminator_loss + self.gamma / 2 * penalty
        discriminator_loss.backward()
        self.discriminator_optimizer.step()

        real, labels, latents = self.batch()
        self.generator_optimizer.zero_grad()
        fake_logits = self.discriminator(self.generator(latents, labels), labels)
        generator_loss = self.generator_loss(real, labels, fake_logits)
        generator_loss.backward()
        self.generator_optimizer.step()
        if self.loss == "relativistic":
            with torch.no_grad():
                for mean, weight in zip(self.averaged.parameters(), self.generator.parameters(), strict=True):
                    mean.lerp_(weight, 0.001)
        self.losses.append((discriminator_loss.item(), generator_loss.item()))

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        if self.loss == "relativistic":
            return F.softplus(fake - real).mean()
        if self.loss == "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator_loss(self, real: Tensor, labels: Tensor, fake_logits: Tensor) -> Tensor:
        if self.loss == "relativistic":
            return F.softplus(self.discriminator(real, labels) - fake_logits).mean()
        return -fake_logits.mean() if self.loss == "hinge" else F.softplus(-fake_logits).mean()
