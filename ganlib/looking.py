"""Every picture shown once to a network that has features, batch by batch; what real ones look like is remembered."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from .feature_cache import FeatureCache, Keep
from .features import ClassLogits, FeatureExtractor, Features
from .prepared import Split
from .shapes import Stored


@dataclass(frozen=True)
class Known:
    """Where the features of a set of pictures are kept."""

    cache: FeatureCache
    pictures: str
    """What tells the set from every other: the data's digest and the part of it."""

    def keep(self, extractor: FeatureExtractor) -> Keep:
        """Remembers what follows from the features that this extractor has of the set."""
        return partial(self.cache.derived, self.pictures, extractor)


def features_of(
    split: Split,
    extractor: FeatureExtractor,
    device: torch.device,
    name: str,
    batch_size: int,
    known: Known | None = None,
) -> tuple[Features, ClassLogits]:
    """(features, class logits) of each picture, on the CPU; `name` is what the progress bar calls the set."""

    def looked() -> tuple[Features, ClassLogits]:
        return _looked(split, extractor, device, name, batch_size)

    return looked() if known is None else known.cache.get(known.pictures, extractor, looked)


@torch.no_grad()
def _looked(
    split: Split, extractor: FeatureExtractor, device: torch.device, name: str, batch_size: int
) -> tuple[Features, ClassLogits]:
    features: Tensor | None = None
    logits: Tensor | None = None
    with full_float32():
        for pixels, rows in batches_of(split, device, name, batch_size):
            seen, classes = extractor(pixels)
            if features is None or logits is None:
                features = torch.empty(len(split), seen.shape[1])
                logits = torch.empty(len(split), classes.shape[1])
            features[rows], logits[rows] = seen.cpu(), classes.cpu()
    assert features is not None, "there is at least one picture"
    assert logits is not None
    return features, logits


@contextmanager
def full_float32() -> Iterator[None]:
    """Full float32 on every device: a GPU's shortened multiplications show in the third digit of a FID."""
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False, fp32_precision="ieee"):
        matmul.fp32_precision = "ieee"
        try:
            yield
        finally:
            matmul.fp32_precision = before


def batches_of(split: Split, device: torch.device, name: str, batch_size: int) -> Iterator[tuple[Stored, slice]]:
    """The pictures on the device with the rows they have, under a progress bar called `name`.

    A GPU looks at one batch while the next one is read from disk.
    """
    ranges = [slice(first, first + batch_size) for first in range(0, len(split), batch_size)]
    read = partial(_read, split, pinned=device.type == "cuda")
    batches = _ahead(read, ranges) if device.type == "cuda" else map(read, ranges)
    for rows, pixels in zip(tqdm(ranges, desc=name, unit="batch", disable=None), batches, strict=True):
        yield pixels.to(device, non_blocking=True), rows


def _read(split: Split, rows: slice, *, pinned: bool) -> Stored:
    pixels = torch.from_numpy(np.array(split.pixels[rows]))
    return pixels.pin_memory() if pinned else pixels


def _ahead(read: Callable[[slice], Stored], ranges: Sequence[slice]) -> Iterator[Stored]:
    """As `map(read, ranges)`, in a thread that is one batch ahead."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures") as reader:
        coming = reader.submit(read, ranges[0])
        for following in ranges[1:]:
            pixels = coming.result()
            coming = reader.submit(read, following)
            yield pixels
        yield coming.result()
