"""A registered generator is made again from what its version carries, to the last byte, or what differs is said."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image
from projects import Project, copy_of_project
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits

from ganlib.errors import UserError
from pipelines import params, reproduction, tracking
from pipelines.packaging import digests_in
from pipelines.reproduction import Wishes
from pipelines.tracking import models, origins

MODEL = "ganlib-digits"
STEPS = "ganlib/steps.py"
LOOKED_AT = (["status", "--short"], ["worktree", "list"], ["for-each-ref"], ["rev-parse", "HEAD"])
REPRODUCE = ("python", "-m", "pipelines.cli", "reproduce", "1")


def git(project: Project, *arguments: str) -> str:
    done = project.run("git", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def write_pictures(folder: Path) -> None:
    digits = load_digits()
    for number, (pixels, name) in enumerate(zip(digits.images[:160], digits.target[:160], strict=True)):
        (folder / str(name)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype("uint8")).save(folder / str(name) / f"{number}.png")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Version 1, trained on somebody's pictures; since then all of it is gone or spoiled but the registry.

    Its outputs are deleted, its checkpoints hold other weights, source and settings were changed and committed.
    """
    folder = tmp_path_factory.mktemp("reproduce")
    write_pictures(folder / "pictures")
    project = copy_of_project(folder / "project")
    project.set({"data.source": "image_folder", "data.path": str(folder / "pictures")})
    project.set({"evaluate.kid_subset_size": 20, "train.kimg": 0.8})
    git(project, "commit", "-qam", "my pictures")
    project.dvc("repro", "train")
    done = project.run("python", "-m", "pipelines.stages.publish")
    assert f"registered as {MODEL} version 1" in done.stdout, done.stdout
    for made in ("data", "models", "reports"):
        shutil.rmtree(project.folder / made)
    for path in project.folder.glob(".ganlib/checkpoints/*/[0-9]*.safetensors"):
        spoil(path)
    steps = project.folder / STEPS
    steps.write_text(steps.read_text() + "\nraise RuntimeError('this is not the source of version 1')\n")
    project.set({"train.kimg": 50})
    git(project, "commit", "-qam", "another game")
    return project


def spoil(checkpoint: Path) -> None:
    with safe_open(checkpoint, framework="pt") as file:
        values = dict(file.metadata())
    save_file({name: tensor + 1 for name, tensor in load_file(checkpoint).items()}, checkpoint, metadata=values)


@pytest.fixture
def here(published: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project as the current folder; whatever was asked for, it is as it was afterwards, and the store too."""
    monkeypatch.chdir(published.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = everything(published)
    yield published
    assert everything(published) == before
    assert list(published.folder.glob(".ganlib/reproduce/[0-9a-f]*")) == []


def everything(project: Project) -> tuple[dict[str, str], list[str], list[str]]:
    """All that a person, git or a training keeps in the project's folder, and the runs."""
    left_out = (
        ".git/",
        ".ganlib/reproduce",
        ".ganlib/generators",
        ".ganlib/mlflow",
        ".dvc/tmp",
        "mlflow.db",
        "mlartifacts",
    )
    files = {name: digest for name, digest in digests_in(project.folder).items() if not name.startswith(left_out)}
    with tracking.opened() as store:
        experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
        runs = [f"{run.info.run_id} {run.info.status}" for run in store.client.search_runs(experiments)]
    looked_at = [git(project, *words) for words in LOOKED_AT]
    code = {name: digest for name, digest in files.items() if "__pycache__" not in name}
    return code, looked_at, runs


@pytest.fixture
def tampered(here: Project) -> Iterator[tuple[str, str]]:
    """The registered content, and the id of the run, whose tags may be changed; all tags are put back afterwards."""
    with tracking.opened() as store:
        version = models.by_number(store, MODEL, 1)
        run = store.client.get_run(version.run_id)
    yield version.tags[models.CONTENT], version.run_id
    with tracking.opened() as store:
        store.client.set_model_version_tag(MODEL, "1", models.CONTENT, version.tags[models.CONTENT])
        for name in (origins.COMMIT, origins.DIRTY, "ganlib.version.torch"):
            store.client.set_tag(version.run_id, name, run.data.tags[name])


def tag(run_id: str, **values: str) -> None:
    with tracking.opened() as store:
        for name, value in values.items():
            store.client.set_tag(run_id, getattr(origins, name), value)


def asked(wishes: Wishes | None = None) -> tuple[bool, str]:
    said: list[str] = []
    same = reproduction.reproduce("1", params.load(), wishes or Wishes(), said.append)
    return same, "\n".join(said)


def test_the_same_bytes_come_of_commit_settings_and_data_alone(tampered: tuple[str, str]) -> None:
    same, said = asked()
    assert same, said
    assert f"reproduced: the same bytes (sha256 {tampered[0]})" in said
    assert "from DVC's cache" in said
    assert "Resumed" not in said


def test_a_version_that_was_trained_from_other_source_than_its_commit_is_told_file_by_file(
    here: Project, tampered: tuple[str, str]
) -> None:
    git(here, "rm", "-q", "--cached", "ganlib/rules.py")
    git(here, "commit", "-qm", "without a file")
    head = git(here, "rev-parse", "HEAD")
    git(here, "reset", "-q", "--mixed", "HEAD~1")
    tag(tampered[1], COMMIT=head, DIRTY="true")
    with pytest.raises(UserError, match=r"^[^\n]*$") as mistake:
        asked()
    told = str(mistake.value)
    assert "trained from a tree with changes that were not committed" in told
    assert "of 58 files differ: ganlib/rules.py (not in the commit), ganlib/steps.py (changed)." in told
    assert "--anyway" in told
    with pytest.raises(UserError, match=r"differ: ganlib/steps.py \(changed\)\. If it was committed later"):
        asked(Wishes(commit="main"))


def test_a_commit_that_is_not_here_is_to_be_fetched(tampered: tuple[str, str]) -> None:
    tag(tampered[1], COMMIT="1" * 40)
    with pytest.raises(UserError, match=r"1{40}, the source of .* is not in this repository; fetch it: git fetch"):
        asked()


def test_other_pictures_than_those_of_the_training_are_refused(here: Project, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures")
    next((tmp_path / "pictures").rglob("*.png")).unlink()
    with pytest.raises(UserError, match=r"The source gives other data \(\w{12}\) than .* version 1 \(challenger\) was"):
        asked(Wishes(source=tmp_path / "pictures"))


@pytest.mark.prove
def test_what_dvc_has_lost_is_prepared_from_where_it_came_from(here: Project) -> None:
    cache = here.folder / ".dvc" / "cache"
    cache.rename(cache.with_name("lost"))
    try:
        same, said = asked()
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        cache.with_name("lost").rename(cache)
    assert same, said
    assert "data: prepared anew" in said


@pytest.mark.prove
def test_other_bytes_are_told_with_what_differs(here: Project, tampered: tuple[str, str]) -> None:
    with tracking.opened() as store:
        store.client.set_model_version_tag(MODEL, "1", models.CONTENT, "0" * 64)
        store.client.set_tag(tampered[1], "ganlib.version.torch", "0.4")
    done = here.run(*REPRODUCE)
    assert done.returncode == 1, done.stdout
    assert f"not the same bytes: sha256 {tampered[0]}, and {MODEL} version 1" in done.stdout
    assert "(then 0.4)" in done.stdout
    assert "only the registry's tag says otherwise" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.prove
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_leaves_no_process_and_the_next_call_goes_on(here: Project, number: signal.Signals) -> None:
    process = here.start(*REPRODUCE)
    deadline = time.monotonic() + 120
    saved: list[Path] = []
    while not saved:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[0]
        saved = list(here.folder.glob(".ganlib/reproduce/*/.ganlib/checkpoints/*/[0-9]*.safetensors"))
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert "Traceback" not in output
    if number != signal.SIGKILL:
        assert process.returncode == 130, output
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    same, said = asked()
    assert same, said
    assert "which an earlier call left" in said
