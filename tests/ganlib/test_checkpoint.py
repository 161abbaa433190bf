"""Checkpoints come back exactly, the last two are kept, and a damaged one is passed over."""

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from ganlib.checkpoint import CheckpointFolder, Snapshot


def snapshot(value: float) -> Snapshot:
    return Snapshot({"w": torch.tensor([value])}, {"images_seen": 1, "rows": [{"a": value}]})


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_tensors_and_floats_come_back_to_the_last_bit(value: float, tmp_path_factory: object) -> None:
    folder = CheckpointFolder(tmp_path_factory.mktemp("c"))  # type: ignore[attr-defined]
    tensors = {"w": torch.tensor([value], dtype=torch.float64), "n": torch.tensor(3)}
    folder.save(5, Snapshot(tensors, {"rows": [{"a": value}]}))
    read = folder.latest()
    assert read is not None
    assert read.values == {"rows": [{"a": value}]}
    assert torch.equal(read.tensors["w"], tensors["w"])
    assert read.tensors["n"].dtype == torch.int64


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for seen in (900, 1_000, 20_000):
        folder.save(seen, snapshot(float(seen)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000001000.safetensors", "000000020000.safetensors"]


def test_a_damaged_newest_one_is_passed_over(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(1, snapshot(1.0))
    newest = folder.save(2, snapshot(2.0))
    newest.write_bytes(newest.read_bytes()[:-3])
    read = folder.latest()
    assert read is not None
    assert read.tensors["w"].item() == 1.0


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path / "nowhere").latest() is None
