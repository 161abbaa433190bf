"""Who plays whom: the games of each layout. They differ by what their names say and by nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import components
from ..bundle import Description
from ..datasets.gaussians import Layout
from ..latents import Distribution
from ..losses import GanLoss
from ..penalties import Penalty
from ..rules import Rules
from ..schedules import Schedule, value
from ..settings import TrainSettings, plain


@dataclass(frozen=True)
class Recipe:
    """One game, in the words of params.yaml."""

    layout: Layout
    key: str
    """For files and anchors."""
    name: str
    """For people."""
    loss: str
    rounds: int
    batch_size: int
    lr: float | Schedule
    penalty: str = "none"
    penalty_options: Mapping[str, Any] = field(default_factory=dict)
    discriminator_steps: int = 1
    beta1: float = 0.0
    width: int = 8
    seed: int = 0

    @property
    def dimensions(self) -> int:
        """Of the data, and of the latents that become it."""
        return 1 if self.layout == "line" else 2

    @property
    def images(self) -> int:
        """Real points that D is shown in all."""
        return self.rounds * self.batch_size * self.discriminator_steps

    def description(self) -> Description:
        """Perceptrons; on the line the latents are uniform, as in figure 1 of the paper: its arrows start evenly."""
        distribution: Distribution = "uniform" if self.layout == "line" else "normal"
        options = {"width": self.width, "depth": 3}
        return Description(
            "mlp", options, (self.dimensions, 1, 1), self.dimensions, distribution, (), 0, (), kind="points"
        )  # fmt: skip

    def rules(self) -> Rules:
        """The very components that a training of pictures has."""
        kimg = self.images / 1000
        settings = TrainSettings(
            seed=self.seed, kimg=kimg, batch_size=self.batch_size, lr=self.lr, beta1=self.beta1, conditional=False,
            discriminator_steps=self.discriminator_steps, log_every_kimg=kimg, grid_every_kimg=kimg,
            checkpoint_every_kimg=kimg,
        )  # fmt: skip
        return Rules(
            components.build(GanLoss, self.loss, {}, section="loss"),
            components.build(Penalty, self.penalty, dict(self.penalty_options), section="penalty"),
            settings,
        )

    def facts(self) -> list[tuple[str, str]]:
        """What it is played by, as params.yaml would say it."""
        lr = f"{self.lr.start:g} to {self.lr.end:g}" if isinstance(self.lr, Schedule) else f"{value(self.lr, 0):g}"
        return [
            ("loss.name", self.loss),
            ("penalty.name", self.penalty),
            ("train.discriminator_steps", str(self.discriminator_steps)),
            ("train.batch_size", str(self.batch_size)),
            ("train.lr", lr),
            ("rounds", f"{self.rounds:,}"),
        ]


def _line() -> tuple[Recipe, ...]:
    rounds, batch = 1000, 128
    one = Recipe(
        "line", "k-1", "k = 1", "non_saturating", rounds, batch,
        Schedule(start=1e-3, end=1e-4, over_kimg=rounds * batch / 1000), beta1=0.5, width=4,
    )  # fmt: skip
    more = 5
    slower = Schedule(start=1e-3, end=1e-4, over_kimg=more * rounds * batch / 1000)
    return (
        one,
        replace(one, key="k-5", name="k = 5", discriminator_steps=more, lr=slower),
        replace(one, key="saturating", name="k = 1, saturating", loss="minimax"),
    )


def _plane(layout: Layout, rounds: int, lr: float, gamma: tuple[float, float], *, width: int) -> tuple[Recipe, ...]:
    batch = 64
    minimax = Recipe(layout, "minimax", "minimax", "minimax", rounds, batch, lr, width=width)
    falling = Schedule(start=gamma[0], end=gamma[1], over_kimg=rounds * batch / 1000)
    cured = {"gamma": plain(falling)}
    return (
        minimax,
        replace(minimax, key="non-saturating", name="non-saturating", loss="non_saturating"),
        replace(minimax, key="r3", name="R3: relativistic, R1 + R2", loss="relativistic", penalty="r1_r2",
                penalty_options=cured),
    )  # fmt: skip


RECIPES: dict[str, tuple[Recipe, ...]] = {
    "line": _line(),
    "ring": _plane("ring", 1500, 4e-3, (0.1, 0.01), width=8),
    "grid": _plane("grid", 9_000, 2e-3, (1.0, 0.05), width=12),
}
"""The games that are played side by side, by layout; those of one layout share seed, latents and points."""
