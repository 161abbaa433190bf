"""Frechet distance class by class (Miyato & Koyama 2018 call its mean intra-FID): lower is better."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch

from ..components import component
from ..moments import Moments, frechet_distance
from ..uncertainty import GROUPS, Estimate, Interval, groups_of, jackknife
from . import Absent, Counts, Evidence, Metric, Result, Seen, comparable, reference, told
from ._by_class import Rows, class_names, labelled, rows_of_classes

FEWEST = 2
"""Pictures of a class on each side, of which there must be a covariance."""
DEAREST = 1e12
"""Multiplications for one number of each class, and for an interval: what takes more (some minutes) is left out."""


@component
class ClassFrechetDistance(Metric):
    """The mean over classes of the distance between a class's generated pictures and its training pictures.

    A generator that mixes classes up, or has only one picture for each, may have a good FID but not this. Of a class
    there are few pictures: with fewer than features the covariance is not of full rank and the distance much too
    great, for real pictures too. So each class is compared with its floor at the lesser of both counts, and
    `value_at_floor_count` and `floor` are means over the same classes. Means and covariances are in float64.
    """

    results: ClassVar[tuple[str, ...]] = ("class_fid",)

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - see the interface
        """None: a class with too few pictures is absent by name."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`class_fid`: the means, `worst` of the classes, and `classes`, a list with the numbers of each."""
        classes = _classes(evidence)
        try:
            comparable(evidence.heldout)
            floors = any(each.enough and each.floor_count >= FEWEST for each in classes)
            no_floor = None if floors else "no class has two held-out pictures"
        except Absent as absent:
            no_floor = str(absent)
        # One class after another: covariances of all of them at once may be more than fits into memory.
        measured = [each.measured(floor=no_floor is None) for each in classes]
        fids = [each for each in measured if "fid" in each.numbers]
        value, interval = _mean(fids, "fid")
        more = {"classes_measured": float(len(fids)), "features": float(evidence.train.features.shape[1])}
        result = told(Estimate(value, lambda: interval, more))
        worst = max((each.numbers for each in fids), key=lambda numbers: float(numbers["fid"]))
        result |= {"worst": {"class": worst["class"], "fid": worst["fid"]}}
        result |= _floor(measured) if no_floor is None else {"floor": {"absent": no_floor}}
        return {"class_fid": {**result, "classes": [each.numbers for each in measured]}}


@dataclass(frozen=True)
class Measured:
    """What is said of a class."""

    numbers: dict[str, Any]
    replicates: Mapping[str, Sequence[float]]
    """By the name of the number: the same without each group; empty where that cannot be had."""


@dataclass(frozen=True)
class OneClass:
    """A class's pictures in each set."""

    name: str
    evidence: Evidence
    generated: Rows
    train: Rows
    heldout: Rows
    sure: bool
    """Whether intervals can be paid for."""

    @property
    def enough(self) -> bool:
        """Whether there is a distance at all."""
        return min(len(self.generated), len(self.train)) >= FEWEST

    @property
    def floor_count(self) -> int:
        """At how many pictures generated and held-out ones are compared like with like."""
        return min(len(self.generated), len(self.heldout))

    def measured(self, *, floor: bool) -> Measured:
        """The class's entry in the table; Absent where a distance is no finite number."""
        sets = {"generated": len(self.generated), "train": len(self.train), "heldout": len(self.heldout)}
        numbers: dict[str, Any] = {"class": self.name, **sets}
        if not self.enough:
            counts = f"{sets['generated']} generated and {sets['train']} training pictures"
            return Measured({**numbers, "absent": f"there are {counts} of it, and it takes two of each"}, {})
        made, held, count = self.evidence.generated, self.evidence.heldout, self.floor_count
        real = _moments(self.evidence.train, self.train)
        numbers["fid"] = self._distance(made, self.generated, real)
        replicates = {"fid": self._replicates(made, self.generated, real)}
        if floor and count >= FEWEST:
            kept = self.heldout[torch.arange(count) * len(self.heldout) // count]
            numbers["floor_count"] = count
            numbers["fid_at_floor_count"] = self._distance(made, self.generated[:count], real)
            numbers["floor"] = self._distance(held, kept, real)
            replicates["floor"] = self._replicates(held, kept, real)
        return Measured(numbers, replicates)

    def _distance(self, seen: Seen, rows: Rows, real: Moments) -> float:
        try:
            with np.errstate(all="ignore"):  # an overflow comes out as infinity, and is said below
                distance = frechet_distance(_moments(seen, rows), real)
        except np.linalg.LinAlgError as error:
            raise Absent(f"{seen.name} have features that linear algebra fails on: {error}") from None
        if not math.isfinite(distance):
            raise Absent(f"the value of class_fid came out as {distance} for class {self.name} of {seen.name}")
        return distance

    def _replicates(self, seen: Seen, rows: Rows, real: Moments) -> list[float]:
        groups = groups_of(len(seen))
        rests = [rows[rows % groups != group] for group in range(groups)]
        if not self.sure or any(len(rest) < FEWEST for rest in rests):
            return []
        return [self._distance(seen, rest, real) for rest in rests]


def _moments(seen: Seen, rows: Rows) -> Moments:
    # The float32 mean is for torch-fidelity's numbers, and depends on the order of the pictures.
    return replace(Moments.of(seen.features[rows]), published_mean=None)


def _classes(evidence: Evidence) -> list[OneClass]:
    """Absent where not one of them has enough pictures, or where they would take too long."""
    generated, train = labelled(evidence.generated), labelled(evidence.train)
    comparable(evidence.generated)
    features = reference(evidence.train).shape[1]
    names = class_names(evidence)
    sides = [rows_of_classes(labels, len(names)) for labels in (generated, train, evidence.heldout.labels)]
    rows = list(zip(names, *sides, strict=True))
    ranks = [min(len(made), len(shown), features) for _, made, shown, _ in rows]
    if max(ranks) < FEWEST:
        raise Absent("no class has two generated and two training pictures")
    work = sum(ranks) * features**2
    # Generated pictures, the same at the floor's count, and held-out ones.
    if 3 * work > DEAREST:
        raise Absent(f"distances of {len(names)} classes in {features} features would take too long")
    sure = GROUPS * work <= DEAREST
    return [OneClass(name, evidence, made, shown, kept, sure) for name, made, shown, kept in rows]


def _floor(measured: Sequence[Measured]) -> Result:
    both = [each for each in measured if "floor" in each.numbers]
    floor, interval = _mean(both, "floor")
    of_floor = told(Estimate(floor, lambda: interval))
    return {
        "value_at_floor_count": _mean(both, "fid_at_floor_count")[0],
        "floor": of_floor["value"],
        "floor_low": of_floor["low"],
        "floor_high": of_floor["high"],
    }


def _mean(classes: Sequence[Measured], name: str) -> tuple[float, Interval]:
    """Over classes, and how sure it is: not at all where one class has no replicates."""
    value = math.fsum(each.numbers[name] for each in classes) / len(classes)
    sets = [each.replicates.get(name, ()) for each in classes]
    replicates = [math.fsum(of_group) / len(classes) for of_group in zip(*sets, strict=True)] if all(sets) else []
    return value, jackknife(value, replicates, lowest=0)
