"""Inception-v3 as FID was defined with it (Heusel et al. 2017): torch-fidelity's network and its 2015 weights."""

import io
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..components import component
from ..errors import UserError
from . import ClassLogits, ExtractorLoader, FeatureExtractor, Features, Published, check_channels
from ._pictures import CHANNELS, UNROUNDED, Shown, fold_batch_norms, in_pieces, prepared
from ._weights import tensors_of, weights_of

PUBLISHED = Published(
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
PREPROCESSING = (
    "grey repeated to 3 channels, bilinear to 299x299 as TensorFlow 1 does it (torch-fidelity's inception-v3-compat)"
)
SIDE = 299
LAYERS = ["2048", "logits_unbiased"]
"""torch-fidelity's own choice for distances and for the inception score."""
PARTS = (
    "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2",
    "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7a",
    "Mixed_7b", "Mixed_7c", "AvgPool",
)  # fmt: skip
"""torch-fidelity's names for the network's parts, in order."""


class Inception(FeatureExtractor):
    """2048 features after the last pooling; 1008 logits without bias, as the inception score has always used.

    torch-fidelity's layers, with normalisations folded into convolutions and a faster resizing before them: its
    numbers up to rounding, in about half the time on a CPU.
    """

    unrounded = UNROUNDED

    def __init__(self, network: Any, *, digest: str) -> None:
        super().__init__(name="inception", digest=digest, preprocessing=PREPROCESSING)
        self.to_features = nn.Sequential(*(getattr(fold_batch_norms(network), part) for part in PARTS))
        self.class_weights: Tensor = network.fc.weight

    def forward(self, pixels: Shown) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`. Grey or RGB, of any size."""
        check_channels("inception", pixels.shape[1])
        return in_pieces(self._look, pixels)

    def _look(self, pixels: Shown) -> tuple[Tensor, Tensor]:
        features = self.to_features(prepared(pixels, SIDE, (128.0,), (128.0,))).flatten(1)
        return features, F.linear(features, self.class_weights)


@component
class InceptionLoader(ExtractorLoader):
    """The published weights, downloaded once; or a file of one's own, checked before a byte of it is used."""

    channels = CHANNELS

    weights: str | None = None
    weights_sha256: str | None = None

    def published(self) -> Published:
        """See `ExtractorLoader.published`."""
        return PUBLISHED

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - these weights are not the pipeline's
        """See `ExtractorLoader.load`."""
        path, content, digest = weights_of("inception", PUBLISHED, self.weights, self.weights_sha256)
        return Inception(_network(path, content), digest=digest)


def _network(path: Path, content: bytes) -> Any:
    # Imported here: torch-fidelity brings torchvision, seconds that only an evaluation should pay.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity unpickles whatever it is given. So the file is read here as tensors and nothing else, and
    # what torch-fidelity gets is written anew from those tensors.
    rewritten = io.BytesIO()
    try:
        torch.save(tensors_of(content), rewritten)
        rewritten.seek(0)
        network = FeatureExtractorInceptionV3("inception-v3-compat", LAYERS, feature_extractor_weights_path=rewritten)
    except (ValueError, RuntimeError):
        raise UserError(
            f"{path} does not hold Inception's weights as torch-fidelity publishes them; fetch {PUBLISHED.url}."
        ) from None
    return network
