"""VGG-16 (Simonyan & Zisserman 2015) as its features are used: what its second dense layer says, rectified."""

from typing import Any

import torch
from torch import Tensor, nn

from . import ClassLogits, FeatureExtractor, Features, check_channels
from ._pictures import IMAGENET, UNROUNDED, Shown, in_pieces, prepared

PREPROCESSING = (
    "grey repeated to 3 channels, bilinear to 224x224 as TensorFlow 1 does it, ImageNet's mean and deviation taken "
    "out (torch-fidelity's vgg16)"
)
SIDE = 224
FEATURES_END = 5
"""Of the dense layers, as torchvision counts them, those that make the features (`fc2`, rectified)."""


def empty_network() -> Any:
    """torchvision's network without any weights yet, on torch's `meta` device."""
    # Imported here: torchvision takes seconds that only an evaluation should pay.
    from torchvision.models import vgg16

    with torch.device("meta"):
        return vgg16(init_weights=False)


class Vgg(FeatureExtractor):
    """4096 features; class logits where the network's last layer is there."""

    unrounded = UNROUNDED

    def __init__(self, network: Any, *, name: str, digest: str) -> None:
        super().__init__(name=name, digest=digest, preprocessing=PREPROCESSING)
        layers = list(network.classifier)
        self.to_places: nn.Module = network.features
        self.to_features = nn.Sequential(*layers[:FEATURES_END])
        self.to_logits = nn.Sequential(*layers[FEATURES_END:]) if len(layers) > FEATURES_END else None

    def forward(self, pixels: Shown) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`. Grey or RGB, of any size."""
        check_channels(self.name, pixels.shape[1])
        return in_pieces(self._look, pixels)

    def _look(self, pixels: Shown) -> tuple[Tensor, Tensor]:
        features = self.to_features(self.to_places(prepared(pixels, SIDE, *IMAGENET)).flatten(1))
        return features, features[:, :0] if self.to_logits is None else self.to_logits(features)
