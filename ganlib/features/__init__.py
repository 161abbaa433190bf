"""What metrics look through: pictures (or points) in, features and class logits out. One extractor per file.

`evaluate.extractor` names the file. Whatever is opened here is registered with torch-fidelity too, so that
`torch_fidelity.calculate_metrics(feature_extractor=...)` gives the numbers that ours must equal.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from .. import components
from ..errors import UserError
from ..shapes import Kind, Stored
from ._weights import Published, check_file, checked_weights, trusted_digest

__all__ = ["Published", "checked_weights"]

Features = Float32[Tensor, "batch features"]
"""What distances between pictures are measured in: the extractor's last layer before its classes."""

ClassLogits = Float32[Tensor, "batch classes"]
"""Unnormalised log-probabilities of the extractor's classes, which the inception score reads; none where it knows
no classes."""

SHORT = 8
"""Digits of a digest that stand for it in names."""


class FeatureExtractor(nn.Module, ABC):
    """A network with frozen weights and what a protocol must say of it."""

    unrounded: ClassVar[tuple[float, float] | None] = None
    """(darkest, brightest) of the pictures that it also takes as floats, not rounded to 256 steps; none where it takes
    none. What hardly differs is told apart by them alone."""

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
    variants: ClassVar[tuple[str, ...]] = ()
    """What `evaluate.variant` may be, first what it is where nobody says; empty where there is only one network."""
    channels: ClassVar[tuple[int, ...]] = ()
    """How many a picture may have; empty where the network itself knows."""
    takes_weights: ClassVar[bool] = True
    """Whether there are weights to set at all."""

    def published(self) -> Published | None:
        """The weights that it takes where nobody names a file; none where nobody but the pipeline makes any."""
        return None

    @abstractmethod
    def load(self, trained: Path) -> FeatureExtractor:
        """The extractor on the CPU. `trained` is the folder of the classifier that the pipeline itself trained.

        UserError where the weights are missing or are not the promised ones.
        """


def check_name(name: str, kind: Kind) -> None:
    """UserError where `evaluate.extractor` names no file of this folder, or one that sees nothing in such data."""
    available = _available(name)
    fitting = [other for other in available if kind in components.leaf(ExtractorLoader, other).kinds]
    if name not in fitting:
        choice = " or ".join(part for part in (", ".join(fitting[:-1]), fitting[-1]) if part)
        raise UserError(
            f"evaluate.extractor is {name}, which does not look at {kind}, and the data are {kind}; set it to {choice}."
        )


def _available(name: str) -> list[str]:
    available = components.names("features")
    if name not in available:
        raise UserError(f"evaluate.extractor is {name!r}; choose one of: {', '.join(available)}.")
    return available


def check_channels(name: str, channels: int) -> None:
    """UserError where the extractor of this name cannot look at pictures of so many channels: it may know of no
    transparency."""
    allowed = components.leaf(ExtractorLoader, name).channels
    if allowed and channels not in allowed:
        raise UserError(
            f"evaluate.extractor {name} looks at grey or RGB pictures and got {channels} channels; set "
            f"data.channels to 1 or 3 and data.alpha to a colour."
        )


def check_weights(name: str, variant: str | None, weights: str | None, weights_sha256: str | None) -> None:
    """UserError where `evaluate`'s settings of these names can be told now not to work: before a long training.

    Reads a file of weights that is there, to hash it; fetches nothing.
    """
    _available(name)
    loader = _loader(name, variant, weights, weights_sha256)
    published = loader.published()
    expected = weights_sha256 if published is None else trusted_digest(name, published, weights_sha256)
    if weights is not None:
        check_file(Path(weights), expected)
    elif published is not None and published.place.exists():
        check_file(published.place, expected)


def check_at_hand(name: str, variant: str | None, weights: str | None, weights_sha256: str | None) -> None:
    """UserError where weights would have to be fetched from the network to open the extractor."""
    published = _loader(name, variant, weights, weights_sha256).published()
    if weights is None and published is not None and not published.place.exists():
        raise UserError(f"the weights of {name} are not on this machine yet; fetch them once: dvc repro evaluate.")


def _loader(name: str, variant: str | None, weights: str | None, weights_sha256: str | None) -> ExtractorLoader:
    leaf = components.leaf(ExtractorLoader, name)
    options = {"weights": weights, "weights_sha256": weights_sha256}
    if not leaf.takes_weights:
        if any(value is not None for value in options.values()):
            raise UserError(
                f"evaluate.weights and evaluate.weights_sha256 are for networks that are fetched or trained, and "
                f"evaluate.extractor {name} has none; leave them empty."
            )
        options = {}
    if leaf.variants:
        options["variant"] = leaf.variants[0] if variant is None else variant
        if options["variant"] not in leaf.variants:
            raise UserError(
                f"evaluate.variant is {variant!r}, and evaluate.extractor is {name}; choose one of: "
                f"{', '.join(leaf.variants)}."
            )
    elif variant is not None:
        raise UserError(
            f"evaluate.variant is {variant!r}, and evaluate.extractor {name} has no variants; leave it empty."
        )
    return components.build(ExtractorLoader, name, options, section="evaluate")


def open_extractor(
    name: str,
    kind: Kind,
    *,
    variant: str | None = None,
    weights: str | None,
    weights_sha256: str | None,
    trained: Path,
    device: torch.device,
) -> FeatureExtractor:
    """As `load_extractor`, and known to torch-fidelity, which takes seconds to import."""
    extractor = load_extractor(
        name,
        kind,
        variant=variant,
        weights=weights,
        weights_sha256=weights_sha256,
        trained=trained,
        device=device,
    )
    register(extractor)
    return extractor


def load_extractor(
    name: str,
    kind: Kind,
    *,
    variant: str | None = None,
    weights: str | None,
    weights_sha256: str | None,
    trained: Path,
    device: torch.device,
) -> FeatureExtractor:
    """The extractor that `evaluate.extractor` names, in evaluation mode on `device`.

    `variant`, `weights` and `weights_sha256` are `evaluate`'s; `trained` is where the pipeline's own classifier lies.
    """
    check_name(name, kind)
    loader = _loader(name, variant, weights, weights_sha256)
    extractor = loader.load(trained).eval().requires_grad_(False).to(device)
    if device.type == "cpu":  # whose convolutions are faster so
        extractor.to(memory_format=torch.channels_last)
    return extractor


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
