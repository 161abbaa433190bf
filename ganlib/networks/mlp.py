"""Multilayer perceptrons on flattened pictures, as in the first paper: any size, small pictures; or on points."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from ..components import component
from ..shapes import Features, Images, Labels, Latents, Logits
from . import Discriminator, Fit, Generator, NetworkFamily, projected, spectrally_normalise

Size = Annotated[int, Field(gt=0)]
Activation = Literal["leaky_relu", "tanh"]

TANH_GAIN = 1.2
"""At 1 some modes of a grid were lost for long by generators of six layers."""
LATENT_GAIN = 3.0
"""Of the layer that reads the latents: they fall on plateaus from the start. At 1.2, twice as many points of a grid
ended between its modes."""


@component
class Mlp(NetworkFamily):
    """`depth` hidden layers of 8 * `width` units in each player."""

    kinds = ("pictures", "points")
    width: Size = 32
    depth: Size = 3
    spectral_norm: bool = False
    """Whether D's weights are divided by their largest singular value."""
    generator_activation: Activation = "leaky_relu"
    """Of G's hidden layers. tanh makes plateaus with steep edges, for data in separate modes: latents are connected, so
    some of them always land between two modes, the fewer the steeper the way is."""

    def generator(self, fit: Fit) -> Generator:
        """Latents (and a label embedding) to pixels through tanh; to coordinates, which know no bounds, without."""
        return MlpGenerator(fit, hidden=8 * self.width, depth=self.depth, activation=self.generator_activation)

    def discriminator(self, fit: Fit) -> Discriminator:
        """Pixels to one logit; labels by projection."""
        discriminator = MlpDiscriminator(fit, hidden=8 * self.width, depth=self.depth)
        if self.spectral_norm:
            spectrally_normalise(discriminator)
        return discriminator


def _hidden_layers(inputs: int, hidden: int, depth: int, activation: Activation = "leaky_relu") -> nn.Sequential:
    layers: list[nn.Module] = []
    for i in range(depth):
        layer = nn.Linear(inputs if i == 0 else hidden, hidden)
        if activation == "tanh":
            # Signals neither die out nor saturate through several layers (LeCun et al. 1998, with some gain for depth).
            gain = LATENT_GAIN if i == 0 else TANH_GAIN
            nn.init.normal_(layer.weight, std=gain * layer.in_features**-0.5)
        layers += [layer, nn.Tanh() if activation == "tanh" else nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


class MlpGenerator(Generator):
    """See `Mlp.generator`."""

    def __init__(self, fit: Fit, *, hidden: int, depth: int, activation: Activation) -> None:
        super().__init__()
        self.image_shape = fit.image_shape
        self.makes = fit.kind
        self.embedding = nn.Embedding(fit.n_classes, fit.latent_dim) if fit.n_classes else None
        inputs = fit.latent_dim * (2 if fit.n_classes else 1)
        self.hidden = _hidden_layers(inputs, hidden, depth, activation)
        self.to_pixels = nn.Linear(hidden, math.prod(fit.image_shape))

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """See `Generator.forward`."""
        inputs = latents
        if self.embedding is not None:
            assert labels is not None, "a conditional generator needs labels"
            inputs = torch.cat([latents, self.embedding(labels)], dim=1)
        made = self.to_pixels(self.hidden(inputs))
        pixels = torch.tanh(made) if self.makes == "pictures" else made
        return pixels.view(-1, *self.image_shape)


class MlpDiscriminator(Discriminator):
    """See `Mlp.discriminator`."""

    def __init__(self, fit: Fit, *, hidden: int, depth: int) -> None:
        super().__init__()
        self.hidden = _hidden_layers(math.prod(fit.image_shape), hidden, depth)
        self.to_logit = nn.Linear(hidden, 1)
        self.embedding = nn.Embedding(fit.n_classes, hidden) if fit.n_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=hidden**-0.5)

    def features(self, images: Images) -> Features:
        """See `Discriminator.features`."""
        features: Features = self.hidden(images.flatten(1))
        return features

    def judge(self, features: Features, labels: Labels | None) -> Logits:
        """See `Discriminator.judge`."""
        return projected(features, labels, self.to_logit, self.embedding)
