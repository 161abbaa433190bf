"""Reading what the stages left."""

import json
from pathlib import Path

import pytest
from mlflow_project import Project

from ganlib.errors import UserError
from pipelines import outputs, paths


def test_numbers_are_found_at_any_depth_and_nothing_else_is() -> None:
    values = {"a": 1, "b": {"c": 0.5, "d": {"e f/ä": 2}}, "g": "text", "h": True, "i": None, "j": [1]}
    assert outputs.numeric_leaves(values) == {"a": 1.0, "b.c": 0.5, "b.d.e f__": 2.0}


def test_everything_after_a_stage_that_ran_anew_is_stale() -> None:
    stages = {
        "a": {"outs": [{"path": "x", "md5": "2"}]},
        "b": {"deps": [{"path": "x", "md5": "1"}], "outs": [{"path": "y", "md5": "1"}]},
        "c": {"deps": [{"path": "y", "md5": "1"}, {"path": "code.py", "md5": "0"}], "outs": [{"path": "z"}]},
        "d": {"deps": [{"path": "x", "md5": "2"}]},
    }
    assert outputs.stale_stages({"stages": stages}) == {"b", "c"}
    assert outputs.stale_stages({}) == set()


def test_empty_cells_of_a_history_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text("images_seen,a,b\n1,0.5,\n2,nan,1e-3\n")
    points = outputs.read_history(file)
    assert points.keys() == {("a", 1), ("a", 2), ("b", 2)}
    assert points["b", 2] == 0.001


def test_a_data_card_goes_with_the_generators_of_its_own_data_alone(project: Project) -> None:
    card = {paths.DATA_CARD, paths.DATA_FACTS}
    assert not card & set(outputs.read().reports)
    paths.DATA_CARD.write_text("<!DOCTYPE html>")
    for digest, there in ((project.lineage.data, card), ("e" * 64, set())):
        paths.DATA_FACTS.write_text(json.dumps({"digest": digest}))
        assert card & set(outputs.read().reports) == there


def test_a_broken_history_or_metrics_file_is_one_sentence(project: Project) -> None:
    paths.HISTORY.write_text("images_seen,a\n1,half a numb")
    with pytest.raises(UserError, match=r"^reports/history.csv is no training history .* dvc repro -f train\.$"):
        outputs.read()
    paths.HISTORY.unlink()
    paths.EVALUATION.write_text('{"fid": ')
    with pytest.raises(UserError, match=r"^metrics/evaluate.json is not valid JSON"):
        outputs.read()
