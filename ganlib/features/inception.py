"""Inception-v3 as FID was defined with it (Heusel et al. 2017): torch-fidelity's network and its 2015 weights."""

import io
import pickle
from pathlib import Path

import torch
from torch import nn

from ..components import component
from ..errors import UserError
from ..shapes import Pixels
from . import ClassLogits, ExtractorLoader, FeatureExtractor, Features, checked_weights

PUBLISHED_URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
)
PUBLISHED_SHA256 = "6726825d"
"""The beginning of the published weights' sha256; their file name carries it."""
PREPROCESSING = (
    "grey repeated to 3 channels, bilinear to 299x299 as TensorFlow 1 does it (torch-fidelity's inception-v3-compat)"
)
LAYERS = ["2048", "logits_unbiased"]
"""torch-fidelity's own choice for distances and for the inception score."""


class Inception(FeatureExtractor):
    """2048 features after the last pooling; 1008 logits without bias, as the inception score has always used."""

    def __init__(self, network: nn.Module, *, digest: str) -> None:
        super().__init__(name="inception", digest=digest, preprocessing=PREPROCESSING)
        self.network = network

    def forward(self, pixels: Pixels) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`. Grey or RGB, of any size."""
        check_channels(pixels.shape[1])
        features, logits = self.network(pixels.expand(-1, 3, -1, -1))
        return features, logits


def check_channels(channels: int) -> None:
    """UserError where Inception cannot look at pictures of so many channels; it knows of no transparency."""
    if channels not in (1, 3):
        raise UserError(
            f"evaluate.extractor inception looks at grey or RGB pictures and got {channels} channels; set "
            f"data.channels to 1 or 3 and data.alpha to a colour."
        )


@component
class InceptionLoader(ExtractorLoader):
    """The published weights, downloaded once; or a file of one's own, checked before a byte of it is used."""

    weights: str | None = None
    weights_sha256: str | None = None

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - these weights are not the pipeline's
        """See `ExtractorLoader.load`."""
        path = downloaded() if self.weights is None else Path(self.weights)
        content, digest = checked_weights(path, self.weights_sha256 or PUBLISHED_SHA256)
        return Inception(_network(path, content), digest=digest)


def downloaded() -> Path:
    """The published weights in torch's own download folder, fetched there on first use.

    UserError where there is no network, or where what came is not what was published.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / PUBLISHED_URL.rsplit("/", 1)[-1]
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(PUBLISHED_URL, str(path), hash_prefix=PUBLISHED_SHA256)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"the weights of inception could not be fetched from {PUBLISHED_URL} ({error}); set evaluate.weights to a "
            f"file of them, or evaluate.extractor to classifier."
        ) from None
    return path


def _network(path: Path, content: bytes) -> nn.Module:
    # Imported here: torch-fidelity brings torchvision, seconds that only an evaluation should pay.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity unpickles whatever it is given. So the file is read here as tensors and nothing else, and
    # what torch-fidelity gets is written anew from those tensors.
    rewritten = io.BytesIO()
    try:
        torch.save(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True), rewritten)
        rewritten.seek(0)
        network: nn.Module = FeatureExtractorInceptionV3(
            "inception-v3-compat", LAYERS, feature_extractor_weights_path=rewritten
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError, AttributeError):
        raise UserError(
            f"{path} does not hold Inception's weights as torch-fidelity publishes them; fetch {PUBLISHED_URL}."
        ) from None
    return network
