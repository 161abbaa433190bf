"""Which training pictures a picture is nearest to, in features and in pixels, and whether that is unusually near."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from ganlib import evaluation, features, neighbours
from ganlib.distances import all_exact_distances
from ganlib.errors import UserError
from ganlib.feature_cache import FeatureCache
from ganlib.html.thumbnails import spread
from ganlib.looking import features_of
from ganlib.pictures import Pixels
from ganlib.pixel_distance import PixelIndex
from ganlib.prepared import PreparedData, Split, open_prepared
from ganlib.settings import Settings

from .. import lineage, paths, scores
from ..generators import Named

SHOWN = 6
"""Training pictures in an answer."""
HELDOUT = 500
"""Held-out pictures, at most, that say how near honest ones come."""

Nearest = tuple[Float64[Tensor, "1 found"], Int64[Tensor, "1 found"]]
"""Distances from the nearest on, and positions among the training pictures."""


@dataclass(frozen=True)
class Space:
    """One way to measure distances between pictures."""

    name: str
    through: str
    """What the distances are measured in, for people."""
    find: Callable[[Pixels], Nearest]
    heldout: Float64[Tensor, " heldout"]
    """Distances of held-out pictures to their nearest training picture, ascending."""

    def nearer(self, distance: float) -> int:
        """How many held-out pictures lie as near to a training picture, or nearer."""
        return int(torch.searchsorted(self.heldout, torch.tensor([distance], dtype=torch.float64), right=True))


@dataclass(frozen=True)
class Reference:
    """The training pictures, ready to be compared with."""

    data: PreparedData
    spaces: tuple[Space, ...]
    absent: tuple[tuple[str, str], ...]
    """Spaces that there are not, each with the reason."""
    other_data: tuple[str, ...]
    """Generators, by name, that were trained on other data than these, as far as that is known."""


class Opening:
    """A reference that opens in the background, since a large one takes a while."""

    def __init__(self, settings: Settings, named: Sequence[Named], device: torch.device) -> None:
        self._made: Future[Reference] = Future()
        # A daemon: Ctrl-C does not wait for it.
        Thread(target=self._open, args=(settings, named, device), name="reference", daemon=True).start()

    def _open(self, settings: Settings, named: Sequence[Named], device: torch.device) -> None:
        try:
            self._made.set_result(open_reference(settings, named, device))
        except BaseException as error:  # raised again by whoever asks
            self._made.set_exception(error)

    def result(self) -> Reference:
        """Waits until it is open; UserError where it cannot be."""
        return self._made.result()


def open_reference(settings: Settings, named: Sequence[Named], device: torch.device) -> Reference:
    """Of data/prepared, by the extractor and the shift of `evaluate`; what they see in real pictures is kept.

    UserError where the data are missing or of another shape. Without the extractor's weights pixels alone are left:
    nothing is fetched from the network.
    """
    data = open_prepared(paths.PREPARED)
    for one in named:
        scores.check_fits(data, one)
    some = spread(np.arange(len(data.heldout)), HELDOUT)
    heldout = Split(data.heldout.pixels[some], data.heldout.labels[some])
    spaces, absent = [], []
    try:
        spaces.append(_by_features(settings, data, heldout, device))
    except UserError as reason:
        absent.append(("features", str(reason)))
    spaces.append(_by_pixels(data, heldout, settings.evaluate.copy_shift, device))
    others = tuple(one.name for one in named if _data_of(one) not in (None, data.digest))
    return Reference(data, tuple(spaces), tuple(absent), others)


def _data_of(named: Named) -> str | None:
    """Digest of the data that it was trained on; None where nothing says it."""
    try:
        return lineage.read(named.folder).data
    except UserError:
        return named.registration.tags.get("ganlib.data") if named.registration else None


def _by_features(settings: Settings, data: PreparedData, heldout: Split, device: torch.device) -> Space:
    chosen = settings.evaluate
    features.check_at_hand(chosen.extractor, chosen.variant, chosen.weights, chosen.weights_sha256)
    extractor = features.load_extractor(
        chosen.extractor,
        data.kind,
        variant=chosen.variant,
        weights=chosen.weights,
        weights_sha256=chosen.weights_sha256,
        trained=paths.CLASSIFIER,
        device=device,
    )
    cache, size = FeatureCache(paths.features()), chosen.batch_size
    known = evaluation.known(cache, data, "train")
    train, _ = features_of(data.train, extractor, device, "the training pictures", size, known)
    theirs, _ = features_of(heldout, extractor, device, "held-out pictures", size)

    def find(pictures: Pixels) -> Nearest:
        ours, _ = features_of(Split(pictures, np.full(1, -1)), extractor, device, "one picture", size)
        distances, order = all_exact_distances(ours, train).sort(dim=1, stable=True)
        return distances[:, :SHOWN], order[:, :SHOWN]

    through = f"{extractor.name}, {train.shape[1]:,} features"
    return Space("features", through, find, neighbours.nearest(theirs, train, 1).distances[:, 0].sort().values)


def _by_pixels(data: PreparedData, heldout: Split, shift: int, device: torch.device) -> Space:
    index = PixelIndex(data.train.pixels, shift=shift, device=device)

    def find(pictures: Pixels) -> Nearest:
        found = index.nearest(pictures, min(SHOWN, len(data.train)))
        return found.distances, found.indices

    through = f"grey levels, moved by up to {shift} {'pixel' if shift == 1 else 'pixels'}"
    return Space("pixels", through, find, index.nearest(heldout.pixels).distances[:, 0].sort().values)
