"""A retraining says why it runs; and runs for nothing but a reason."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib.settings import DataSettings
from pipelines.flows import decision, sources
from pipelines.flows.decision import Done, decide
from pipelines.flows.worktree import Place

DONE = Done("lock", "store", "source")
UNFINISHED = "the last run did not come to its end, or the MLflow store is another"
CHANGES: dict[str, list[Any]] = {
    "prepare": [
        {"changed deps": {"pictures": "modified", "ganlib/reading": "modified", "params.yaml": {"data.seed": "new"}}}
    ],
    "train": [{"changed deps": {"data/prepared": "modified", "ganlib/game.py": "modified"}}, "changed command"],
    "sample": [{"changed deps": {"params.yaml": "new"}}],
    "evaluate": [{"changed outs": {"reports/evaluation.html": "deleted"}}],
    "photos.dvc": [{"changed outs": {"photos": "modified"}}],
}


def test_every_change_has_its_kind() -> None:
    assert decision.classified(CHANGES) == {
        "data": ["pictures", "photos"],
        "params": ["data.seed", "params.yaml"],
        "code": ["ganlib/reading", "ganlib/game.py", "train: changed command"],
        "results": ["data/prepared", "reports/evaluation.html"],
    }


def test_without_a_reason_there_is_nothing_to_do() -> None:
    assert not decide({}, DONE, DONE, ())


@pytest.mark.parametrize(
    ("changes", "before", "present", "forced", "said"),
    [
        ({}, None, DONE, (), "nothing was retrained here yet"),
        ({}, DONE, DONE, ("train",), "forced (train)"),
        ({}, DONE, Done("other", "store", "source"), (), UNFINISHED),
        ({}, DONE, Done("lock", "other", "source"), (), UNFINISHED),
        ({}, DONE, Done("lock", "store", "other"), (), "data changed (the pictures at data.path)"),
        (CHANGES, DONE, DONE, (), "data changed (pictures, photos); params changed (data.seed, params.yaml); "
         "code changed (ganlib/reading, ganlib/game.py, train: changed command); results changed (data/prepared, "
         "reports/evaluation.html)"),
    ],
)  # fmt: skip
def test_every_reason_is_said(
    changes: dict[str, Any], before: Done | None, present: Done, forced: tuple[str, ...], said: str
) -> None:
    assert decide(changes, before, present, forced).words() == said


def test_only_pictures_that_dvc_does_not_watch_make_prepare_run_by_force() -> None:
    assert decide({}, DONE, Done("lock", "store", "other"), ()).source_changed
    assert not decide(CHANGES, DONE, DONE, ()).source_changed


def test_how_it_ended_is_remembered_without_the_stores_password(tmp_path: Path) -> None:
    assert decision.read(tmp_path) is None
    (tmp_path / "dvc.lock").write_text("schema: '2.0'")
    present = decision.now(Place(tmp_path), "http://me:secret@host", None)
    decision.write(tmp_path, present)
    assert decision.read(tmp_path) == present
    assert "secret" not in (tmp_path / decision.DONE).read_text()
    (tmp_path / "dvc.lock").write_text("schema: '3.0'")
    assert decision.now(Place(tmp_path), "http://me:secret@host", None) != present


NAMES = st.sampled_from(["a.png", "b.png", "deep/c.png"])


@given(
    st.dictionaries(NAMES, st.binary(max_size=3), min_size=1), st.dictionaries(NAMES, st.binary(max_size=3), min_size=1)
)
def test_the_source_has_another_digest_where_files_came_went_or_have_another_size(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    def digest(files: dict[str, bytes]) -> str | None:
        root = tmp_path_factory.mktemp("source")
        for name, content in files.items():
            (root / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "pictures" / name).write_bytes(content)
            os.utime(root / "pictures" / name, (0, 0))
        return sources.digest(root, DataSettings(source="image_folder", path="pictures"))

    facts = [{name: len(content) for name, content in files.items()} for files in (one, other)]
    assert (digest(one) == digest(other)) == (facts[0] == facts[1])


def test_a_source_that_is_written_anew_has_another_digest(tmp_path: Path) -> None:
    data = DataSettings(source="idx", path="pictures.gz")
    assert sources.digest(tmp_path, data) is None
    (tmp_path / "pictures.gz").write_bytes(b"one")
    before = sources.digest(tmp_path, data)
    assert before is not None
    (tmp_path / "pictures.gz").write_bytes(b"two")
    assert sources.digest(tmp_path, data) != before


@pytest.mark.parametrize(
    ("watch", "watched"), [("pictures", True), (".", True), (".dvcignore", False), ("other", False)]
)
def test_what_dvc_watches(watch: str, watched: bool) -> None:
    assert sources.is_watched(DataSettings(source="image_folder", path="pictures", watch=watch)) is watched
