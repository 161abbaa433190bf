"""What is opened is what prepare wrote, or one sentence says why not."""

import json
from pathlib import Path

import numpy as np
import pytest

from ganlib.errors import UserError
from ganlib.prepared import PreparedData, open_prepared


def written(folder: Path, pixels: np.ndarray, kind: str | None, *, train: int = 4) -> PreparedData:
    np.save(folder / "images.npy", pixels)
    np.save(folder / "labels.npy", np.arange(len(pixels), dtype=np.int64) % 2)
    description = {"classes": ["a", "b"], "counts": {"train": train, "heldout": 2}, "digest": "d"}
    (folder / "dataset.json").write_text(json.dumps(description | ({} if kind is None else {"kind": kind})))
    return open_prepared(folder)


PICTURES = np.zeros((6, 3, 4, 5), dtype=np.uint8)
POINTS = np.zeros((6, 2, 1, 1), dtype=np.float32)


def test_pictures_and_points_are_told_apart(tmp_path: Path) -> None:
    for pixels, said, kind in (
        (PICTURES, "pictures", "pictures"),
        (PICTURES, None, "pictures"),
        (POINTS, "points", "points"),
    ):
        data = written(tmp_path, pixels, said)
        assert data.kind == kind
        assert data.image_shape == pixels.shape[1:]
        assert (len(data.train), len(data.heldout)) == (4, 2)
        assert isinstance(data.train.pixels, np.memmap)


@pytest.mark.parametrize(
    ("pixels", "kind"), [(PICTURES, "points"), (POINTS, "pictures"), (POINTS, None), (POINTS, "x")]
)
def test_an_array_of_another_kind_than_its_description_says_is_one_sentence(
    tmp_path: Path, pixels: np.ndarray, kind: str | None
) -> None:
    with pytest.raises(UserError, match=rf"numbers, which are no {kind or 'pictures'}, .* dvc repro -f prepare"):
        written(tmp_path, pixels, kind)


def test_counts_that_do_not_add_up_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"6 images and 6 labels but its dataset\.json says 5"):
        written(tmp_path, PICTURES, "pictures", train=3)


def test_nothing_prepared_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dataset\.json is missing; prepare the data first: dvc repro prepare\."):
        open_prepared(tmp_path)
