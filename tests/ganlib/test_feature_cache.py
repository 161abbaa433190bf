"""What was looked at once is not looked at again, and what is damaged is never used."""

import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganlib.feature_cache import ABOUT, ARRAYS, DERIVED, UNMAPPED, FeatureCache
from ganlib.features import ClassLogits, FeatureExtractor, Features

ROWS = 2 * UNMAPPED // 4 // 8
"""So many that the features are mapped and the logits are not."""


class Look(FeatureExtractor):
    def __init__(self, digest: str = "d" * 64, preprocessing: str = "none", name: str = "look") -> None:
        super().__init__(name=name, digest=digest, preprocessing=preprocessing)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        raise AssertionError("the cache asks `make`")


def seen(seed: int = 0, classes: int = 1) -> tuple[Features, ClassLogits]:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(ROWS, 8, generator=random), torch.randn(ROWS, classes, generator=random)


def never() -> tuple[Features, ClassLogits]:
    raise AssertionError("it is known already")


def filled(folder: Path) -> tuple[FeatureCache, Path]:
    cache = FeatureCache(folder)
    cache.get("a", Look(), seen)
    (entry,) = folder.iterdir()
    return cache, entry


def alike(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("classes", [0, 1, 40])
def test_what_was_seen_comes_back_to_the_bit(tmp_path: Path, classes: int) -> None:
    cache = FeatureCache(tmp_path)
    assert alike(cache.get("a", Look(), lambda: seen(classes=classes)), seen(classes=classes))
    assert alike(FeatureCache(tmp_path).get("a", Look(), never), seen(classes=classes))


def test_what_was_kept_is_mapped_and_never_changes(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path)
    cache.get("a", Look(), never)[0].zero_()
    assert alike(cache.get("a", Look(), never), seen())


@pytest.mark.parametrize(
    ("pictures", "extractor"),
    [("b", Look()), ("a", Look("e" * 64)), ("a", Look(preprocessing="other")), ("a", Look(name="other"))],
)
def test_other_pictures_weights_or_preprocessing_are_another_entry(
    tmp_path: Path, pictures: str, extractor: Look
) -> None:
    cache, _ = filled(tmp_path)
    assert alike(cache.get(pictures, extractor, lambda: seen(1)), seen(1))
    assert alike(cache.get("a", Look(), never), seen())


def test_what_follows_from_features_is_kept_by_its_name_to_the_bit(tmp_path: Path) -> None:
    cache, features = filled(tmp_path)
    numbers = torch.rand(ROWS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(cache.derived("a", Look(), "one", lambda: numbers), numbers)
    assert torch.equal(FeatureCache(tmp_path).derived("a", Look(), "one", lambda: numbers + 1), numbers)
    for pictures, look, what in (("b", Look(), "one"), ("a", Look("e" * 64), "one"), ("a", Look(), "two")):
        assert torch.equal(cache.derived(pictures, look, what, lambda: numbers + 1), numbers + 1)
    for entry in set(tmp_path.iterdir()) - {features}:
        os.truncate(entry / DERIVED[0], 1000)
    assert torch.equal(cache.derived("a", Look(), "one", lambda: numbers + 2), numbers + 2)
    assert alike(cache.get("a", Look(), never), seen())


def truncated(entry: Path) -> None:
    os.truncate(entry / ARRAYS[0], 1000)


def flipped(entry: Path) -> None:
    content = bytearray((entry / ARRAYS[0]).read_bytes())
    content[-1] ^= 1
    (entry / ARRAYS[0]).write_bytes(content)


def missing(entry: Path) -> None:
    (entry / ARRAYS[1]).unlink()


def unsaid(entry: Path) -> None:
    (entry / ABOUT).write_text("{", encoding="utf-8")


def no_object(entry: Path) -> None:
    (entry / ABOUT).write_text("[]", encoding="utf-8")


def of_others(entry: Path) -> None:
    about = json.loads((entry / ABOUT).read_text(encoding="utf-8"))
    (entry / ABOUT).write_text(json.dumps(about | {"pictures": "b"}), encoding="utf-8")


@pytest.mark.parametrize("damage", [truncated, flipped, missing, unsaid, no_object, of_others])
def test_a_damaged_entry_is_made_anew_and_never_used(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    cache, entry = filled(tmp_path)
    damage(entry)
    assert alike(cache.get("a", Look(), lambda: seen(1)), seen(1))
    assert alike(cache.get("a", Look(), never), seen(1))
    assert list(tmp_path.iterdir()) == [entry]


def test_no_pickle_is_read(tmp_path: Path) -> None:
    cache, entry = filled(tmp_path)
    np.save(entry / ARRAYS[0], np.array([{}], dtype=object), allow_pickle=True)
    about = json.loads((entry / ABOUT).read_text(encoding="utf-8"))
    from ganlib import files

    about["sha256"][ARRAYS[0]] = files.sha256_of(entry / ARRAYS[0])
    (entry / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    assert alike(cache.get("a", Look(), lambda: seen(1)), seen(1))


def test_a_folder_that_cannot_be_written_is_said_once_and_costs_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = FeatureCache(tmp_path / "file" / "features")
    for pictures in "ab":
        assert alike(cache.get(pictures, Look(), seen), seen())
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "features are not kept" in said
    assert "Not a directory" in said


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, array: np.ndarray, **_: object) -> None:
        path.write_bytes(b"\x93NUMPY")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert alike(FeatureCache(tmp_path).get("a", Look(), seen), seen())
    assert "No space left on device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def _make_the_same(folder: str, barrier: object, rounds: int, results: object) -> None:
    cache = FeatureCache(Path(folder))
    good = True
    for turn in range(rounds):
        barrier.wait(60)  # type: ignore[attr-defined]
        good &= alike(cache.get(f"{turn}", Look(), seen), seen())
    results.put(good and not cache._complaints)  # type: ignore[attr-defined]


def test_two_processes_that_make_the_same_entry_leave_one_whole_entry(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    rounds, results, barrier = 20, context.Queue(), context.Barrier(2)
    makers = [context.Process(target=_make_the_same, args=(str(tmp_path), barrier, rounds, results)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)
    assert [maker.exitcode for maker in makers] == [0, 0]
    assert [results.get(timeout=5) for _ in makers] == [True, True]
    assert len(list(tmp_path.iterdir())) == rounds
    for turn in range(rounds):
        assert alike(FeatureCache(tmp_path).get(f"{turn}", Look(), never), seen())
