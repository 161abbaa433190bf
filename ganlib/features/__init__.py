"""What metrics look through: pictures (or points) in, features and class logits out. One extractor per file.

`evaluate.extractor` names the file. Whatever is opened here is registered with torch-fidelity too, so that
`torch_fidelity.calculate_metrics(feature_extractor=...)` gives the numbers that ours must equal.
"""

from abc import ABC, abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from .. import components
from ..errors import UserError
from ..shapes import Kind, Stored

Features = Float32[Tensor, "batch features"]
"""What distances between pictures are measured in: the extractor's last layer before its classes."""

ClassLogits = Float32[Tensor, "batch classes"]
"""Unnormalised log-probabilities of the extractor's classes, which the inception score reads; none where it knows
no classes."""

SHORT = 8
"""Digits of a digest that stand for it in names."""


class FeatureExtractor(nn.Module, ABC):
    """A network with frozen weights and what a protocol must say of it."""

    def __init__(self, *, name: str, digest: str, preprocessing: str) -> None:
        super().__init__()
        self.name = name
        """The file of ganlib/features."""
        self.digest = digest
        """sha256 of the weights, in hexadecimal."""
        self.preprocessing = preprocessing
        """What is done to pixels before the network sees them, resizing above all."""

    @abstractmethod
    def forward(self, pixels: Stored) -> tuple[Features, ClassLogits]:
        """Features and class logits of each picture, in float32; no picture depends on another."""


class ExtractorLoader(ABC):
    """Finds an extractor's weights and checks them; the fields of a leaf say where from."""

    kinds: ClassVar[tuple[Kind, ...]] = ("pictures",)
    """What the extractor can look at."""

    @abstractmethod
    def load(self, trained: Path) -> FeatureExtractor:
        """The extractor on the CPU. `trained` is the folder of the classifier that the pipeline itself trained.

        UserError where the weights are missing or are not the promised ones.
        """


def check_name(name: str, kind: Kind) -> None:
    """UserError where `evaluate.extractor` names no file of this folder, or one that sees nothing in such data."""
    available = components.names("features")
    if name not in available:
        raise UserError(f"evaluate.extractor is {name!r}; choose one of: {', '.join(available)}.")
    fitting = [other for other in available if kind in components.leaf(ExtractorLoader, other).kinds]
    if name not in fitting:
        raise UserError(
            f"evaluate.extractor is {name}, which does not look at {kind}, and the data are {kind}; "
            f"set it to {' or '.join(fitting)}."
        )


def open_extractor(
    name: str, kind: Kind, *, weights: str | None, weights_sha256: str | None, trained: Path, device: torch.device
) -> FeatureExtractor:
    """The extractor that `evaluate.extractor` names, in evaluation mode on `device`, known to torch-fidelity.

    `weights` and `weights_sha256` are `evaluate`'s; `trained` is where the pipeline's own classifier lies.
    """
    check_name(name, kind)
    options = {"weights": weights, "weights_sha256": weights_sha256}
    loader = components.build(ExtractorLoader, name, options, section="evaluate")
    extractor = loader.load(trained).eval().requires_grad_(False).to(device)
    register(extractor)
    return extractor


def checked_weights(path: Path, expected: str | None) -> tuple[bytes, str]:
    """The file's content and its sha256, read once so that what was checked is what gets used.

    `expected` is a sha256 or its beginning; UserError where the content has another.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{path} is no file; set evaluate.weights to a file of the extractor's weights.") from None
    digest = sha256(content).hexdigest()
    if expected is not None and not (expected and digest.startswith(expected.lower())):
        raise UserError(
            f"{path} has the sha256 {digest} but {expected} is expected; fetch the file again, or set "
            f"evaluate.weights_sha256 to the digest of weights that you trust."
        )
    return content, digest


def registered_name(extractor: FeatureExtractor) -> str:
    """The extractor's name in torch-fidelity's registry: other weights are another extractor."""
    return f"ganlib-{extractor.name}-{extractor.digest[:SHORT]}"


def register(extractor: FeatureExtractor) -> str:
    """Lets torch-fidelity look through this very network, under `registered_name`. Doing it twice is fine."""
    # Imported here: torch-fidelity brings torchvision, seconds that only an evaluation should pay.
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY, register_feature_extractor

    class Registered(FeatureExtractorBase):  # type: ignore[misc] # torch-fidelity has no types
        """The extractor in torch-fidelity's terms."""

        def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
            super().__init__(name, features_list)
            self.extractor = extractor

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return "features", "logits"

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return "logits" if metric == "isc" else "features"

        @staticmethod
        def can_be_compiled() -> bool:
            return False

        def forward(self, input: Tensor) -> tuple[Tensor, ...]:  # noqa: A002 - torch-fidelity's word
            features, logits = self.extractor(input)
            layers = {"features": features, "logits": logits}
            return tuple(layers[layer] for layer in self.features_list)

    name = registered_name(extractor)
    if name in FEATURE_EXTRACTORS_REGISTRY:
        del FEATURE_EXTRACTORS_REGISTRY[name]  # the same weights, but on another device perhaps
    register_feature_extractor(name, Registered)
    return name
