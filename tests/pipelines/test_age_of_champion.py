"""A champion that is older than wished is challenged even where nothing has changed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow_project import Project
from planted import plant, unchanged
from typer.testing import CliRunner

from ganlib.settings import parse
from pipelines.cli import app
from pipelines.flows import decision
from pipelines.flows.judgement import Commands
from pipelines.flows.view import View
from pipelines.flows.worktree import Place


def test_the_registry_knows_how_old_a_champion_is(points: Project) -> None:
    commands = Commands(Path.cwd(), print, {})
    version = plant(points, 0, unchanged)
    assert commands.champion_days("pictures") is None, "there is no champion"
    CliRunner().invoke(app, ["promote", version, "--force", "--why", "the first"])
    age = commands.champion_days("pictures")
    assert age is not None
    assert 0 < age < 1 / 24


@pytest.mark.parametrize(
    ("age", "most", "changes", "reasons"),
    [
        (31.2, 30, {}, "the champion is 31.2 days old"),
        (29, 30, {}, ""),
        (None, 30, {}, ""),
        (31, None, {}, ""),
        (31, 30, {"train": ["changed command"]}, "code changed (train: changed command)"),
    ],
)
def test_an_old_champion_is_a_reason_where_there_is_no_other(
    tmp_path: Path, age: float | None, most: float | None, changes: dict[str, Any], reasons: str
) -> None:
    view = View(tmp_path, Place(tmp_path))
    vars(view)["settings"] = parse({}, where="test")
    decision.write(view.state, decision.now(view.place, "", None))
    stages: Any = SimpleNamespace(changes=lambda: changes)
    commands: Any = SimpleNamespace(champion_days=lambda _: age)
    assert view.decide(stages, commands, (), most).words() == reasons
