"""What came of a retraining: as which version it is published, and how that compares with the champion."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipelines.repository import run

from .stages import Failure, run_command

Policy = Literal["auto", "ask", "never"]
CLI = (sys.executable, "-m", "pipelines.cli")
CHAMPION = "champion"
NOT_PROMOTED = 1
DAY_SECONDS = 86_400.0
MOST_VERSIONS = "1000"


@dataclass(frozen=True)
class Published:
    """The generator in MLflow."""

    run_name: str
    page: str
    """Of its run in MLflow's pages."""
    model: str | None = None
    version: str | None = None
    """None where it is not registered."""
    aliases: Sequence[str] = ()

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.model} version {self.version}"


@dataclass(frozen=True)
class Judgement:
    """The generator beside the champion."""

    says: str
    """One sentence for people: what was decided."""
    worthy: bool = False
    """Whether the verdict is to promote."""
    moved: bool = False
    champion: int | None = None
    """The version that was champion before."""
    checks: Sequence[Mapping[str, Any]] = ()
    """As `pipelines.verdicts.Check`."""


class Commands:
    """The `ganlib` command in the folder where the stages ran, with its code; what it says goes to `say`."""

    def __init__(self, folder: Path, say: Callable[[str], None], environment: Mapping[str, str]) -> None:
        self._folder, self._say, self._environment = folder, say, environment

    def sync(self) -> Published:
        """Completes run and registry; Failure where the store is away."""
        answer = self._json("sync")
        run, page = answer["run_name"], answer["page"]
        return Published(run, page, answer["model"], answer["version"], tuple(answer["aliases"]))

    def judge(self, published: Published, *, moving: bool) -> Judgement:
        """Beside the champion; with `moving` it takes that one's place where the verdict is to promote."""
        if published.version is None:
            return Judgement("It is not registered, so there is nothing to compare.")
        if CHAMPION in published.aliases:
            return Judgement(f"{published.name} is champion already.")
        answer = self._json("promote", str(published.version), *([] if moving else ["--dry-run"]))
        verdict = answer["verdict"] or {}
        champion = answer["champion"]
        against = "held-out pictures, for there is no champion" if champion is None else f"version {champion}"
        title = verdict.get("title", f"not judged: {answer['unjudged']}")
        became = f" It is {CHAMPION} now." if answer["moved"] else ""
        return Judgement(
            says=f"{published.name} against {against}: {title}.{became}",
            worthy=verdict.get("outcome") == "promote",
            moved=answer["moved"],
            champion=champion,
            checks=verdict.get("checks", ()),
        )

    def champion_days(self, model: str) -> float | None:
        """How old the champion's version is; None where there is none."""
        command = [*CLI, "models", model, "--json", "--limit", MOST_VERSIONS]
        known = json.loads(run(command, folder=self._folder, environment=self._environment))
        born = [datetime.fromisoformat(one["time"]) for one in known if CHAMPION in one["aliases"]]
        return (datetime.now(UTC) - born[0]).total_seconds() / DAY_SECONDS if born else None

    def _json(self, *arguments: str) -> dict[str, Any]:
        """The JSON that is the command's last line; it goes to no log."""
        heard: list[str] = []

        def hear(line: str) -> None:
            if line.startswith("{"):
                heard.append(line)
            else:
                self._say(line)

        command = [*CLI, *arguments, "--json"]
        try:
            run_command(command, folder=self._folder, say=hear, environment=self._environment)
        except Failure as failed:
            if failed.code != NOT_PROMOTED or not heard:
                raise
        if not heard:
            raise Failure(f"ganlib {arguments[0]} gave no answer; see the log.", NOT_PROMOTED)
        answer: dict[str, Any] = json.loads(heard[-1])
        return answer
