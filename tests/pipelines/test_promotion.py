"""The champion is who was proven better, through the real command, real scores and a real store."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from mlflow_project import Project, everything_in_mlflow
from planted import broken, copier, equal, plant, unchanged, worse
from typer.testing import CliRunner, Result

from ganlib.errors import UserError
from pipelines import promotion, tracking
from pipelines.cli import app
from pipelines.cli.promote import _grounds
from pipelines.tracking import moves
from pipelines.tracking.history import Move


def run(*words: str) -> Result:
    """The command as a person types it."""
    return CliRunner().invoke(app, words)


def aliases() -> dict[str, int]:
    given = everything_in_mlflow()["aliases"]["pictures"]  # type: ignore[index]
    return {alias: int(number) for alias, number in given.items() if alias != "challenger"}


def test_planted_generators_get_what_they_deserve(points: Project) -> None:
    poor, copying, good, same = (plant(points, i, kind) for i, kind in enumerate((worse, copier, unchanged, equal)))

    first = run("promote", poor)
    assert (first.exit_code, "held-out pictures (there is no champion): reject (fid)" in first.output) == (1, True)
    first = run("promote", copying)
    assert (first.exit_code, "reject (memorisation)" in first.output) == (1, True)
    assert aliases() == {}

    refused = run("promote", poor, "--force")
    assert (refused.exit_code, "with its reason; say it" in refused.output) == (2, True)
    assert run("promote", poor, "--force", "--why", "there was none").exit_code == 0
    assert aliases() == {"champion": 1}

    better = run("promote", good)
    assert (better.exit_code, "version 3 against version 1: promote" in better.output) == (0, True), better.output
    assert "champion is version 3 now; version 1 is the previous one." in better.output
    for version, said in ((same, "inconclusive"), (copying, "reject (memorisation)"), (poor, "reject (fid)")):
        kept = run("promote", version)
        assert (kept.exit_code, said in kept.output, "Nothing was changed" in kept.output) == (1, True, True)
    assert aliases() == {"champion": 3, "previous": 1}
    assert "is champion already" in run("promote", "champion").output

    told = run("history").output
    assert told.index("1 -> 3") < told.index("none -> 1"), "the newest comes first"
    assert '"there was none"' in " ".join(told.replace("│", " ").split())
    _evidence_is_kept(points)
    _goes_back_and_forth()
    _is_deleted_only_where_nobody_needs_it(copying)


def _evidence_is_kept(points: Project) -> None:
    with tracking.opened() as store:
        record = moves.settled(store, "pictures").records[-1]
        evidence = record.move.evidence
        assert evidence is not None
        run_id = store.client.get_model_version("pictures", "3").run_id
        text = store.client.download_artifacts(run_id, evidence["file"], str(points.folder))
    content = Path(text).read_bytes()
    assert sha256(content).hexdigest() == evidence["sha256"]
    whole = json.loads(content)
    assert whole["verdict"]["title"] == record.move.verdict == "promote"
    assert [len(reports) for reports in whole["reports"]] == [3, 3]
    assert len(evidence["worse_by"]) == 3


def _goes_back_and_forth() -> None:
    back = run("rollback")
    assert (back.exit_code, "champion is version 1 again" in back.output) == (0, True), back.output
    assert aliases() == {"champion": 1, "previous": 3}
    assert run("rollback", "--why", "a mistake").exit_code == 0
    assert aliases() == {"champion": 3, "previous": 1}
    assert "rollback" in run("history").output


def _is_deleted_only_where_nobody_needs_it(unused: str) -> None:
    for name in ("champion", "previous", "challenger"):
        kept = run("delete", name, "--yes")
        assert (kept.exit_code, name in kept.output) == (2, True), kept.output
    kept = run("delete", unused)
    assert (kept.exit_code, f"ganlib delete {unused} --yes" in kept.output) == (2, True)
    assert len(everything_in_mlflow()["versions"]) == 4  # type: ignore[arg-type]
    assert run("delete", unused, "--yes").exit_code == 0
    assert len(everything_in_mlflow()["versions"]) == 3  # type: ignore[arg-type]


def test_what_does_not_work_is_not_rolled_back_to(points: Project) -> None:
    plant(points, 0, broken)
    plant(points, 1, unchanged)
    with tracking.opened() as store:
        store.client.set_registered_model_alias("pictures", "champion", "2")
        assert "has no earlier champion to go back to" in run("rollback").output
        store.client.set_registered_model_alias("pictures", "previous", "1")
    said = run("rollback")
    assert (said.exit_code, "what it draws is not finite. Nothing was changed." in said.output) == (2, True)
    assert aliases() == {"champion": 2, "previous": 1}


def test_a_verdict_that_cannot_be_had_keeps_all_but_a_forced_promotion_away(points: Project) -> None:
    plant(points, 0, unchanged)
    (points.folder / "data/prepared/images.npy").unlink()
    assert (run("promote", "1").exit_code, aliases()) == (2, {})
    said = run("promote", "1", "--force", "--why", "the data are gone")
    assert (said.exit_code, "was not judged" in said.output, aliases()) == (0, True, {"champion": 1})


@pytest.mark.parametrize("alias", ["latest", "challenger", "previous", "previous-x", "v1", "ä b"])
def test_aliases_that_mean_something_else_are_refused(points: Project, alias: str) -> None:
    with pytest.raises(UserError, match="cannot be promoted to"):
        promotion.promote(points.settings, "1", alias)


def test_files_that_are_not_registered_are_refused(points: Project) -> None:
    said = run("promote", "models/gan")
    assert (said.exit_code, "is not registered" in said.output) == (2, True)


@pytest.mark.parametrize(
    ("before", "between", "said"),
    [
        (1, [-0.43, -0.41], "fid better by 0.41 ... 0.43 in 5 blocks"),
        (1, [0.1, 0.2], "fid worse by 0.1 ... 0.2 in 5 blocks"),
        (1, [-0.1, 0.2], "fid worse by -0.1 ... 0.2 in 5 blocks"),
        (None, [-5.1, -4.9], "fid inside its limit by 4.9 ... 5.1 in 5 blocks"),
        (None, [0.1, 0.2], "fid over its limit by 0.1 ... 0.2 in 5 blocks"),
    ],
)
def test_the_history_says_better_where_it_was_better(before: int | None, between: list[float], said: str) -> None:
    evidence = {"metric": "fid", "blocks": 5, "between": between}
    assert _grounds(Move("promote", "champion", before, 2, evidence=evidence)) == said
