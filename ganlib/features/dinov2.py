"""DINOv2 (Oquab et al. 2023), which learned from pictures alone and agrees best with people (Stein et al. 2023)."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..components import component
from ..errors import UserError
from . import ClassLogits, ExtractorLoader, FeatureExtractor, Features, Published, check_channels
from ._pictures import CHANNELS, IMAGENET, UNROUNDED, Shown, in_pieces, prepared
from ._vision_transformer import VisionTransformer
from ._weights import filled, tensors_of, weights_of

SIDE = 224
PREPROCESSING = (
    "grey repeated to 3 channels, bilinear to 224x224 as TensorFlow 1 does it, ImageNet's mean and deviation taken "
    "out (torch-fidelity's dinov2)"
)
BASE_URL = "https://dl.fbaipublicfiles.com/dinov2"


class Size(NamedTuple):
    """Of a network, and what its published weights hash to: its authors do not say, others do."""

    features: int
    depth: int
    heads: int
    gated: bool
    sha256: str | None


SIZES = {
    "vit-s-14": Size(384, 12, 6, False, "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"),
    "vit-b-14": Size(768, 12, 12, False, "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"),
    "vit-l-14": Size(1024, 24, 16, False, "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"),
    "vit-g-14": Size(1536, 40, 24, True, None),
}


class DinoV2(FeatureExtractor):
    """What the class token has become, 384 to 1536 features; no classes."""

    unrounded = UNROUNDED

    def __init__(self, network: VisionTransformer, *, digest: str) -> None:
        super().__init__(name="dinov2", digest=digest, preprocessing=PREPROCESSING)
        self.network = network
        network.fit_places(SIDE)

    def forward(self, pixels: Shown) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`. Grey or RGB, of any size."""
        check_channels("dinov2", pixels.shape[1])
        return in_pieces(self._look, pixels)

    def _look(self, pixels: Shown) -> tuple[Tensor, Tensor]:
        features = self.network(prepared(pixels, SIDE, *IMAGENET))
        return features, features[:, :0]


def network_of(variant: str) -> VisionTransformer:
    """The network without any weights yet, on torch's `meta` device."""
    size = SIZES[variant]
    with torch.device("meta"):
        return VisionTransformer(size.features, size.depth, size.heads, gated=size.gated)


@component
class DinoV2Loader(ExtractorLoader):
    """The published weights in a network of our own: torch-fidelity runs code fetched from GitHub instead.

    vit-l-14 is what the distances of Stein et al. (2023) are measured with; vit-s-14 costs a tenth of it.
    """

    channels = CHANNELS
    variants = tuple(SIZES)

    variant: str = variants[0]
    weights: str | None = None
    weights_sha256: str | None = None

    def published(self) -> Published:
        """See `ExtractorLoader.published`."""
        model = f"dinov2_{self.variant.replace('-', '')}"
        return Published(f"{BASE_URL}/{model}/{model}_pretrain.pth", SIZES[self.variant].sha256)

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - these weights are not the pipeline's
        """See `ExtractorLoader.load`."""
        name, published = f"dinov2 {self.variant}", self.published()
        path, content, digest = weights_of(name, published, self.weights, self.weights_sha256)
        network = network_of(self.variant)
        try:
            filled(network, tensors_of(content))
        except ValueError:
            raise UserError(f"{path} does not hold the weights of {name}; fetch {published.url}.") from None
        return DinoV2(network, digest=digest)
