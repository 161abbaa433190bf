"""Every picture is shown once, in order, at any batch size; what real ones look like is looked at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganlib.feature_cache import FeatureCache
from ganlib.features import FeatureExtractor
from ganlib.looking import Known, _ahead, batches_of, features_of, full_float32
from ganlib.prepared import Split

CPU = torch.device("cpu")


class Counting(FeatureExtractor):
    """Features that say which picture it was, and how many it saw."""

    def __init__(self) -> None:
        super().__init__(name="counting", digest="d" * 64, preprocessing="none")
        self.shown = 0

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        self.shown += len(pixels)
        return pixels.flatten(1).float(), torch.empty(len(pixels), 0)


def split(count: int) -> Split:
    pixels = np.arange(count * 4, dtype=np.uint8).reshape(count, 1, 2, 2)
    pixels.flags.writeable = False  # as what is memory-mapped
    return Split(pixels, np.full(count, -1, dtype=np.int64))


@pytest.mark.parametrize("batch_size", [1, 3, 10, 99])
def test_each_picture_is_shown_once_and_keeps_its_row(batch_size: int) -> None:
    extractor, pictures = Counting(), split(10)
    features, logits = features_of(pictures, extractor, CPU, "set", batch_size)
    assert torch.equal(features, torch.from_numpy(np.array(pictures.pixels)).flatten(1).float())
    assert logits.shape == (10, 0)
    assert extractor.shown == 10


def test_what_is_known_is_not_looked_at_again(tmp_path: Path) -> None:
    extractor = Counting()
    known = Known(FeatureCache(tmp_path), "digest-train")
    first = features_of(split(10), extractor, CPU, "set", 4, known)
    again = features_of(split(10), extractor, CPU, "set", 3, known)
    assert extractor.shown == 10
    assert torch.equal(first[0], again[0])
    features_of(split(10), extractor, CPU, "set", 4, Known(known.cache, "digest-heldout"))
    assert extractor.shown == 20


def test_batches_that_are_read_ahead_are_the_same_in_the_same_order() -> None:
    ranges = [slice(first, first + 3) for first in range(0, 10, 3)]
    values = torch.arange(10.0).view(10, 1, 1, 1)
    ahead = list(_ahead(lambda rows: values[rows], ranges))
    assert [batch.flatten().tolist() for batch in ahead] == [values[rows].flatten().tolist() for rows in ranges]


def test_an_error_of_the_reading_thread_is_raised_where_batches_are_used() -> None:
    def broken(rows: slice) -> Tensor:
        if rows.start:
            raise OSError("the disk is gone")
        return torch.zeros(1, 1, 1, 1)

    with pytest.raises(OSError, match="the disk is gone"):
        list(_ahead(broken, [slice(0, 1), slice(1, 2), slice(2, 3)]))


def test_looking_can_be_given_up_in_the_middle() -> None:
    batches = batches_of(split(10), CPU, "set", 3)
    assert next(batches)[1] == slice(0, 3)
    batches.close()  # type: ignore[attr-defined]


def test_nothing_is_rounded_short_while_looking_and_everything_is_as_it_was_afterwards() -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.fp32_precision, cudnn.fp32_precision
    try:
        matmul.fp32_precision = cudnn.fp32_precision = "tf32"
        with full_float32():
            assert (matmul.fp32_precision, cudnn.fp32_precision) == ("ieee", "ieee")
        assert (matmul.fp32_precision, cudnn.fp32_precision) == ("tf32", "tf32")
        with pytest.raises(KeyError), full_float32():
            raise KeyError
        assert (matmul.fp32_precision, cudnn.fp32_precision) == ("tf32", "tf32")
    finally:
        matmul.fp32_precision, cudnn.fp32_precision = before
