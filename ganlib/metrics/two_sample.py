"""Classifier two-sample test (Lopez-Paz & Oquab 2017): can anything learn to tell generated from training pictures?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor

from ..components import component
from ..randomness import Purpose, stream
from ..uncertainty import Estimate, Interval, groups_of, share
from . import Counts, Evidence, Metric, Result, Seen, beside_floor, comparable, reference

MOST = 10_000
"""Pictures of each side, which bounds the cost."""
WIDTHS = (0.03, 0.1, 0.3, 1.0)
"""Of the kernels, as shares of the median distance: narrow ones see a mode's width, wide ones which modes there are."""
WAVES = 512
"""Random features of each kernel."""
DECAY = 1e-4
"""Weight of half the squared weights beside the mean loss."""
PAIRS = 1_000
"""Pairs of pictures that the median distance is taken over."""
STEPS = 200

Rows = Float64[Tensor, "rows features"]


@component
class TwoSampleTest(Metric):
    """Accuracy on pictures held back from the learner: one half where nothing tells them apart, 1 where all does.

    As many training pictures as generated ones, MOST at most, half of each to learn from. The learner is logistic
    regression, in float64, on the extractor's features, each of mean 0 and variance 1, and on random Fourier features
    of four Gaussian kernels (Rahimi & Recht 2007): it has one best answer, and sees modes that a straight cut does
    not. `p_value`: how often so many would be right, had the pictures held back been labelled by chance (Fisher's
    exact test, one-sided). More pictures teach more, hence the value at the floor's count. An extractor that was
    trained on the training pictures may tell these from held-out ones too: the floor says so. An accuracy well below
    one half comes of generated pictures that are copies of training ones.
    """

    results: ClassVar[tuple[str, ...]] = ("c2st",)
    seed: int
    """Draws which pictures are learned from, and the random features."""

    def obstacles(self, counts: Counts) -> list[str]:
        """One picture of each kind to learn from, and one to be told."""
        few = {"sample.n": counts.generated, "data.heldout_share": counts.heldout}
        return [
            f"c2st needs two pictures of each kind and {name} gives {count}; raise {name}."
            for name, count in few.items()
            if count < 2
        ]

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`c2st`: the accuracy, its `p_value`, and `samples`, how many pictures were held back of both sides."""
        train = reference(evidence.train)
        device = torch.device("cpu") if evidence.behind is None else evidence.behind.device

        def told_apart(seen: Seen) -> Mapping[str, Estimate]:
            return {"c2st": self._told_apart(comparable(seen), train, device)}

        return beside_floor(told_apart, evidence, count_matters=True)

    def _told_apart(
        self, pictures: Float32[Tensor, "n features"], train: Float32[Tensor, "m features"], device: torch.device
    ) -> Estimate:
        count = min(len(pictures), len(train), MOST)
        random = stream(self.seed, Purpose.TWO_SAMPLE)
        # By chance: rows may come in the order of their classes, or in turns of them.
        ours, theirs = (torch.from_numpy(random.permutation(len(side))[:count]) for side in (pictures, train))
        sides = [side[rows].to(device, torch.float64) for side, rows in ((pictures, ours), (train, theirs))]
        half = count // 2
        learner = learn(torch.cat([side[:half] for side in sides]), half, random)
        said, said_of_train = (learner.says_generated(side[half:]).cpu() for side in sides)
        held_back = count - half
        right, right_of_train = int(said.sum()), int((~said_of_train).sum())

        def interval() -> Interval:
            return share(
                right + right_of_train, 2 * held_back, _replicates(said, right_of_train, ours[half:], len(pictures))
            )

        more = {"p_value": by_chance(right, right_of_train, held_back), "samples": 2.0 * held_back}
        return Estimate((right + right_of_train) / (2 * held_back), interval, more)


def _replicates(
    said: Bool[Tensor, " held_back"], right_of_train: int, pictures: Int64[Tensor, " held_back"], n: int
) -> list[float]:
    """The accuracy without each group of generated pictures, by what was learned with all: both sides weigh alike."""
    places = pictures % groups_of(n)
    rests = [said[places != group] for group in range(groups_of(n))]
    if not all(len(rest) for rest in rests):
        return []
    return [(float(rest.double().mean()) + right_of_train / len(said)) / 2 for rest in rests]


@dataclass(frozen=True)
class Learner:
    """A logistic regression and what it looks at."""

    mean: Float64[Tensor, " features"]
    std: Float64[Tensor, " features"]
    directions: Float64[Tensor, "features waves"]
    phases: Float64[Tensor, " waves"]
    weights: Float64[Tensor, " columns"]

    def columns(self, rows: Rows) -> Float64[Tensor, "rows columns"]:
        """Features, waves and a constant; features together weigh as much as the waves of a kernel."""
        scaled = (rows - self.mean) / self.std
        waves = torch.cos(scaled @ self.directions + self.phases) * (2 / WAVES) ** 0.5
        return torch.cat([scaled / scaled.shape[1] ** 0.5, waves, torch.ones_like(scaled[:, :1])], dim=1)

    def says_generated(self, rows: Rows) -> Bool[Tensor, " rows"]:
        """Its opinion of each picture."""
        return self.columns(rows) @ self.weights > 0


def learn(rows: Rows, generated: int, random: np.random.Generator) -> Learner:
    """Fitted to rows of which the first `generated` are such; the random features are drawn from `random`."""
    mean, std = rows.mean(dim=0), rows.std(dim=0, correction=0)
    std = std.where(std > 0, 1.0)
    scaled = (rows - mean) / std
    one, other = (torch.from_numpy(random.integers(len(rows), size=PAIRS)).to(rows.device) for _ in range(2))
    distances = (scaled[one] - scaled[other]).norm(dim=1)
    distances = distances[distances > 0]
    median = float(distances.median()) if len(distances) else 1.0
    drawn = random.standard_normal((rows.shape[1], len(WIDTHS) * WAVES)) / np.repeat(WIDTHS, WAVES) / median
    phases = random.uniform(0, 2 * np.pi, len(WIDTHS) * WAVES)
    at_first = torch.zeros(rows.shape[1] + len(phases) + 1, dtype=torch.float64, device=rows.device)
    directions, turns = (torch.from_numpy(part).to(rows.device) for part in (drawn, phases))
    looks = Learner(mean, std, directions, turns, at_first)
    signs = torch.ones(len(rows), dtype=torch.float64, device=rows.device)
    signs[generated:] = -1
    return replace(looks, weights=_fitted(looks.columns(rows), signs))


def _fitted(columns: Float64[Tensor, "rows columns"], signs: Float64[Tensor, " rows"]) -> Float64[Tensor, " columns"]:
    """The weights of the least mean logistic loss, with the decay; the last column, a constant, is free of it."""
    weights = torch.zeros(columns.shape[1], dtype=torch.float64, device=columns.device, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.softplus(-signs * (columns @ weights)).mean() + DECAY / 2 * weights[:-1].square().sum()
        torch.autograd.backward(value)
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach()


def by_chance(right: int, right_of_train: int, held_back: int) -> float:
    """Fisher's exact test: the chance that, of as many pictures called generated, so many or more are."""
    from scipy.stats import hypergeom

    called = right + held_back - right_of_train
    return float(hypergeom.sf(right - 1, 2 * held_back, held_back, called))
