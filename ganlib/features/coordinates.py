"""The coordinates of points as they are: distances between points need no network to look through."""

from hashlib import sha256
from pathlib import Path

import torch

from ..components import component
from ..shapes import Points
from . import ClassLogits, ExtractorLoader, FeatureExtractor, Features

PREPROCESSING = "none: coordinates as they are"


class Coordinates(FeatureExtractor):
    """A feature for each dimension and no classes: FID is then the Frechet distance of the points themselves."""

    def __init__(self) -> None:
        super().__init__(name="coordinates", digest=sha256(b"").hexdigest(), preprocessing=PREPROCESSING)

    def forward(self, pixels: Points) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`."""
        return pixels.flatten(1), torch.empty(len(pixels), 0, device=pixels.device)


@component
class CoordinatesLoader(ExtractorLoader):
    """There is nothing to load."""

    kinds = ("points",)
    takes_weights = False

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - nothing trained is needed
        """See `ExtractorLoader.load`."""
        return Coordinates()
