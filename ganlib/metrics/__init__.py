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
from torch import Tensor

from .. import components
from ..features import ClassLogits, Features
from ..settings import EvaluateSettings
from ..shapes import Logits

Numbers: TypeAlias = dict[str, float]
Result: TypeAlias = dict[str, Any]
"""Numbers by name, or `{"absent": reason}`."""


class Absent(Exception):  # noqa: N818 - not an error: the message is the result
    """A metric cannot be computed from these pictures; the message is the reason, without a full stop."""


@dataclass(frozen=True)
class Seen:
    """A set of pictures as the networks saw it; row i of everything belongs to picture i."""

    name: str
    """How messages call the set: `the generated pictures`."""
    features: Features
    class_logits: ClassLogits
    realness: Logits | None
    """The discriminator's logits; none where there is no discriminator."""

    def __len__(self) -> int:
        return len(self.features)

    def first(self, count: int) -> "Seen":
        """The set's first pictures."""
        return self._rows(torch.arange(count))

    def spread(self, count: int) -> "Seen":
        """`count` pictures evenly spread over the set: of all classes even where it is in their order."""
        return self._rows(torch.arange(count) * len(self) // count)

    def _rows(self, rows: Tensor) -> "Seen":
        realness = None if self.realness is None else self.realness[rows]
        return Seen(self.name, self.features[rows], self.class_logits[rows], realness)


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
class Evidence:
    """Everything that metrics are computed from."""

    generated: Seen
    train: Seen
    """The reference."""
    heldout: Seen
    """Real pictures that nothing was trained on: what they score is the floor."""

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
    """Every metric of this folder, with its settings."""
    metrics = []
    for name in components.names(__name__.rsplit(".", 1)[-1]):
        module = importlib.import_module(f".{name}", __name__)
        leaf = components.only_leaf(vars(module).values(), Metric, module.__name__)
        options = {field.name: getattr(settings, field.name) for field in fields(cast("type", leaf))}
        metrics.append(leaf(**options))
    return metrics


def beside_floor(
    measure: Callable[[Seen], Mapping[str, Numbers]], evidence: Evidence, *, count_matters: bool
) -> dict[str, Result]:
    """What `measure` finds in the generated pictures, and in the held-out ones: the floor.

    Where `count_matters`, few pictures score otherwise than many of the same kind. So both are measured at one
    count as well: `value_at_floor_count` of the first generated pictures stands beside `floor`.
    """
    count = evidence.counts.floor
    whole = _measured(measure, evidence.generated)
    results: dict[str, Result] = {key: dict(numbers) for key, numbers in whole.items()}
    if count_matters:
        alone = count == len(evidence.generated)
        alike = whole if alone else _measured(measure, evidence.generated.first(count))
        _add(results, alike, lambda name: f"{name}_at_floor_count")
    try:
        floor = _measured(measure, evidence.heldout.spread(count))
    except Absent as absent:
        for result in results.values():
            result["floor"] = {"absent": str(absent)}
    else:
        _add(results, floor, lambda name: "floor" if name == "value" else f"floor_{name}")
    return results


def _add(results: dict[str, Result], more: Mapping[str, Numbers], rename: Callable[[str], str]) -> None:
    for key, numbers in more.items():
        results[key] |= {rename(name): number for name, number in numbers.items()}


def _measured(measure: Callable[[Seen], Mapping[str, Numbers]], seen: Seen) -> Mapping[str, Numbers]:
    """The results; Absent where they cannot be had or are no finite numbers."""
    try:
        with np.errstate(all="ignore"):  # an overflow comes out as infinity, and is said below
            results = measure(seen)
    except np.linalg.LinAlgError as error:
        raise Absent(f"{seen.name} have features that linear algebra fails on: {error}") from None
    for key, numbers in results.items():
        for name, number in numbers.items():
            if not math.isfinite(number):
                raise Absent(f"the {name} of {key} came out as {number} for {seen.name}")
    return results


def finite(values: Tensor, *, what: str, seen: Seen) -> Tensor:
    """The values themselves; Absent where one of them is no finite number."""
    if not bool(torch.isfinite(values).all()):
        raise Absent(f"the {what} of {seen.name} are not all finite numbers")
    return values


def comparable(seen: Seen) -> Features:
    """The set's features; Absent where they are not finite."""
    return finite(seen.features, what="features", seen=seen)


def reference(seen: Seen) -> Features:
    """The features of a set to compare with; Absent where they are not finite or hold no variety at all."""
    features = comparable(seen)
    if bool((features == features[0]).all()):
        raise Absent(f"{seen.name} all look the same to the extractor, so there is no variety to compare with")
    return features
