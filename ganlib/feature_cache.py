"""What extractors see in pictures that do not change, kept on disk: written once, whole, and shared between runs."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor
from tqdm import tqdm

from . import files
from .features import ClassLogits, FeatureExtractor, Features

FORMAT = 1
"""Of an entry; another number wherever an extractor of the same name and digest comes to see something else."""
ABOUT = "about.json"
ARRAYS = ("features.npy", "class_logits.npy")
DERIVED = ("derived.npy",)
UNMAPPED = 1 << 16
"""Bytes up to which an array is read and not mapped; what has no columns cannot be mapped at all."""

Keep: TypeAlias = Callable[[str, Callable[[], Float64[Tensor, "..."]]], Float64[Tensor, "..."]]
"""What has this name, made now where it is not known."""


@dataclass(frozen=True)
class FeatureCache:
    """A folder with an entry for each (set of pictures, extractor); safe with several writers at once, no pickle.

    An entry is a folder of its own: `features.npy`, `class_logits.npy` and `about.json`, which says what it is and
    what the arrays' files hash to; what was derived from features has entries of its own, with `derived.npy`. Entries
    that are not whole are made anew. A folder that cannot be written to costs time and no result.
    """

    folder: Path
    _complaints: set[str] = field(default_factory=set, compare=False, repr=False)

    def get(
        self, pictures: str, extractor: FeatureExtractor, make: Callable[[], tuple[Features, ClassLogits]]
    ) -> tuple[Features, ClassLogits]:
        """The entry, made now where there is none that is whole. `pictures` tells a set from every other.

        What was kept comes memory-mapped, copied where it is written to.
        """
        features, class_logits = self._entry(_said(pictures, extractor), ARRAYS, torch.float32, make)
        return features, class_logits

    def derived(
        self, pictures: str, extractor: FeatureExtractor, what: str, make: Callable[[], Float64[Tensor, "..."]]
    ) -> Float64[Tensor, "..."]:
        """What follows from the features alone, kept likewise; `what` names it and all that it depends on besides."""
        said = _said(pictures, extractor) | {"derived": what}
        return self._entry(said, DERIVED, torch.float64, lambda: (make(),))[0]

    def _entry(
        self, said: dict[str, Any], names: Sequence[str], dtype: torch.dtype, make: Callable[[], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        entry = self.folder / sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        if (kept := _read(entry, said, names, dtype)) is not None:
            return kept
        made = make()
        try:
            if _read(entry, said, names, dtype) is None:  # another process may have been faster
                _write(entry, said, names, made)
        except OSError as error:
            if _read(entry, said, names, dtype) is None:
                self._complain(error)
        return made

    def _complain(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason not in self._complaints:
            self._complaints.add(reason)
            tqdm.write(f"warning: features are not kept in {self.folder} ({reason}); going on without.", sys.stderr)


def _said(pictures: str, extractor: FeatureExtractor) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "pictures": pictures,
        "extractor": extractor.name,
        "extractor_sha256": extractor.digest,
        "preprocessing": extractor.preprocessing,
    }


def _write(entry: Path, said: dict[str, Any], names: Sequence[str], made: tuple[Tensor, ...]) -> None:
    """OSError where the disk refuses, or where another process put the same entry there meanwhile."""
    with files.whole_folder(entry) as aside:
        digests = {}
        for name, tensor in zip(names, made, strict=True):
            np.save(aside / name, tensor.numpy(), allow_pickle=False)
            digests[name] = files.sha256_of(aside / name)
        shapes = {name: list(tensor.shape) for name, tensor in zip(names, made, strict=True)}
        about = {**said, "shapes": shapes, "sha256": digests}
        (aside / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _read(entry: Path, said: dict[str, Any], names: Sequence[str], dtype: torch.dtype) -> tuple[Tensor, ...] | None:
    """None where there is no entry, or one that is not what it says."""
    try:
        about = json.loads((entry / ABOUT).read_text(encoding="utf-8"))
        if {key: about[key] for key in said} != said:
            return None
        return tuple(_array(entry / name, about["shapes"][name], about["sha256"][name], dtype) for name in names)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _array(path: Path, shape: list[int], digest: str, dtype: torch.dtype) -> Tensor:
    """ValueError where the file is another than was written."""
    if files.sha256_of(path) != digest:
        raise ValueError(f"{path} is damaged")
    # Copied on write: torch takes no arrays that nobody may write to.
    mapped = path.stat().st_size > UNMAPPED
    array = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    found = torch.from_numpy(array)
    if found.dtype != dtype or list(found.shape) != shape:
        raise ValueError(f"{path} is no array of {shape}")
    return found
