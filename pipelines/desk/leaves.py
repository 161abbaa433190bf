"""The pages of the project that there may be: where each is, what it tells, and how to make it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from ganlib.desk_page import Leaf, Said

from .. import paths


@dataclass(frozen=True)
class Bound(Leaf):
    """A page and its file."""

    path: Path
    way: str
    """What to type for it."""

    def said(self) -> Said:
        """Whether it is there, and when it was written."""
        try:
            written = self.path.stat().st_mtime
        except OSError:
            return Said(False, f"not there yet: `{self.way}`")
        return Said(True, f"written {clock(written)}")


LEAVES = (
    Bound("/data.html", "Data", "What became of the files, classes, duplicates, and who is held out",
          paths.DATA_CARD, "dvc repro prepare"),
    Bound("/training.html", "Training", "The last finished one: its pictures over time, curves and warnings",
          paths.TRAINING_PAGE, "dvc repro train"),
    Bound("/evaluation.html", "Evaluation", "What the numbers mean, each with its interval and its floor; copies",
          paths.EVALUATION_PAGE, "dvc repro"),
    Bound("/compare.html", "Comparison", "Generators side by side from the same latents, and which is better",
          paths.COMPARISON_PAGE, "ganlib compare champion challenger"),
    Bound("/sweep.html", "Sweep", "Several settings and seeds, the best first",
          paths.SWEEP_PAGE, "python -m pipelines.flows.sweep --param train.seed=0..2"),
    Bound("/game.html", "Game", "The game of 2014 played out, with sliders",
          paths.GAME_PAGE, "ganlib game"),
)  # fmt: skip


def clock(seconds: float) -> str:
    """A moment since 1970 as people here say it: today at 14:03, yesterday at 14:03, 3 March 2026 at 14:03."""
    moment = datetime.fromtimestamp(seconds).astimezone()
    today = date.today()
    if moment.date() in (today, today - timedelta(days=1)):
        day = "today" if moment.date() == today else "yesterday"
    else:
        day = f"{moment.day} {moment:%B %Y}"
    return f"{day} at {moment:%H:%M}"
