"""Which generator of a training is kept: the averaged one with the best score so far, where scores are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from .bundle import Chosen
from .distributed import Team
from .game import Game
from .rules import Rules
from .settings import images_of

SIGNS = {"fid": -1.0, "precision": 1.0, "recall": 1.0}
"""The scores: columns of the history, each with 1 where higher is better and -1 where lower is."""

History: TypeAlias = list[dict[str, float]]
Scores: TypeAlias = dict[str, float]
Scorer: TypeAlias = Callable[[Game, Callable[[], bool]], Scores | None]
"""Gives every one of `SIGNS` to a game's averaged generator, the same numbers to the same weights. It asks every few
seconds whether it should stop, and gives nothing where it should."""


def interval_ended(every_kimg: float, before: int, now: int, total: int) -> bool:
    """Whether an interval, or the training, ended between `before` and `now` images seen."""
    every = images_of(every_kimg)
    return before // every < now // every or now >= total


@dataclass(frozen=True)
class Selection:
    """When generators are scored, how, and by which score the best is kept.

    Scoring is the last thing that happens at its moment, after the history's row and the checkpoint. Whether it is
    still owed can be read off the history, so a training that was stopped in between makes up for it first.
    """

    every_kimg: float
    by: str
    """One of `SIGNS`."""
    samples: int
    """How many pictures of each generator are looked at."""
    scorer: Scorer | None = None
    """Needed in the first process alone."""
    through: str = ""
    """The extractor's name, with the beginning of its digest."""

    def owed(self, game: Game, rules: Rules) -> bool:
        """Whether the averaged generator as it is should have been scored and was not."""
        now, last = game.images_seen, game.history[-1] if game.history else {}
        before = now - rules.settings.batch_size * rules.settings.discriminator_steps
        due = interval_ended(self.every_kimg, before, now, rules.total)
        return due and last.get("images_seen") == now and self.by not in last

    def scores(self, game: Game, team: Team, stop: Callable[[], bool]) -> Scores | None:
        """What the first process finds, in every process; none in any of them where it was asked to stop."""

        def asked_to_stop() -> bool:
            team.anyone(True)  # "still at it": the others wait no longer than until the next time this is called
            return stop()

        found: Scores | None = {}
        if team.rank == 0:
            assert self.scorer is not None
            found = self.scorer(game, asked_to_stop)
        while team.anyone(False):
            pass
        if team.anyone(found is None) or found is None:
            return None
        if team.size == 1:
            return found
        told = torch.tensor([found.get(name, 0.0) for name in SIGNS], dtype=torch.float64)
        return dict(zip(SIGNS, team.gathered(told)[0].tolist(), strict=True))

    def best(self, history: History) -> dict[str, float]:
        """The row with the best score; of equally good ones the earliest."""
        return max(self.looked_at(history), key=lambda row: SIGNS[self.by] * row[self.by])

    def looked_at(self, history: History) -> History:
        """The rows that have scores."""
        return [row for row in history if self.by in row]

    def verdict(self, history: History) -> str:
        """The newest scores beside the best, as a sentence."""
        last, best, looks = history[-1], self.best(history), len(self.looked_at(history))
        said = ", ".join(f"{name} {last[name]:.4g}" for name in SIGNS)
        if best is last:
            rank = f"the best {self.by} of {looks} so far"
        else:
            rank = f"the best {self.by} of {looks} so far is {best[self.by]:.4g}, at {best['images_seen']:,} images"
        return f"At {last['images_seen']:,} images: {said}; {rank}."

    def in_short(self, history: History) -> str | None:
        """The newest score and the best, for a progress bar; none before there is one."""
        if not (rows := self.looked_at(history)):
            return None
        return f"{self.by}={rows[-1][self.by]:.4g}, best={self.best(history)[self.by]:.4g}"

    def chosen(self, history: History) -> Chosen:
        """What is to be said of the generator that was kept."""
        return Chosen(
            by=self.by,
            score=self.best(history)[self.by],
            of=len(self.looked_at(history)),
            through=self.through,
            samples=self.samples,
            trained_to=int(history[-1]["images_seen"]),
        )
