"""Whole files or none."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ganlib import files


class Power(Exception):
    """Fails at the worst moment."""


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    files.write_text(path, "earlier")
    with pytest.raises(Power), files.whole_file(path) as aside:
        aside.write_text("half")
        raise Power
    assert path.read_text() == "earlier"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_folder_leaves_the_earlier_folder_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with files.whole_folder(path) as aside:
        (aside / "a").write_text("earlier")
    with pytest.raises(Power), files.whole_folder(path) as aside:
        (aside / "b").write_text("half")
        raise Power
    assert [file.name for file in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_whole_folder_replaces_the_earlier_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with files.whole_folder(tmp_path / "folder") as aside:
            (aside / name).write_text(name)
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["b"]


def test_sha256_is_that_of_the_whole_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert files.sha256_of(tmp_path / "file") == sha256(content).hexdigest()


def test_what_a_killed_process_left_behind_is_removed_and_what_a_living_one_makes_is_not(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, alive = int(gone.stdout), os.getppid()
    for process in (dead, alive):
        for kind in ("partial", "earlier", "scratch"):
            (tmp_path / f".it.{process}.{kind}").mkdir()
            (tmp_path / f".it.{process}.{kind}" / "large").write_text("x")
    (tmp_path / ".it.notes").write_text("mine")
    with files.whole_folder(tmp_path / "it") as aside, files.scratch_folder(tmp_path / "it") as scratch:
        assert list(scratch.iterdir()) == []
        (aside / "file").write_text("new")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"it", ".it.notes", *(f".it.{alive}.{kind}" for kind in ("partial", "earlier", "scratch"))}
