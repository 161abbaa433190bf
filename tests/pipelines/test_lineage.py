"""What makes a training the same training."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ganlib.schedules import Schedule
from ganlib.settings import Choice, Settings
from pipelines import lineage


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


def key(settings: Settings, data: str = "a") -> str:
    return lineage.of_training(settings, data).key


def test_what_changes_the_result_changes_the_key() -> None:
    settings = Settings()
    others = [
        replace(settings, train=replace(settings.train, lr=2e-3)),
        replace(settings, train=replace(settings.train, lr=Schedule(start=1e-3, end=1e-4, over_kimg=9))),
        replace(settings, train=replace(settings.train, penalty_route="autograd")),
        replace(settings, latent=replace(settings.latent, dim=65)),
        replace(settings, augmentation=Choice(name="none", options={"p": 0.5})),
    ]
    assert len({key(settings), key(settings, "b"), *map(key, others)}) == 2 + len(others)


def test_where_the_work_is_done_and_by_how_many_does_not() -> None:
    settings = Settings()
    there = replace(settings.train, device_cache_gb=0.0, capture=False, processes=2)
    assert key(replace(settings, device="cpu", workers=7, train=there)) == key(settings)


@pytest.mark.parametrize("edited", ["steps.py", "piecewise/tape.py", "augmentations/_warping.py", "networks/dcgan.py"])
def test_an_edit_of_what_trains_changes_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str) -> None:
    for path in lineage.train_code(Settings()):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / path)
    before = key(Settings())
    monkeypatch.chdir(tmp_path)
    assert key(Settings()) == before
    with Path("ganlib", edited).open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    assert key(Settings()) != before
