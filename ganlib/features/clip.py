"""CLIP's picture encoders (Radford et al. 2021), which learned from captions; torch-fidelity's networks."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor

from ..components import component
from ..errors import UserError
from . import ClassLogits, ExtractorLoader, FeatureExtractor, Features, Published, check_channels
from ._pictures import CHANNELS, UNROUNDED, Shown, in_pieces, prepared
from ._weights import tensors_of, weights_of

MEAN = (255 * 0.48145466, 255 * 0.4578275, 255 * 0.40821073)
DEVIATION = (255 * 0.26862954, 255 * 0.26130258, 255 * 0.27577711)


class Clip(FeatureExtractor):
    """The embedding that pictures and captions share, 512 to 1024 features; no classes."""

    unrounded = UNROUNDED

    def __init__(self, visual: Any, *, variant: str, digest: str) -> None:
        side = visual.input_resolution
        preprocessing = (
            f"grey repeated to 3 channels, bilinear to {side}x{side} as TensorFlow 1 does it, CLIP's mean and "
            f"deviation taken out (torch-fidelity's clip-{variant})"
        )
        super().__init__(name="clip", digest=digest, preprocessing=preprocessing)
        self.side: int = side
        self.visual: Any = visual

    def forward(self, pixels: Shown) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`. Grey or RGB, of any size."""
        check_channels("clip", pixels.shape[1])
        return in_pieces(self._look, pixels)

    def _look(self, pixels: Shown) -> tuple[Tensor, Tensor]:
        images = prepared(pixels, self.side, MEAN, DEVIATION)
        features = _embedded(self.visual, images) if hasattr(self.visual, "transformer") else self.visual(images)
        return features, features[:, :0]


def _embedded(visual: Any, images: Float32[Tensor, "batch 3 side side"]) -> Float32[Tensor, "batch features"]:
    """What torch-fidelity's vision transformer says; its last block is computed for the one token that is read."""
    patches = visual.conv1(images).flatten(2).permute(2, 0, 1)
    start = visual.class_embedding.expand(1, len(images), -1)
    tokens = visual.ln_pre(torch.cat([start, patches]) + visual.positional_embedding[:, None])
    *blocks, last = visual.transformer.resblocks
    for block in blocks:
        tokens = block(tokens)
    normal = last.ln_1(tokens)
    read = tokens[:1] + last.attn(normal[:1], normal, normal, need_weights=False)[0]
    read = read + last.mlp(last.ln_2(read))
    embedded: Tensor = visual.ln_post(read[0]) @ visual.proj
    return embedded


@component
class ClipLoader(ExtractorLoader):
    """The weights that OpenAI published, downloaded once and checked by the digest that torch-fidelity knows."""

    channels = CHANNELS
    variants = (
        "vit-b-32", "vit-b-16", "vit-l-14", "vit-l-14-336px", "rn50", "rn101", "rn50x4", "rn50x16", "rn50x64",
    )  # fmt: skip

    variant: str = variants[0]
    weights: str | None = None
    weights_sha256: str | None = None

    def published(self) -> Published:
        """See `ExtractorLoader.published`."""
        from torch_fidelity.feature_extractor_clip import MODEL_METADATA, MODEL_URLS

        name = f"clip-{self.variant}"
        return Published(MODEL_URLS[name], MODEL_METADATA[name]["hash"])

    def load(self, trained: Path) -> FeatureExtractor:  # noqa: ARG002 - these weights are not the pipeline's
        """See `ExtractorLoader.load`."""
        from torch_fidelity.feature_extractor_clip import build_model

        name, published = f"clip {self.variant}", self.published()
        path, content, digest = weights_of(name, published, self.weights, self.weights_sha256)
        try:
            model = build_model(_tensors(content), torch.float32)
        except (ValueError, KeyError, RuntimeError):
            raise UserError(f"{path} does not hold CLIP's weights; fetch {published.url}.") from None
        return Clip(model.visual, variant=self.variant, digest=digest)


def _tensors(content: bytes) -> dict[str, Tensor]:
    """Of a TorchScript archive, as CLIP is published, or of a plain file of tensors.

    An archive brings code, which is why nothing gets here that has another digest than was promised.
    """
    if not _is_torchscript(content):
        return tensors_of(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have other kinds of files
        archive = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(content), map_location="cpu"
        )
    tensors: dict[str, Tensor] = archive.state_dict()
    return tensors


def _is_torchscript(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False
