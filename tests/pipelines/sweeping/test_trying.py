"""Points through the real dvc: no training twice, no point lost by another's failure, nothing of the user's touched."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from sweep_project import DVC, Swept

from ganlib.errors import UserError
from ganlib.sweep_page import Trial
from pipelines import paths
from pipelines.flows.stages import Failure
from pipelines.sweeping import plan, results, slots, trying
from pipelines.sweeping.plan import Plan, Point, Wishes


@pytest.fixture
def here(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> Swept:
    monkeypatch.chdir(swept.folder)
    # Completing MLflow's run is another command's business, with tests of its own.
    monkeypatch.setattr(trying, "SYNC", ["true"])
    return swept


def tried(planned: Plan, around: trying.Around = nullcontext) -> list[Trial]:
    def one(point: Point) -> Trial:
        try:
            return trying.attempt(point, places, heard.append, around)
        except Failure as failed:
            return results.failed(point, str(failed))

    heard: list[str] = []
    with slots.opened(planned.commit, planned.at_once) as places, ThreadPoolExecutor(planned.at_once) as pool:
        return list(pool.map(one, planned.points))


def scores(trials: list[Trial]) -> list[float | None]:
    return [None if (number := trial.number("fid")) is None else round(number.value, 6) for trial in trials]


def test_no_point_is_trained_twice_or_lost_by_another_and_nothing_of_the_users_is_touched(here: Swept) -> None:
    before = here.looks()
    assert scores(tried(plan.made(Wishes({"train.lr": "0.1,0.2", "train.seed": "0"}, at_once=2)))) == [0.1, 0.2]
    assert sorted(here.done()) == ["prepare", "train 0.1 0", "train 0.2 0"], "what both need is done once"
    found = tried(plan.made(Wishes({"train.lr": "9,0.1,0.2", "train.seed": "0"})))
    assert here.looks() == before
    assert [trial.problem for trial in found] == ["train.lr is 9, which is too much; lower it.", "", ""]
    assert scores(found) == [None, 0.1, 0.2]
    assert len(here.done()) == 3, "a second sweep trains nothing again"
    change("train", lr=0.2, seed=0)
    here.run(DVC, "repro", "evaluate")
    assert len(here.done()) == 3, "nor does the user's own pipeline with a point's settings"
    assert not [path for path in (here.folder / paths.SWEEP).iterdir() if path.name != "locks"], "no folder is left"


def test_what_a_stage_needs_is_held_while_it_runs(here: Swept) -> None:
    held = []

    @contextmanager
    def holding(stage: str) -> Iterator[None]:
        before = len(here.done())
        yield
        held.append((stage, len(here.done()) - before))

    tried(plan.made(Wishes({"train.lr": "0.4"})), holding)
    assert held == [("prepare", 1), ("train", 1), ("evaluate", 0)]


def change(section: str, **values: object) -> None:
    params = Path("params.yaml")
    known = json.loads(params.read_text())
    known[section] |= values
    params.write_text(json.dumps(known))


def test_two_points_at_once_that_share_a_training_do_it_once(here: Swept) -> None:
    """Points of one sweep never do; two sweeps at the same time, or one beside another protocol, may."""
    (first,) = plan.made(Wishes({"train.lr": "0.3"})).points
    planned = Plan((first, Point({**first.values, "x": 1}, first.params)), plan.commit(), False, "fid", 2)
    assert scores(tried(planned)) == [1.0, 1.0]
    assert here.done() == ["prepare", "train 0.3 7"]


def test_settings_are_those_that_lie_there_and_source_is_what_is_committed(here: Swept) -> None:
    change("train", seed=5)
    assert not plan.made(Wishes({"train.lr": "0.1"})).dirty
    train = Path("train.py")
    train.write_text("raise SystemExit('not this one')\n" + train.read_text())
    planned = plan.made(Wishes({"train.lr": "0.1"}))
    assert planned.dirty
    assert "other changes of tracked files are not in it" in results.begun(planned)
    assert scores(tried(planned)) == [0.6]


def test_pictures_that_only_lie_in_the_project_are_found(here: Swept, tmp_path: Path) -> None:
    (here.folder / "mine").mkdir()
    (here.folder / "mine" / "one.txt").touch()
    (here.folder / "tracked.dvc").touch()
    (here.folder / "tracked").mkdir()
    slot = tmp_path / "slot"
    slot.mkdir()
    (slot / "tracked.dvc").touch()
    slots.lend(slot, "data: {path: mine, watch: tracked, labels: folders}\n")
    assert (slot / "mine" / "one.txt").exists()
    assert not (slot / "tracked").exists(), "DVC brings what it tracks"
    (here.folder / "kept.safetensors").touch()
    (here.folder / "kept.json").touch()
    slots.lend(slot, "data: {path: mine}\nevaluate: {weights: kept.safetensors}\n")
    assert (slot / "kept.safetensors").exists()
    assert (slot / "kept.json").exists(), "which describes it"


@pytest.mark.parametrize(
    ("given", "number", "made"),
    [
        ({"CUDA_VISIBLE_DEVICES": "3,5"}, 0, ("3", "1")),
        ({"CUDA_VISIBLE_DEVICES": "3,5"}, 3, ("5", "1")),
        ({"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "7"}, 1, ("3", "7")),
        ({}, 0, (None, "1")),
    ],
)
def test_points_share_cores_and_devices_unless_the_user_has_done_that(
    given: dict[str, str], number: int, made: tuple[str | None, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots.stage, "cores", lambda: 4)
    found = slots.environment(Path("slot"), number, 4, {"MLFLOW_TRACKING_URI": "u", "MLFLOW_RUN_ID": "1", **given})
    assert (found.get("CUDA_VISIBLE_DEVICES"), found["OMP_NUM_THREADS"]) == made
    assert found["MLFLOW_TRACKING_URI"] == "u"
    assert "MLFLOW_RUN_ID" not in found
    assert "OMP_NUM_THREADS" not in slots.environment(Path("slot"), 0, 1, {})


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (Wishes({"loss.name": "hinge,hinj"}), "params.yaml with loss.name=hinj: loss.name is 'hinj'; choose one of"),
        (Wishes({"train.lr": "-1"}), "params.yaml with train.lr=-1: train.lr is -1; it should be"),
        (
            Wishes({"train.processes": "1,2"}, at_once=2),
            "train.processes=1 and train.processes=2 are the same training",
        ),
        (Wishes({"train.lr": "0.1"}, metric="fidd"), "'fidd' is no number by which one is better than another"),
        (Wishes({"train.lr": "0.1"}, at_once=0), "--at-once is 0; at least one point"),
        (Wishes({"train.lr": "0.1"}, random=0), "--random is 0; draw at least one"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_runs(here: Swept, wishes: Wishes, said: str) -> None:
    with pytest.raises(UserError, match=said) as mistake:
        plan.made(wishes)
    assert "\n" not in str(mistake.value)
    assert not (here.folder / paths.STATE).exists()


def test_without_a_commit_there_is_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("train: {lr: 0.1}\n")
    subprocess.run(["git", "init", "-q"], check=True)
    with pytest.raises(UserError, match="there is none yet; make one: git commit"):
        plan.made(Wishes({"train.lr": "0.1,0.2"}))
