"""Scores of generators while they train, against held-out pictures that are looked at in the background meanwhile."""

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from . import components
from .balls import inside_balls
from .errors import UserError
from .feature_cache import FeatureCache
from .features import ClassLogits, ExtractorLoader, FeatureExtractor, Features, open_extractor
from .game import Game
from .latents import draw
from .moments import Moments, frechet_distance
from .neighbours import nearest
from .prepared import PreparedData
from .randomness import Purpose, stream
from .sampling import generate
from .selection import SIGNS, Scores
from .settings import TrainSettings
from .shapes import Kind, Stored

NEIGHBOURS = 3
"""k of the balls of precision and recall."""
ROWS = 32
"""Pictures in one pass of the extractor. Part of every score, because a kernel may round otherwise at another shape."""
ASK_EVERY_SECONDS = 1.0


class Closed(Exception):  # noqa: N818 - not an error: nobody wants the result any more
    """The training ended while held-out pictures were still being looked at."""


@dataclass(frozen=True)
class Reference:
    """What a score takes of the held-out pictures."""

    features: Features
    moments: Moments
    radii: Float64[Tensor, " pictures"]
    """Each picture's ball reaches to its NEIGHBOURS-th nearest other one."""


class HeldoutScorer:
    """A `selection.Scorer`. Looks at the held-out pictures from now on, in a thread, while the training goes on.

    The first score waits for that thread where it has to: the same device would have to do the same work later, and
    scores that came sooner or later by a clock would make each training another one. The thread changes nothing that
    is not its own, such as how CUDA rounds: the training's own rounding is that of its scores.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        data: PreparedData,
        settings: TrainSettings,
        device: torch.device,
        cache: FeatureCache | None = None,
    ) -> None:
        self.extractor, self.heldout, self.device, self.cache = extractor, data.heldout, device, cache
        self.seed, self.samples = settings.seed, settings.evaluate_samples
        # Exactly these features, for a resumed training's sake: another device or another rounding has others.
        rounding = "tf32" if device.type == "cuda" and settings.tf32 else "float32"
        self.pictures = f"{data.digest}-heldout-{device.type}-{rounding}-{ROWS}"
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ganlib-heldout")
        self._reference: Future[Reference] = self._thread.submit(self._refer)

    def __call__(self, game: Game, stop: Callable[[], bool]) -> Scores | None:
        """See `selection.Scorer`."""
        while not wait([self._reference], timeout=ASK_EVERY_SECONDS).done:
            if stop():
                return None
        reference = self._reference.result()
        seen = []
        for pictures in drawn(game, self.seed, self.samples):
            if stop():
                return None
            seen.append(_looked(self.extractor, pictures, self.device)[0])
        return scores(torch.cat(seen), reference, self.device)

    def close(self) -> None:
        """Ends the thread, before the next pictures that it would look at."""
        self._closing.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _refer(self) -> Reference:
        # A stream of its own, so that the training's kernels need not queue up behind these.
        aside = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None  # type: ignore[no-untyped-call]
        with nullcontext() if aside is None else torch.cuda.stream(aside):
            if self.cache is None:
                features, _ = self._all_heldout()
            else:
                features, _ = self.cache.get(self.pictures, self.extractor, self._all_heldout)
            if not bool(torch.isfinite(features).all()):
                raise UserError(
                    f"what {self.extractor.name} sees in the held-out pictures are not all finite numbers; set "
                    f"train.evaluate_through to another extractor."
                )
            return refer(features, self.device)

    def _all_heldout(self) -> tuple[Features, ClassLogits]:
        parts = []
        for first in range(0, len(self.heldout), ROWS):
            if self._closing.is_set():
                raise Closed
            pixels = torch.from_numpy(np.array(self.heldout.pixels[first : first + ROWS]))
            parts.append(_looked(self.extractor, pixels, self.device))
        features, logits = zip(*parts, strict=True)
        return torch.cat(features), torch.cat(logits)


def refer(features: Features, device: torch.device) -> Reference:
    """The reference that has these features."""
    near = nearest(features, features, NEIGHBOURS, device=device, among_themselves=True)
    return Reference(features, Moments.of(features), near.distances[:, -1])


def scores(features: Features, reference: Reference, device: torch.device) -> Scores:
    """FID, and precision and recall (Kynkaanniemi et al. 2019), of pictures with these features.

    Not a number where a feature is none.
    """
    if not bool(torch.isfinite(features).all()):
        return dict.fromkeys(SIGNS, math.nan)
    made = refer(features, device)
    precise = torch.zeros(len(features), dtype=torch.bool)
    recalled = torch.zeros(len(reference.features), dtype=torch.bool)
    for (_, inside), (covered, _) in inside_balls(
        reference.features, features, radii_of_ones=reference.radii, radii_of_others=made.radii, device=device
    ):
        precise[inside], recalled[covered] = True, True
    return {
        "fid": frechet_distance(made.moments, reference.moments),
        "precision": float(precise.double().mean()),
        "recall": float(recalled.double().mean()),
    }


def drawn(game: Game, seed: int, count: int) -> Iterator[Stored]:
    """`count` pictures of the averaged generator, some at a time; always of the same latents.

    They are not the latents that `sample` draws: a generator that was chosen by those would look better there than it
    is. Classes come in the shares of the training data, without the luck of a draw.
    """
    description = game.description
    random = stream(seed, Purpose.SELECTION)
    latents = torch.from_numpy(draw(random, (count, description.latent_dim), description.latent_distribution))
    labels = None
    if description.classes:
        upper_ends = np.cumsum(description.class_counts) / np.sum(description.class_counts)
        places = (np.arange(count) + 0.5) / count
        labels = torch.from_numpy(np.searchsorted(upper_ends, places, side="right").astype(np.int64))
    yield from generate(game.averaged, latents, labels, batch_size=ROWS)


@torch.no_grad()
def _looked(extractor: FeatureExtractor, pixels: Stored, device: torch.device) -> tuple[Features, ClassLogits]:
    features, logits = extractor(pixels.to(device))
    return features.cpu(), logits.cpu()


def extractors(kind: Kind) -> list[str]:
    """Those that look at such data and take nothing from another stage or from settings of their own."""
    fitting = []
    for name in components.names("features"):
        leaf = components.leaf(ExtractorLoader, name)
        published = components.build(ExtractorLoader, name, {}, section="train").published()
        at_hand = not leaf.takes_weights or (published is not None and published.sha256 is not None)
        if kind in leaf.kinds and at_hand:
            fitting.append(name)
    return fitting


def open_judge(name: str, data: PreparedData, device: torch.device) -> FeatureExtractor:
    """The extractor that `train.evaluate_through` names, which one of `extractors` must be.

    UserError where its weights cannot be had, or where it cannot look at such data.
    """
    try:
        extractor = open_extractor(name, data.kind, weights=None, weights_sha256=None, trained=Path(), device=device)
        _looked(extractor, torch.from_numpy(np.array(data.heldout.pixels[:1])), device)  # fails now, not in an hour
        return extractor
    except UserError as error:
        published = components.build(ExtractorLoader, name, {}, section="train").published()
        place = "" if published is None else f"put the file of its weights at {published.place}, or "
        raise UserError(
            f"train.evaluate_through is {name} but {str(error).split('; ')[0]}; {place}set it to one of: "
            f"{', '.join(other for other in extractors(data.kind) if other != name)}."
        ) from None
