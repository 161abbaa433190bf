"""What two generators differ in is said; what a commit is checked by; and that the other repository is its own."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mlflow_project import REPOSITORY, Project, publish

from ganlib import bundle
from ganlib.errors import UserError
from pipelines import generators, lineage, origin, paths, registry, reproduction, scores
from pipelines.generators import Named
from pipelines.reproduction import checkout, comparison


@pytest.fixture
def named(project: Project) -> Named:
    publish(project)
    registry.sync(project.settings)
    return generators.find("1", project.settings)


def made_again(*, apart: float = 0.0) -> Path:
    """The files of models/gan, one of their weights so far off."""
    folder = Path("again")
    shutil.copytree(paths.GAN, folder)
    tensors = bundle.load_file(folder / "generator.safetensors")
    tensors["to_pixels.bias"][0] += apart
    (folder / "generator.safetensors").write_bytes(bundle.save(tensors))
    return folder


def test_the_same_bytes_are_the_same_whatever_else_differs(project: Project, named: Named) -> None:
    said: list[str] = []
    assert comparison.compare(named, made_again(), project.settings, ["torch 1 (then 2)"], said.append)
    assert said == [f"reproduced: the same bytes (sha256 {named.content})"]


def test_of_other_bytes_versions_the_largest_difference_and_the_reason_for_no_metrics_are_told(
    project: Project, named: Named
) -> None:
    said: list[str] = []
    assert not comparison.compare(named, made_again(apart=0.25), project.settings, ["torch 1 (then 2)"], said.append)
    assert said[0].startswith("not the same bytes: sha256 ")
    assert said[0].endswith(f"and pictures version 1 (challenger) has {named.content}")
    assert said[1] == "  torch 1 (then 2)"
    assert said[2].startswith("  weights: at most 0.25 apart, in to_pixels.bias (its largest is ")
    assert said[3].startswith("  no metrics: ")


def test_a_network_with_other_tensors_is_no_traceback(project: Project, named: Named) -> None:
    folder = made_again()
    (folder / "generator.safetensors").write_bytes(bundle.save({"x": torch.zeros(2)}))
    assert comparison.weights(named, folder) == ["its networks have other tensors"]


def test_the_distance_in_metrics_is_told_with_its_interval(
    project: Project, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one draws by the version's own source, from the new weights."""

    def score(_: object, asked: Named, *, seed: int) -> scores.Report:
        drawer = generators.open_drawer(asked, torch.device("cpu"))
        bias = float(drawer.generator.state_dict()["to_pixels.bias"][0])
        replicates = [bias + 0.01 * (number % 2) for number in range(20)]
        fid = {"value": bias, "low": bias - 1, "high": bias + 1, "replicates": replicates}
        return {"protocol": {"name": "p"}, "fid": fid}

    monkeypatch.setattr(scores, "open_bench", lambda _: None)
    monkeypatch.setattr(scores, "score", score)
    (line,) = comparison.distances(named, made_again(apart=0.5), project.settings)
    assert line.startswith("fid: ")
    assert line.endswith("difference 0.5 [0.5, 0.5]")


def test_other_versions_are_named_and_unknown_ones_are_not_made_up() -> None:
    here = lineage.versions()
    assert comparison.other_versions(here) == []
    assert comparison.other_versions({}) == []
    assert comparison.other_versions({**here, "ganlib.version.torch": "0.4"}) == [
        f"torch {here['ganlib.version.torch']} (then 0.4)"
    ]


def test_a_file_is_changed_missing_or_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    made = checkout.Checkout(tmp_path, print)
    assert made.unlike("a.py", checkout.files.sha256_of(tmp_path / "a.py")) is None
    assert made.unlike("a.py", "0" * 64) == "changed"
    assert made.unlike("b.py", "0" * 64) == "not in the commit"


def test_the_other_repository_hears_of_no_store_stage_or_repository_of_this_one(tmp_path: Path) -> None:
    ours = {
        "MLFLOW_TRACKING_URI": "http://somewhere", "MLFLOW_RUN_ID": "1", "GIT_DIR": "/a", "DVC_STAGE": "train",
        "DVC_EXP_NAME": "e", "RANK": "0", "PATH": "/bin", "PYTHONPATH": "/lib", "AWS_PROFILE": "p",
    }  # fmt: skip
    assert checkout.isolated(ours, tmp_path) == {
        "PATH": "/bin", "PYTHONPATH": f"{tmp_path}:/lib", "AWS_PROFILE": "p", "DVC_NO_ANALYTICS": "1",
    }  # fmt: skip


def test_a_remote_beside_the_project_is_found_from_the_other_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(project)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    for command in (
        "git init -q", "dvc init -q", "dvc remote add -q -d near ../remote", "dvc remote add -q far s3://bucket/data",
        "dvc remote add -q --local own mine", "git add -A",
        "git -c user.name=Test -c user.email=test@example.invalid commit -qm start",
    ):  # fmt: skip
        subprocess.run([*_program(command.split()[0]), *command.split()[1:]], check=True)
    commit = checkout.known_commit("HEAD", "pictures version 1")
    with checkout.opened("key", commit, None, keep=False, say=print) as made:
        command = [*_program("dvc"), "remote", "list"]
        wide = {**os.environ, "COLUMNS": "1000"}
        listed = subprocess.run(command, cwd=made.folder, env=wide, check=True, capture_output=True, text=True).stdout
    places = {line.split()[0]: line.split()[1] for line in listed.splitlines()}
    assert places == {"near": str(tmp_path / "remote"), "own": str(project / "mine"), "far": "s3://bucket/data"}


def _program(name: str) -> list[str]:
    return [sys.executable, "-m", "dvc"] if name == "dvc" else [name]


def test_at_the_address_of_nobody_nobody_answers() -> None:
    with checkout.nobody() as address, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5)


@pytest.mark.parametrize("commit", ["--all", "HEAD:README.md", "no such thing"])
def test_what_is_no_commit_is_one_sentence(monkeypatch: pytest.MonkeyPatch, commit: str) -> None:
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(UserError, match=r"is not in this repository; fetch it"):
        checkout.known_commit(commit, "pictures version 1")


def test_outside_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^git rev-parse --git-dir failed: fatal: not a git repository"):
        checkout.known_commit("HEAD", "pictures version 1")


def test_files_are_no_version(project: Project) -> None:
    with pytest.raises(UserError, match="models/gan are files; only a registered version says what it was made from"):
        reproduction.find("models/gan", project.settings, reproduction.Wishes())


def test_a_device_that_is_not_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert comparison.device_here("cpu") == ("cpu", [])
    assert comparison.device_here("cuda:0") == ("cpu", ["no CUDA device (then cuda:0)"])


def test_settings_that_are_not_those_of_the_weights_are_refused(
    project: Project, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "known_commit", lambda *_: "c" * 40)
    wanted = reproduction.find("1", project.settings, reproduction.Wishes(commit="HEAD"))
    values = origin.loaded(wanted.origin.params, "x")
    values["train"]["lr"] = 7
    other = replace(wanted, origin=replace(wanted.origin, params=origin.dumped(values)))
    with pytest.raises(UserError, match="has other settings in its section train than its files"):
        reproduction.adapted(other, reproduction.Wishes())
