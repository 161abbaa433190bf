"""VGG-16 that learned nothing: for pictures that are unlike ImageNet's (Naeem et al. 2020)."""

import math
from hashlib import sha256
from pathlib import Path

import torch
from torch import nn

from ..components import component
from . import ExtractorLoader, FeatureExtractor
from ._pictures import CHANNELS
from ._vgg import FEATURES_END, Vgg, empty_network
from ._weights import filled

SEED = 0
"""Of the weights: the same for everybody, so that numbers compare."""


@component
class RandomLoader(ExtractorLoader):
    """Nothing to fetch: weights uniform as Glorot & Bengio 2010 have them, no biases, drawn from a fixed seed.

    4096 features, and no classes. The pictures are enlarged to 224x224 as the paper has it, which makes it the dearest
    extractor but for the largest of `dinov2` and `clip`.
    """

    channels = CHANNELS
    takes_weights = False

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - these weights are not the pipeline's
        """See `ExtractorLoader.load`."""
        network = empty_network()
        network.classifier = network.classifier[:FEATURES_END]
        return Vgg(network, name="random", digest=draw(network))


def draw(network: nn.Module) -> str:
    """Fills the network, layer after layer, and says what its weights hash to; the same on every machine."""
    random = torch.Generator().manual_seed(SEED)
    digest = sha256()
    tensors = {}
    for name, empty in network.state_dict().items():
        if name.endswith(".bias"):
            tensors[name] = torch.zeros(empty.shape)
        else:
            outputs, inputs, *window = empty.shape
            furthest = math.sqrt(6 / ((inputs + outputs) * math.prod(window)))
            tensors[name] = torch.rand(empty.shape, generator=random).mul_(2).sub_(1).mul_(furthest)
        digest.update(tensors[name].numpy().data)
    filled(network, tensors)
    return digest.hexdigest()
