"""VGG-16 with its ImageNet weights: what precision and recall were first measured in (Kynkäänniemi et al. 2019)."""

from pathlib import Path

from ..components import component
from ..errors import UserError
from . import ExtractorLoader, FeatureExtractor, Published
from ._pictures import CHANNELS
from ._vgg import Vgg, empty_network
from ._weights import filled, tensors_of, weights_of

PUBLISHED = Published(
    "https://download.pytorch.org/models/vgg16-397923af.pth",
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)


@component
class Vgg16Loader(ExtractorLoader):
    """torchvision's weights, downloaded once; 4096 features as torch-fidelity's `fc2_relu`, 1000 ImageNet logits."""

    channels = CHANNELS

    weights: str | None = None
    weights_sha256: str | None = None

    def published(self) -> Published:
        """See `ExtractorLoader.published`."""
        return PUBLISHED

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - these weights are not the pipeline's
        """See `ExtractorLoader.load`."""
        path, content, digest = weights_of("vgg16", PUBLISHED, self.weights, self.weights_sha256)
        try:
            network = filled(empty_network(), tensors_of(content))
        except ValueError:
            raise UserError(
                f"{path} does not hold the weights of torchvision's VGG-16; fetch {PUBLISHED.url}."
            ) from None
        return Vgg(network, name="vgg16", digest=digest)
