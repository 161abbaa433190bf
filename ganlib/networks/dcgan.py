"""Deep convolutional players (Radford et al. 2015): strided convolutions all the way, no pooling."""

from itertools import pairwise
from typing import Annotated, Literal, TypeVar

import torch
from pydantic import Field
from torch import nn

from ..components import component
from ..shapes import Features, Images, Labels, Latents, Logits
from . import (
    Conv2d,
    Discriminator,
    Fit,
    Generator,
    NetworkFamily,
    projected,
    spectrally_normalise,
    stem_and_doublings,
    widened,
)

Player = TypeVar("Player", bound=nn.Module)


@component
class Dcgan(NetworkFamily):
    """`width` channels at full resolution, twice as many at each halving up to `largest_width`.

    Two things differ from the 2015 paper unless asked for. It has batch normalisation in both players; in D that
    ties the images of a batch together, which gradient penalties forbid. And it draws all weights from N(0, 0.02);
    without normalisation that leaves D so flat that it hardly learns, so weights are scaled by their fan-in.
    """

    width: Annotated[int, Field(gt=0)] = 32
    largest_width: Annotated[int, Field(gt=0)] = 512
    discriminator_norm: Literal["none", "batch"] = "none"
    initial_std: Annotated[float, Field(gt=0)] | None = None
    """Standard deviation of every initial weight; none: scaled by fan-in (He et al. 2015, as PyTorch has it)."""
    spectral_norm: bool = False
    """Whether D's weights are divided by their largest singular value."""

    def generator(self, fit: Fit) -> Generator:
        """A linear stem, then transposed 4x4 convolutions of stride 2 with batch normalisation, tanh at the end."""
        return self._initialised(DcganGenerator(fit, self._widths(fit)))

    def discriminator(self, fit: Fit) -> Discriminator:
        """4x4 convolutions of stride 2 down to the stem, then one linear layer; labels by projection."""
        batch_norm = self.discriminator_norm == "batch"
        discriminator = self._initialised(DcganDiscriminator(fit, self._widths(fit), batch_norm=batch_norm))
        if self.spectral_norm:
            spectrally_normalise(discriminator)
        return discriminator

    def _widths(self, fit: Fit) -> list[int]:
        """Channels at each resolution, from full to stem."""
        *_, doublings = stem_and_doublings(*fit.image_shape[1:])
        return [min(self.width * 2**i, self.largest_width) for i in range(doublings)]

    def _initialised(self, player: Player) -> Player:
        if self.initial_std is not None:
            for module in player.modules():
                _as_published(module, self.initial_std)
        return player


class DcganGenerator(Generator):
    """See `Dcgan.generator`."""

    def __init__(self, fit: Fit, widths: list[int]) -> None:
        super().__init__()
        channels, height, width = fit.image_shape
        stem_h, stem_w, _ = stem_and_doublings(height, width)
        self.stem_shape = (widths[-1], stem_h, stem_w)
        self.embedding = nn.Embedding(fit.n_classes, fit.latent_dim) if fit.n_classes else None
        inputs = fit.latent_dim * (2 if fit.n_classes else 1)
        self.stem = nn.Linear(inputs, widths[-1] * stem_h * stem_w, bias=False)
        self.stages = nn.ModuleList([nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU())])
        for wide, narrow in pairwise(reversed(widths)):
            convolution = nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False)
            self.stages.append(nn.Sequential(convolution, nn.BatchNorm2d(narrow), nn.ReLU()))
        self.to_pixels = nn.ConvTranspose2d(widths[0], channels, 4, stride=2, padding=1)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """See `Generator.forward`."""
        inputs = latents
        if self.embedding is not None:
            assert labels is not None, "a conditional generator needs labels"
            inputs = torch.cat([latents, self.embedding(labels)], dim=1)
        activations = self.stem(inputs).view(-1, *self.stem_shape)
        for stage, module in zip(reversed(range(len(self.stages))), self.stages, strict=True):
            activations = self.at_stage(stage, module, activations)
        return torch.tanh(self.to_pixels(widened(activations)))


class DcganDiscriminator(Discriminator):
    """See `Dcgan.discriminator`."""

    def __init__(self, fit: Fit, widths: list[int], *, batch_norm: bool) -> None:
        super().__init__()
        channels, height, width = fit.image_shape
        stem_h, stem_w, _ = stem_and_doublings(height, width)
        self.stages = nn.ModuleList()
        for i, (narrow, wide) in enumerate(pairwise([channels, *widths])):
            normed = batch_norm and i > 0  # not on the pixels themselves: Radford et al. 2015, section 3
            convolution = Conv2d(narrow, wide, 4, stride=2, padding=1, bias=not normed)
            norm = [nn.BatchNorm2d(wide)] if normed else []
            self.stages.append(nn.Sequential(convolution, *norm, nn.LeakyReLU(0.2)))
        features = widths[-1] * stem_h * stem_w
        self.to_logit = nn.Linear(features, 1)
        self.embedding = nn.Embedding(fit.n_classes, features) if fit.n_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def features(self, images: Images) -> Features:
        """See `Discriminator.features`."""
        activations = images
        for stage, module in enumerate(self.stages):
            activations = self.at_stage(stage, module, activations)
        return widened(activations).flatten(1)

    def judge(self, features: Features, labels: Labels | None) -> Logits:
        """See `Discriminator.judge`."""
        return projected(features, labels, self.to_logit, self.embedding)


def _as_published(module: nn.Module, std: float) -> None:
    """N(0, std) everywhere, batch normalisation's scale around 1 (Radford et al. 2015, section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, std=std)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, mean=1.0, std=std)
