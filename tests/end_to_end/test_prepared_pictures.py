"""A person's own pictures through the real `dvc repro prepare`: killed, resumed, watched, refused."""

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from projects import Project, copy_of_project

from ganlib import files


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with 1,200 picture files, most of them copies, which take a moment to decode."""
    project = copy_of_project(tmp_path_factory.mktemp("album") / "project")
    rng = np.random.default_rng(0)
    for number in range(1200):
        path = project.folder / f"photos/{'cat' if number % 2 else 'dog'}/{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < 60:
            Image.fromarray(rng.integers(0, 256, (256, 256, 3), np.uint8)).save(path)
        else:
            os.link(project.folder / f"photos/{'cat' if number % 2 else 'dog'}/{number % 60:04}.png", path)
    project.set({"data.source": "image_folder", "data.path": "photos", "data.channels": "auto", "workers": 2})
    return project


def content(project: Project) -> dict[str, str]:
    made = [*(project.folder / "data/prepared").iterdir(), *(project.folder / "reports").glob("data.*")]
    return {path.name: files.sha256_of(path) for path in made}


def wait_for_workers(process: psutil.Process) -> list[psutil.Process]:
    """The processes that decode: they run `ganlib` code under the fork server."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie: something short that ended while we looked
            family = process.children(recursive=True)
            servers = [one for one in family if "forkserver" in " ".join(one.cmdline())]
            workers = [one for server in servers for one in server.children()]
            if len(workers) == 2 and all(worker.cpu_times().user > 0.2 for worker in workers):
                return [*family, *workers]
        time.sleep(0.02)
    raise AssertionError("no worker processes appeared")


def test_a_preparation_that_is_stopped_starts_clean_and_leaves_nobody_behind(album: Project) -> None:
    output = album.dvc("repro", "prepare")
    assert "1140 of 1200 files are left out: 1140 exact duplicate" in output
    assert "data card: reports/data.html" in output
    expected = content(album)
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        stage = album.start("python", "-m", "pipelines.stages.prepare")
        family = wait_for_workers(psutil.Process(stage.pid))
        os.kill(stage.pid, how)
        said, _ = stage.communicate(timeout=60)
        assert stage.returncode == (-9 if how == signal.SIGKILL else 75), said
        assert "Traceback" not in said, said
        _, alive = psutil.wait_procs(family, timeout=15)
        assert alive == []
        assert content(album) == expected, "the earlier data are as they were"
    album.set({"workers": 1})
    again = album.run("python", "-m", "pipelines.stages.prepare")
    assert again.returncode == 0, again.stdout
    assert content(album) == expected
    assert [path.name for path in (album.folder / "data").iterdir() if path.name.startswith(".prepared")] == []
    assert album.ran(album.dvc("repro", "prepare")) == [], "the number of workers is no part of the result"


def test_a_watched_source_prepares_anew_when_it_changes_wherever_it_lies(album: Project, tmp_path: Path) -> None:
    album.dvc("add", "-q", "photos")
    assert "DVC tracks photos: set data.watch to it" in album.dvc("repro", "-f", "prepare")
    album.set({"data.watch": "photos"})
    assert album.ran(album.dvc("repro", "prepare")) == ["prepare"]
    assert album.ran(album.dvc("repro", "prepare")) == []
    Image.fromarray(np.full((256, 256, 3), 7, np.uint8)).save(album.folder / "photos/cat/new.png")
    album.dvc("add", "-q", "photos")
    output = album.dvc("repro", "prepare")
    assert album.ran(output) == ["prepare"]
    assert "of 1201 files" in output
    (album.folder / "photos").rename(tmp_path / "elsewhere")
    album.set({"data.path": str(tmp_path / "elsewhere"), "data.watch": str(tmp_path / "elsewhere")})
    assert album.ran(album.dvc("repro", "prepare")) == ["prepare"]
    assert album.ran(album.dvc("repro", "prepare")) == []
    assert str(tmp_path) not in (album.folder / "data/prepared/dataset.json").read_text()
