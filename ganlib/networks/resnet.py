"""Residual players with spectral normalisation (Miyato et al. 2018), on request with attention (Zhang et al. 2019)."""

from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..components import component
from ..errors import UserError
from ..shapes import Features, Images, Labels, Latents, Logits
from . import (
    Conv2d,
    Discriminator,
    Fit,
    Generator,
    NetworkFamily,
    projected,
    spectrally_normalise,
    stage_widths,
    stem_and_doublings,
    widened,
)

Size = Annotated[int, Field(gt=0)]

SMALLEST_MAP = 8
"""Pixels; D halves its picture until the shorter side is at most this long, as it is for CIFAR in the paper."""
FLAT_BLOCKS = 2
"""Blocks of D at its smallest resolution."""


@component
class Resnet(NetworkFamily):
    """One residual block for each doubling in G; in D one for each halving down to about 8 pixels, and two more.

    The four lowest resolutions have `width` channels, each further one half of the one below it. The paper's
    networks for CIFAR have 128 in D and 256 in G.
    """

    width: Size = 128
    generator_width: Size | None = None
    """Channels of the generator; none: as many as `width`."""
    spectral_norm: Literal["discriminator", "both", "none"] = "discriminator"
    """Whose weights are divided by their largest singular value."""
    attention: Size | None = None
    """Shorter side, in pixels, of the maps on which both players put self-attention; none: nowhere."""

    def generator(self, fit: Fit) -> Generator:
        """A linear stem, residual blocks with batch normalisation (conditional where labels exist), tanh."""
        generator = ResnetGenerator(fit, self.generator_width or self.width, self._attention(fit))
        if self.spectral_norm == "both":
            spectrally_normalise(generator)
        return generator

    def discriminator(self, fit: Fit) -> Discriminator:
        """Residual blocks without batch normalisation, a sum over pixels, one linear layer; labels by projection."""
        discriminator = ResnetDiscriminator(fit, self.width, self._attention(fit))
        if self.spectral_norm != "none":
            spectrally_normalise(discriminator)
        return discriminator

    def _attention(self, fit: Fit) -> int | None:
        """`attention`; UserError where it is no map of both players."""
        height, width = fit.image_shape[1:]
        *_, doublings = stem_and_doublings(height, width)
        sides = [min(height, width) >> i for i in range(1, min(_halvings(fit), doublings - 1) + 1)]
        if self.attention is not None and self.attention not in sides:
            ways_out = [f"set it to {side}" for side in sides] + ["leave it empty"]
            raise UserError(
                f"network.attention is {self.attention}, but with pictures of {height}x{width} pixels no map of both "
                f"players has a shorter side of that length; {' or '.join(ways_out)}."
            )
        return self.attention


def _halvings(fit: Fit) -> int:
    """How often D halves its picture, at least once."""
    *_, doublings = stem_and_doublings(*fit.image_shape[1:])
    side = min(fit.image_shape[1:])
    return next(i for i in range(1, doublings + 1) if side >> i <= SMALLEST_MAP)


def _conv(inputs: int, outputs: int, size: int, *, gain: float = 1.0, bias: bool = True) -> Conv2d:
    """A convolution that keeps the size of the map, initialised as Glorot & Bengio 2010 do."""
    convolution = Conv2d(inputs, outputs, size, padding=size // 2, bias=bias)
    nn.init.xavier_uniform_(convolution.weight, gain=gain)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


class NormRelu(nn.Module):
    """Batch normalisation, then ReLU. Gain and bias depend on the label where there is one (Dumoulin et al. 2017)."""

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(width, affine=not n_classes)
        self.gain = nn.Embedding(n_classes, width) if n_classes else None
        self.bias = nn.Embedding(n_classes, width) if n_classes else None
        if self.gain is not None and self.bias is not None:
            nn.init.ones_(self.gain.weight)
            nn.init.zeros_(self.bias.weight)

    def forward(self, activations: Tensor, labels: Labels | None) -> Tensor:
        """Same shape as `activations`."""
        normal: Tensor = self.normalise(activations)
        if self.gain is not None and self.bias is not None:
            assert labels is not None, "a conditional generator needs labels"
            gain = self.gain(labels)[:, :, None, None].to(normal.dtype)
            normal = normal * gain + self.bias(labels)[:, :, None, None].to(normal.dtype)
        return F.relu(normal)


class SelfAttention(nn.Module):
    """Every pixel looks at every other (Zhang et al. 2019, eq. 1 to 3); starts as the identity, because gamma is 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(1, width // 8)
        self.query = _conv(width, inner, 1, bias=False)
        self.key = _conv(width, inner, 1, bias=False)
        self.value = _conv(width, inner, 1, bias=False)
        self.output = _conv(inner, width, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, activations: Tensor) -> Tensor:
        """Same shape as `activations`."""
        query, key, value = (layer(activations).flatten(2) for layer in (self.query, self.key, self.value))
        # Written out: the fused kernels have no second derivative, which gradient penalties need.
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=2)
        seen = value @ weights.to(value.dtype).transpose(1, 2)
        change = self.output(seen.unflatten(2, activations.shape[2:]))
        changed: Tensor = activations + self.gamma.to(change.dtype) * change
        return changed


class UpBlock(nn.Module):
    """Twice the resolution: normalise, rectify, enlarge, convolve; normalise, rectify, convolve."""

    def __init__(self, inputs: int, outputs: int, n_classes: int, *, attention: bool) -> None:
        super().__init__()
        # The normalisation further on takes out whatever a bias adds.
        self.norm1, self.norm2 = NormRelu(inputs, n_classes), NormRelu(outputs, n_classes)
        self.conv1 = _conv(inputs, outputs, 3, gain=2**0.5, bias=False)
        self.conv2 = _conv(outputs, outputs, 3, gain=2**0.5, bias=False)
        self.skip = _conv(inputs, outputs, 1, bias=False)
        self.attention = SelfAttention(outputs) if attention else nn.Identity()

    def forward(self, activations: Tensor, labels: Labels | None) -> Tensor:
        """Nearest pixels; `skip` comes before the enlargement, which changes nothing but its cost."""
        changed = self.conv1(_enlarged(self.norm1(activations, labels)))
        changed = self.conv2(self.norm2(changed, labels))
        activations = _enlarged(self.skip(activations)) + changed
        attended: Tensor = self.attention(activations)
        return attended


def _enlarged(activations: Tensor) -> Tensor:
    return F.interpolate(activations, scale_factor=2, mode="nearest")


class DownBlock(nn.Module):
    """Rectify, convolve, rectify, convolve; then half the resolution, by averages, where `halve`."""

    def __init__(self, inputs: int, outputs: int, *, first: bool = False, halve: bool, attention: bool = False) -> None:
        super().__init__()
        self.first, self.halve = first, halve
        self.conv1 = _conv(inputs, outputs, 3, gain=2**0.5)
        self.conv2 = _conv(outputs, outputs, 3, gain=2**0.5)
        self.skip = _conv(inputs, outputs, 1) if halve or inputs != outputs else nn.Identity()
        self.attention = SelfAttention(outputs) if attention else nn.Identity()

    def forward(self, activations: Tensor) -> Tensor:
        """The first block does not rectify pixels; `skip` comes after the averages, which changes only its cost."""
        changed = self.conv1(activations if self.first else F.relu(activations))
        changed = self.conv2(F.relu(changed))
        if self.halve:
            changed, activations = F.avg_pool2d(changed, 2), F.avg_pool2d(activations, 2)
        activations = self.skip(activations) + changed
        attended: Tensor = self.attention(activations)
        return attended


class ResnetGenerator(Generator):
    """See `Resnet.generator`."""

    def __init__(self, fit: Fit, width: int, attention: int | None) -> None:
        super().__init__()
        stem_h, stem_w, doublings = stem_and_doublings(*fit.image_shape[1:])
        widths = stage_widths(width, doublings + 1)[::-1]
        sides = [min(stem_h, stem_w) << (i + 1) for i in range(doublings)]
        self.stem_shape = (widths[0], stem_h, stem_w)
        self.stem = nn.Linear(fit.latent_dim, widths[0] * stem_h * stem_w)
        self.blocks = nn.ModuleList(
            UpBlock(inputs, outputs, fit.n_classes, attention=side == attention)
            for (inputs, outputs), side in zip(pairwise(widths), sides, strict=True)
        )
        self.norm = NormRelu(widths[-1], n_classes=0)
        self.to_pixels = _conv(widths[-1], fit.image_shape[0], 3)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """See `Generator.forward`."""
        activations = self.stem(latents).view(-1, *self.stem_shape)
        for stage, block in zip(reversed(range(len(self.blocks))), self.blocks, strict=True):
            activations = self.at_stage(stage, block, activations, labels)
        activations = self.at_stage(0, self.norm, activations, None)
        return torch.tanh(self.to_pixels(widened(activations)))


class ResnetDiscriminator(Discriminator):
    """See `Resnet.discriminator`."""

    def __init__(self, fit: Fit, width: int, attention: int | None) -> None:
        super().__init__()
        channels, side = fit.image_shape[0], min(fit.image_shape[1:])
        *_, doublings = stem_and_doublings(*fit.image_shape[1:])
        self.halvings = _halvings(fit)
        widths = [channels, *stage_widths(width, doublings + 1)[: self.halvings + 1]]
        widths += widths[-1:] * (FLAT_BLOCKS - 1)
        self.blocks = nn.ModuleList()
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            halve = i < self.halvings
            attends = halve and side >> (i + 1) == attention
            self.blocks.append(DownBlock(inputs, outputs, first=i == 0, halve=halve, attention=attends))
        self.to_logit = nn.Linear(widths[-1], 1)
        self.embedding = nn.Embedding(fit.n_classes, widths[-1]) if fit.n_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=widths[-1] ** -0.5)

    def features(self, images: Images) -> Features:
        """See `Discriminator.features`."""
        activations = images
        for i, block in enumerate(self.blocks):
            activations = self.at_stage(min(i, self.halvings), block, activations)
        return F.relu(widened(activations)).sum(dim=(2, 3))

    def judge(self, features: Features, labels: Labels | None) -> Logits:
        """See `Discriminator.judge`."""
        return projected(features, labels, self.to_logit, self.embedding)
