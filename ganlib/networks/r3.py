"""The R3GAN players (Huang et al. 2024, section 3): grouped residual blocks without any normalisation."""

import math
from itertools import pairwise
from typing import Annotated, TypeVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..components import component
from ..errors import UserError
from ..shapes import Features, Images, Labels, Latents, Logits
from . import Discriminator, Fit, Generator, NetworkFamily, stage_widths, stem_and_doublings, widened

Size = Annotated[int, Field(gt=0)]
Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)

BLOCKS_PER_STAGE = 2


@component
class R3(NetworkFamily):
    """A stage of two residual blocks at each resolution; one player is the mirror image of the other.

    The four lowest resolutions have `width` channels, each further one half of the one below it. The paper's width
    is 768; for ImageNet at 32 pixels it is 1536 with groups of 32.
    """

    width: Size = 768
    group_size: Size = 16
    """Channels in each group of a block's 3x3 convolution, which has twice the stage's; where it has fewer, all."""

    def generator(self, fit: Fit) -> Generator:
        """A learned stem, each channel scaled by the latents and the label's embedding; no tanh at the end."""
        return R3Generator(fit, self._widths(fit), self.group_size)

    def discriminator(self, fit: Fit) -> Discriminator:
        """Down to the stem, which is summed with learned weights, channel by channel; labels by projection."""
        return R3Discriminator(fit, self._widths(fit), self.group_size)

    def _widths(self, fit: Fit) -> list[int]:
        """Channels at each resolution, from full to stem; UserError where they do not fall into groups."""
        *_, doublings = stem_and_doublings(*fit.image_shape[1:])
        widths = stage_widths(self.width, doublings + 1)
        for channels in (2 * width for width in widths):
            if channels > self.group_size and channels % self.group_size:
                step = math.lcm(self.group_size, 2) // 2 * 2 ** max(0, len(widths) - 4)
                raise UserError(
                    f"network.width {self.width} gives a convolution of {channels} channels, which do not fall into "
                    f"groups of {self.group_size}; set network.width to a multiple of {step}, or another "
                    f"network.group_size."
                )
        return widths


def _scaled(layer: Layer, gain: float = 1.0) -> Layer:
    """The layer with its weights from N(0, gain^2 / fan-in) and no bias yet."""
    nn.init.normal_(layer.weight, std=gain * layer.weight[0].numel() ** -0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _pointwise(inputs: int, outputs: int, *, gain: float = 1.0, bias: bool = False) -> nn.Conv2d:
    return _scaled(nn.Conv2d(inputs, outputs, 1, bias=bias), gain)


class Block(nn.Module):
    """x + what three convolutions make of it; at the start that is x, because the last one begins at zero."""

    def __init__(self, width: int, group_size: int, gain: float) -> None:
        super().__init__()
        inner = 2 * width
        groups = max(1, inner // group_size)
        self.widen = _pointwise(width, inner, gain=gain, bias=True)
        self.mix = _scaled(nn.Conv2d(inner, inner, 3, padding=1, groups=groups), gain)
        self.narrow = _pointwise(inner, width, gain=0.0)

    def forward(self, activations: Tensor) -> Tensor:
        """Same shape as `activations`."""
        hidden = F.leaky_relu(self.widen(activations), 0.2)
        hidden = F.leaky_relu(self.mix(hidden), 0.2)
        changed: Tensor = activations + self.narrow(hidden)
        return changed


class Resampling(nn.Module):
    """Twice or half the resolution through the binomial filter [1, 3, 3, 1] in each direction."""

    kernel: Tensor

    def __init__(self, channels: int, *, up: bool) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        kernel = taps.outer(taps) * (4 if up else 1)  # up, three in four of the filter's inputs are zeros
        self.up = up
        self.register_buffer("kernel", kernel.repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, activations: Tensor) -> Tensor:
        """Keeps constants, but for the one pixel at each border that sees the zeros around the picture."""
        resample = F.conv_transpose2d if self.up else F.conv2d
        return resample(activations, self.kernel, stride=2, padding=1, groups=len(self.kernel))


def _blocks(width: int, group_size: int, stages: int) -> list[nn.Module]:
    """The blocks of one of so many stages."""
    # sqrt(2 / (1 + 0.2^2)) keeps the size of what passes a leaky ReLU (He et al. 2015); the depth enters as in
    # Fixup (Zhang et al. 2019), L^(-1 / (2m - 2)) for L blocks of m = 3 layers.
    gain = math.sqrt(2 / 1.04) * (BLOCKS_PER_STAGE * stages) ** -0.25
    return [Block(width, group_size, gain) for _ in range(BLOCKS_PER_STAGE)]


class R3Generator(Generator):
    """See `R3.generator`."""

    def __init__(self, fit: Fit, widths: list[int], group_size: int) -> None:
        super().__init__()
        channels, height, width = fit.image_shape
        stem_h, stem_w, _ = stem_and_doublings(height, width)
        self.embedding = nn.Embedding(fit.n_classes, fit.latent_dim) if fit.n_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=fit.n_classes**-0.5)  # of a one-hot label, the fan-in
        inputs = fit.latent_dim * (2 if fit.n_classes else 1)
        self.scales = _scaled(nn.Linear(inputs, widths[-1], bias=False))
        self.stem = nn.Parameter(torch.randn(widths[-1], stem_h, stem_w))
        self.stages = nn.ModuleList([nn.Sequential(*_blocks(widths[-1], group_size, len(widths)))])
        for below, here in pairwise(reversed(widths)):
            transition: list[nn.Module] = [_pointwise(below, here)] if below != here else []
            transition.append(Resampling(here, up=True))
            self.stages.append(nn.Sequential(*transition, *_blocks(here, group_size, len(widths))))
        self.to_pixels = _pointwise(widths[0], channels)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """See `Generator.forward`."""
        inputs = latents
        if self.embedding is not None:
            assert labels is not None, "a conditional generator needs labels"
            inputs = torch.cat([latents, self.embedding(labels)], dim=1)
        activations = self.stem * self.scales(inputs)[:, :, None, None]
        for stage, module in zip(reversed(range(len(self.stages))), self.stages, strict=True):
            activations = self.at_stage(stage, module, activations)
        images: Images = self.to_pixels(widened(activations))
        return images


class R3Discriminator(Discriminator):
    """See `R3.discriminator`."""

    def __init__(self, fit: Fit, widths: list[int], group_size: int) -> None:
        super().__init__()
        channels, height, width = fit.image_shape
        stem_h, stem_w, _ = stem_and_doublings(height, width)
        self.from_pixels = _pointwise(channels, widths[0])
        self.stages = nn.ModuleList()
        for here, below in pairwise(widths):
            transition: list[nn.Module] = [Resampling(here, up=False)]
            transition += [_pointwise(here, below)] if below != here else []
            self.stages.append(nn.Sequential(*_blocks(here, group_size, len(widths)), *transition))
        self.stages.append(nn.Sequential(*_blocks(widths[-1], group_size, len(widths))))
        # A depthwise convolution as large as the stem has one position: a product and a sum, which are faster.
        self.stem = nn.Parameter(torch.randn(widths[-1], stem_h, stem_w) * (stem_h * stem_w) ** -0.5)
        outputs = widths[-1] if fit.n_classes else 1
        self.to_logit = _scaled(nn.Linear(widths[-1], outputs, bias=False))
        self.embedding = nn.Embedding(fit.n_classes, outputs) if fit.n_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=(fit.n_classes * outputs) ** -0.5)

    def features(self, images: Images) -> Features:
        """See `Discriminator.features`."""
        with self.precision(0, images):
            activations = self.from_pixels(images)
        for stage, module in enumerate(self.stages):
            activations = self.at_stage(stage, module, activations)
        features: Features = (widened(activations) * self.stem).sum(dim=(2, 3))
        return features

    def judge(self, features: Features, labels: Labels | None) -> Logits:
        """See `Discriminator.judge`."""
        projected: Tensor = self.to_logit(features)
        if self.embedding is None:
            return projected.squeeze(1)
        assert labels is not None, "a conditional discriminator needs labels"
        # Projection (Miyato & Koyama 2018) without its unconditional part.
        logits: Logits = (self.embedding(labels) * projected).sum(dim=1)
        return logits
