"""What is measured of generated pictures, beside what held-out real ones score. One metric per file.

The maths is torch-fidelity's own, on features that were computed once. A file's fields are settings of `evaluate`
by the same names. A metric that cannot be computed says why and gives no number.
"""

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias, cast

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from .. import components
from ..bundle import Description
from ..feature_cache import Keep
from ..features import ClassLogits, FeatureExtractor, Features
from ..neighbours import nearest
from ..networks import Generator
from ..prepared import PreparedData, Split
from ..settings import EvaluateSettings
from ..shapes import Labels, Logits
from ..uncertainty import Estimate, Interval, groups_of, jackknife, rows_without

Result: TypeAlias = dict[str, Any]
"""What is said of one result, or `{"absent": reason}`. Of most: `value` with its interval `low`, `high`, and `floor`,
`floor_low`, `floor_high`; lists (`replicates`) are for the details, not for metrics/evaluate.json."""


class Absent(Exception):  # noqa: N818 - not an error: the message is the result
    """A metric cannot be computed from these pictures; the message is the reason, without a full stop."""


@dataclass(frozen=True)
class Seen:
    """A set of pictures as the networks saw it; row i of everything belongs to picture i."""

    name: str
    """How messages call the set: `the generated pictures`."""
    features: Features
    class_logits: ClassLogits
    realness: Logits | None = None
    """The discriminator's logits; none where there is no discriminator."""
    labels: Labels | None = None
    """The classes that the pictures have, or were asked for with; none where the data has no classes."""
    named: Float32[Tensor, "batch data_classes"] | None = None
    """What the data's own classifier says, whatever the extractor is; none where there is no such classifier."""
    keep: Keep | None = None
    """Remembers what follows from the features of the whole set; none where nothing is kept."""

    def __len__(self) -> int:
        return len(self.features)

    def first(self, count: int) -> "Seen":
        """The set's first pictures."""
        return self.rows(torch.arange(count))

    def spread(self, count: int) -> "Seen":
        """`count` pictures evenly spread over the set: of all classes even where it is in their order."""
        return self.rows(torch.arange(count) * len(self) // count)

    def without(self, group: int) -> "Seen":
        """All but one of the groups that intervals are computed from."""
        return self.rows(rows_without(group, len(self)))

    def rows(self, rows: Int64[Tensor, " rows"]) -> "Seen":
        """The pictures of these numbers."""
        realness, labels, named = (
            None if part is None else part[rows] for part in (self.realness, self.labels, self.named)
        )
        return Seen(self.name, self.features[rows], self.class_logits[rows], realness, labels, named)


@dataclass(frozen=True)
class Counts:
    """Numbers of pictures."""

    generated: int
    train: int
    heldout: int

    def __str__(self) -> str:
        return f"{self.generated} generated, {self.train} training and {self.heldout} held-out pictures"

    @property
    def floor(self) -> int:
        """At how many pictures generated and held-out ones are compared like with like."""
        return min(self.generated, self.heldout)


@dataclass(frozen=True)
class Behind:
    """What stands behind the features, for metrics that look at more than them."""

    generated: Split
    """The pictures themselves, memory-mapped."""
    data: PreparedData
    extractor: FeatureExtractor
    device: torch.device
    """Where the extractor is, and where much is computed."""
    generator: Generator | None = None
    """The averaged one, in evaluation mode on the device."""
    description: Description | None = None
    """Of the generator."""


@dataclass(frozen=True)
class Evidence:
    """Everything that metrics are computed from."""

    generated: Seen
    train: Seen
    """The reference."""
    heldout: Seen
    """Real pictures that nothing was trained on: what they score is the floor."""
    behind: Behind | None = None
    """Absent where only features are known."""

    @property
    def counts(self) -> Counts:
        """How many pictures there are of each."""
        return Counts(len(self.generated), len(self.train), len(self.heldout))


class Metric(ABC):
    """One figure of merit, or a few that belong together."""

    results: ClassVar[tuple[str, ...]]
    """What they are called in metrics/evaluate.json."""

    @abstractmethod
    def obstacles(self, counts: Counts) -> list[str]:
        """One sentence for each setting that cannot work with so few pictures; empty where all is well."""

    @abstractmethod
    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """One result for each of `results`. Absent is raised where generated pictures have no value at all."""


def selected(settings: EvaluateSettings) -> list[Metric]:
    """Every metric of this folder that the settings do not leave out, with its own settings."""
    metrics = []
    for name in components.names(__name__.rsplit(".", 1)[-1]):
        if name in settings.leave_out:
            continue
        module = importlib.import_module(f".{name}", __name__)
        leaf = components.only_leaf(vars(module).values(), Metric, module.__name__)
        options = {field.name: getattr(settings, field.name) for field in fields(cast("type", leaf))}
        metrics.append(leaf(**options))
    return metrics


def beside_floor(
    measure: Callable[[Seen], Mapping[str, Estimate]], evidence: Evidence, *, count_matters: bool
) -> dict[str, Result]:
    """What `measure` finds in the generated pictures, and in the held-out ones: the floor. Both with intervals.

    Where `count_matters`, few pictures score otherwise than many of the same kind. So both are measured at one
    count as well: `value_at_floor_count` of the first generated pictures stands beside `floor`.
    """
    count = evidence.counts.floor
    whole = _measured(measure, evidence.generated)
    results: dict[str, Result] = {key: told(estimate) for key, estimate in whole.items()}
    if count_matters:
        alone = count == len(evidence.generated)
        alike = whole if alone else _measured(measure, evidence.generated.first(count))
        for key, estimate in alike.items():
            results[key]["value_at_floor_count"] = estimate.value
    try:
        floor = _measured(measure, evidence.heldout.spread(count))
    except Absent as absent:
        for result in results.values():
            result["floor"] = {"absent": str(absent)}
    else:
        for key, estimate in floor.items():
            of_floor = told(estimate)
            results[key] |= {"floor": of_floor["value"], "floor_low": of_floor["low"], "floor_high": of_floor["high"]}
    return results


def told(estimate: Estimate) -> Result:
    """`value`, `low`, `high`, what else belongs to it and `replicates`; a bound that is no number is none at all."""
    with np.errstate(all="ignore"):
        interval = estimate.interval()
    low, high = (bound if math.isfinite(bound) else None for bound in (interval.low, interval.high))
    return {"value": estimate.value, "low": low, "high": high, **estimate.more, "replicates": list(interval.replicates)}


def _measured(measure: Callable[[Seen], Mapping[str, Estimate]], seen: Seen) -> Mapping[str, Estimate]:
    """The results; Absent where they cannot be had or are no finite numbers."""
    try:
        with np.errstate(all="ignore"):  # an overflow comes out as infinity, and is said below
            results = measure(seen)
    except np.linalg.LinAlgError as error:
        raise Absent(f"{seen.name} have features that linear algebra fails on: {error}") from None
    for key, estimate in results.items():
        for name, number in {"value": estimate.value, **estimate.more}.items():
            if not math.isfinite(number):
                raise Absent(f"the {name} of {key} came out as {number} for {seen.name}")
    return results


def jackknifed(
    measure: Callable[[Seen], float], seen: Seen, *, lowest: float = -math.inf, highest: float = math.inf
) -> Estimate:
    """The number, and its interval by measuring anew without each group: for measures that cost little."""

    def interval() -> Interval:
        replicates = [measure(seen.without(group)) for group in range(groups_of(len(seen)))]
        return jackknife(value, replicates, lowest=lowest, highest=highest)

    value = measure(seen)
    return Estimate(value, interval)


def finite(values: Tensor, *, what: str, seen: Seen) -> Tensor:
    """The values themselves; Absent where one of them is no finite number."""
    if not bool(torch.isfinite(values).all()):
        raise Absent(f"the {what} of {seen.name} are not all finite numbers")
    return values


def comparable(seen: Seen) -> Features:
    """The set's features; Absent where they are not finite."""
    return finite(seen.features, what="features", seen=seen)


def radii(seen: Seen, k: int, device: torch.device) -> Float64[Tensor, " n"]:
    """How far each picture's k-th nearest other one of the set is; the features must be comparable."""

    def found() -> Float64[Tensor, " n"]:
        return nearest(seen.features, seen.features, k, device=device, among_themselves=True).distances[:, -1]

    return found() if seen.keep is None else seen.keep(f"distance of the nearest other, number {k}", found)


def reference(seen: Seen) -> Features:
    """The features of a set to compare with; Absent where they are not finite or hold no variety at all."""
    features = comparable(seen)
    if bool((features == features[0]).all()):
        raise Absent(f"{seen.name} all look the same to the extractor, so there is no variety to compare with")
    return features
