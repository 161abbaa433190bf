"""What makes a training the same training."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganlib.settings import Settings
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
        replace(settings, latent=replace(settings.latent, dim=65)),
    ]
    assert len({key(settings), key(settings, "b"), *map(key, others)}) == 4


def test_where_the_pixels_lie_and_what_decodes_them_does_not() -> None:
    settings = Settings()
    elsewhere = replace(settings, device="cpu", workers=7, train=replace(settings.train, device_cache_gb=0.0))
    assert key(elsewhere) == key(settings)
