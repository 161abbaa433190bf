"""A project as a retraining finds it: settings, source and data of the place where the stages will run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from ganlib.settings import Settings
from pipelines import params

from . import decision, sources, tasks, turns, worktree
from .decision import Decision, Done
from .judgement import Commands
from .stages import Stages
from .worktree import Place

Fetch = Literal["nothing", "pull", "update"]
FETCHED: Mapping[Fetch, Sequence[str]] = {
    "nothing": ("checkout", "--force"), "pull": ("pull", "--force"), "update": ("update",),
}  # fmt: skip
"""DVC's commands."""


@dataclass(frozen=True)
class View:
    """The user's folder, and the place where its commit is trained."""

    project: Path
    place: Place

    @property
    def state(self) -> Path:
        """Where retraining keeps what it has to remember."""
        return worktree.state_folder(self.project)

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Of all that a retraining starts."""
        return {**os.environ, **turns.marked(self.state), **worktree.environment(self.project)}

    @cached_property
    def settings(self) -> Settings | None:
        """None in a project without params.yaml; UserError where it cannot be used."""
        file = self.place.folder / "params.yaml"
        theirs = self.place.commit is None or self.place.dirty
        called = str(self.project / "params.yaml") if theirs else f"params.yaml of {self.place.words()}"
        return params.load(file, called=called) if file.is_file() else None

    def lend_data(self) -> None:
        """A relative path in the settings leads to the user's own pictures, where neither git nor DVC has them."""
        if self.settings is not None and self.place.folder != self.project:
            worktree.lend_data(self.place, self.project, self.settings.data)

    def fetch(self, stages: Stages, how: Fetch) -> None:
        """Brings the data that DVC holds, where the commit names any; Failure where they are not to be had."""
        held = worktree.tracked_data(self.place.folder) if self.place.commit is not None else []
        if not held:
            return
        command = [*FETCHED[how], *held]
        if how == "nothing":
            stages.dvc(*command)
        else:
            tasks.outcome("fetch", tasks.fetch(stages, command, return_state=True))

    def decide(self, stages: Stages, commands: Commands, forced: Sequence[str], max_age_days: float | None) -> Decision:
        """Whether there is anything to do, and why."""
        why = decision.decide(stages.changes(), decision.read(self.state), self._present(), forced)
        if why or max_age_days is None or self.settings is None:
            return why
        age = commands.champion_days(self.settings.publish.model)
        if age is None or age <= max_age_days:
            return why
        return Decision({f"the champion is {age:.1f} days old": []})

    def remember(self) -> None:
        """To be called when everything is published, and compared: the next run has nothing to do."""
        decision.write(self.state, self._present())

    def _present(self) -> Done:
        data = None if self.settings is None else self.settings.data
        source = None if data is None or sources.is_watched(data) else sources.digest(self.project, data)
        return decision.now(self.place, os.environ.get("MLFLOW_TRACKING_URI", ""), source)
