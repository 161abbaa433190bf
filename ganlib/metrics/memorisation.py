"""Memorisation: does the generator give its training pictures away again? The rate of copies, and C_T.

A picture is close to the training pictures when it is as near to one as few held-out pictures are, in features or in
pixels; what copies there are beyond what held-out pictures have of that is the rate. Seen so are pictures given back
as they are, moved by `copy_shift` pixels, a little noisy, brighter or paler, as far as the thresholds reach. Not seen
in pixels are mirrored or turned ones, and ones put together of parts; features may see them. C_T looks at features
alone, so it may miss what only pixels show.

Close is not always copied: a generator of nothing but the plainest pictures (empty, blurred, of the class that varies
least) comes nearer to training pictures than held-out ones of every kind. `exact`, the pairs and precision beside
recall tell which it is.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any, ClassVar

import torch
from jaxtyping import Float32, Float64
from pydantic import Field
from torch import Tensor

from ..components import component
from ..distances import exact_distances
from ..features import Features
from ..neighbours import nearest
from ..pixel_distance import PixelIndex, exact_copies
from . import Absent, Counts, Evidence, Metric, Result, comparable, reference, told
from ._copies import FEWEST, Close, Placed, Space, copy_rate, data_copying

FEWEST_HELDOUT = 2 * FEWEST
"""From so few pictures nobody knows how near honest ones come."""
FOR_CELLS = 10_000
"""Training pictures that cells are made of, evenly spread over all."""
PAIRS, PAIRS_OF_ONE = 24, 2
"""Pairs that are shown, and how many of them may have the same training picture."""


@dataclass(frozen=True)
class _Looked:
    """Everything that was found out about distances."""

    evidence: Evidence
    spaces: dict[str, Space]
    """`features`, and `pixels` where there are any."""
    index: PixelIndex | None
    no_pixels: str
    """Why there are none."""


@component
class Memorisation(Metric):
    """`copies`: the share of generated pictures that are copies, beyond what honest novelty explains; 0 is best.

    `c_t`: the data-copying statistic of Meehan et al. 2020, in standard deviations. Far below 0 generated pictures lie
    nearer to the training ones than held-out pictures do (copying), far above farther off (underfitting).
    """

    results: ClassVar[tuple[str, ...]] = ("copies", "c_t")
    copy_quantile: Annotated[float, Field(gt=0, le=0.5)]
    """Share of held-out pictures that may be close in features, and in pixels. Of fewer than 1 / copy_quantile of them
    one is all the same: see `heldout_in_features` and `heldout_in_pixels`."""
    copy_shift: Annotated[int, Field(ge=0)]
    """Pixels by which copies may be moved."""
    copy_cells: Annotated[int, Field(gt=0)]
    """Cells of C_T at most; fewer where there are fewer than four times FEWEST pictures for each."""
    seed: int
    """Draws the cells."""

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - see the interface
        """None: where pictures are too few, nothing is said."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`copies` and `c_t`; one of them may be absent on its own."""
        looked = self._look(evidence)
        results: dict[str, Result] = {}
        for name, measured in (("copies", self._copies), ("c_t", self._c_t)):
            try:
                results[name] = measured(looked)
            except Absent as absent:
                results[name] = {"absent": str(absent)}
        return results

    def _look(self, evidence: Evidence) -> _Looked:
        train, heldout, generated = (
            reference(evidence.train),
            comparable(evidence.heldout),
            comparable(evidence.generated),
        )
        if len(heldout) < FEWEST_HELDOUT:
            raise Absent(
                f"there are {len(heldout)} held-out pictures, and how near honest ones come is known from "
                f"{FEWEST_HELDOUT} on"
            )
        behind = evidence.behind
        device = torch.device("cpu") if behind is None else behind.device
        ours, theirs = (nearest(features, train, 1, device=device) for features in (generated, heldout))
        spaces, index, reason = {"features": Space(ours, theirs)}, None, ""
        if behind is None:
            reason = "nothing but features is known"
        elif behind.data.kind == "points":
            reason = "points have no pixels"
        else:
            index = PixelIndex(behind.data.train.pixels, shift=self.copy_shift, device=device)
            sides = (behind.generated, evidence.generated), (behind.data.heldout, evidence.heldout)
            assert all(len(split) == len(seen) for split, seen in sides), "pixels and features are of the same pictures"
            spaces["pixels"] = Space(*(index.nearest(split.pixels) for split, _ in sides))
        return _Looked(evidence, spaces, index, reason)

    def _copies(self, looked: _Looked) -> Result:
        """The rate with its interval, what it comes from, and the closest pairs."""
        close = {name: space.close(self.copy_quantile) for name, space in looked.spaces.items()}
        generated, heldout = _either(close)
        result = told(copy_rate(generated, heldout))
        result |= {"close_generated": _share(generated), "close_heldout": _share(heldout)}
        for name, (ours, theirs) in close.items():
            result[f"in_{name}"] = copy_rate(ours, theirs).value
            result[f"heldout_in_{name}"] = _share(theirs)
            result[f"threshold_{name}"] = looked.spaces[name].threshold(self.copy_quantile)
        if looked.index is None:
            result |= {"in_pixels": {"absent": looked.no_pixels}, "threshold_pixels": {"absent": looked.no_pixels}}
        behind = looked.evidence.behind
        result["exact"] = (
            {"absent": looked.no_pixels} if behind is None else exact_copies(behind.generated, behind.data.train)
        )
        return {**result, **self._floor(looked), "pairs": closest_pairs(looked.evidence, looked.spaces, looked.index)}

    def _floor(self, looked: _Looked) -> Result:
        """The rate that half of the held-out pictures have by the other half's thresholds."""
        close = {name: space.halves().close(self.copy_quantile) for name, space in looked.spaces.items()}
        try:
            floor = told(copy_rate(*_either(close)))
        except Absent as absent:
            return {"floor": {"absent": str(absent)}}
        return {"floor": floor["value"], "floor_low": floor["low"], "floor_high": floor["high"]}

    def _c_t(self, looked: _Looked) -> Result:
        """The statistic in feature space with its interval; the floor is that of held-out halves."""
        evidence, space = looked.evidence, looked.spaces["features"]
        cells = max(1, min(self.copy_cells, evidence.counts.floor // (4 * FEWEST), len(evidence.train)))
        centres = cell_centres(evidence.train.features, cells, self.seed)
        generated, heldout = (
            Placed(found.distances[:, 0], nearest(seen.features, centres, 1).indices[:, 0])
            for seen, found in ((evidence.generated, space.generated), (evidence.heldout, space.heldout))
        )
        result = told(data_copying(generated, heldout, len(centres)))
        every_other, the_rest = heldout.rows(slice(1, None, 2)), heldout.rows(slice(0, None, 2))
        try:
            floor = told(data_copying(every_other, the_rest, len(centres)))
        except Absent as absent:
            return {**result, "floor": {"absent": str(absent)}}
        return {**result, "floor": floor["value"], "floor_low": floor["low"], "floor_high": floor["high"]}


def _either(close: Mapping[str, tuple[Close, Close]]) -> tuple[Close, Close]:
    """Who is close in one of the spaces at least."""
    ours, theirs = zip(*close.values(), strict=True)
    return reduce(torch.logical_or, ours), reduce(torch.logical_or, theirs)


def _share(close: Close) -> float:
    return float(close.double().mean())


def cell_centres(train: Features, cells: int, seed: int) -> Float32[Tensor, "centres features"]:
    """Centres of k-means, of training pictures evenly spread; the same on any machine with any number of threads."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    count = min(FOR_CELLS, len(train))
    some = train[torch.arange(count) * len(train) // count].double().numpy()
    # Several threads add their sums up in the order in which they finish.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different pictures than cells: some stay empty
        centres = KMeans(cells, n_init=1, max_iter=100, random_state=seed).fit(some).cluster_centers_
    return torch.from_numpy(centres).float()


def closest_pairs(evidence: Evidence, spaces: Mapping[str, Space], index: PixelIndex | None) -> list[dict[str, Any]]:
    """The pairs of a generated and a training picture that the fewest held-out pictures beat, in either space."""
    standings = [space.standing() for space in spaces.values()]
    shares, distances = (torch.stack(parts, dim=1) for parts in zip(*standings, strict=True))
    trains = torch.stack([space.generated.indices[:, 0] for space in spaces.values()], dim=1)
    # In which space: by the share of held-out pictures, then by the distance.
    worse = shares > shares.min(dim=1, keepdim=True).values
    chosen = distances.masked_fill(worse, torch.inf).argmin(dim=1, keepdim=True)
    share, distance, train = (part.gather(1, chosen)[:, 0].tolist() for part in (shares, distances, trains))
    pairs: list[tuple[int, int]] = []
    for generated in sorted(range(len(train)), key=lambda row: (share[row], distance[row], row)):
        if sum(train[generated] == other for _, other in pairs) < PAIRS_OF_ONE:
            pairs.append((generated, train[generated]))
        if len(pairs) == PAIRS:
            break
    in_features, in_pixels = _between(pairs, evidence, index)
    return [
        {
            "generated": ours,
            "train": theirs,
            "feature_distance": float(in_features[number]),
            "pixel_distance": None if in_pixels is None else float(in_pixels[number]),
            "share_of_heldout_closer": share[ours],
        }
        for number, (ours, theirs) in enumerate(pairs)
    ]


def _between(
    pairs: list[tuple[int, int]], evidence: Evidence, index: PixelIndex | None
) -> tuple[Float64[Tensor, " pairs"], Float64[Tensor, " pairs"] | None]:
    """Their distances in features and, where there are any, in pixels."""
    ours, theirs = torch.tensor(pairs).T
    in_features = exact_distances(evidence.generated.features, evidence.train.features, ours, theirs)
    if index is None or evidence.behind is None:
        return in_features, None
    return in_features, index.distance(evidence.behind.generated.pixels[ours.numpy()], theirs)
