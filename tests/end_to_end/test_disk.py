"""A disk that is full or read-only costs nobody the earlier outputs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Project, copy_of_project

from ganlib.files import sha256_of

IMAGES = "data/prepared/images.npy"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Project]:
    """A project whose data folder is a file system of 1 MB, with the digits prepared on it."""
    project = copy_of_project(tmp_path / "project")
    data = project.folder / "data"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", data], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a file system takes rights that this user does not have")
    try:
        project.dvc("repro", "prepare")
        yield project
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def test_a_full_disk_is_one_sentence_and_the_earlier_data_come_back(small_disk: Project) -> None:
    before = sha256_of(small_disk.folder / IMAGES)
    small_disk.set({"data.resolution": 64})
    done = small_disk.run("dvc", "repro", "prepare")
    assert done.returncode != 0
    assert "error: The prepared data would take up to 7.4 MB" in done.stdout
    assert "free; free some space, or lower data.resolution." in done.stdout
    assert "Traceback" not in done.stdout
    assert sha256_of(small_disk.folder / IMAGES) == before
    assert [path.name for path in (small_disk.folder / "data").iterdir()] == ["prepared"]


def test_a_read_only_disk_keeps_the_earlier_data(small_disk: Project) -> None:
    before = sha256_of(small_disk.folder / IMAGES)
    data = small_disk.folder / "data"
    subprocess.run(["mount", "-o", "remount,ro", data], check=True)
    small_disk.set({"data.resolution": 8})
    done = small_disk.run("dvc", "repro", "prepare")
    assert done.returncode != 0
    assert "Read-only file system" in done.stdout or "read-only" in done.stdout
    assert "Traceback" not in done.stdout
    assert sha256_of(small_disk.folder / IMAGES) == before
