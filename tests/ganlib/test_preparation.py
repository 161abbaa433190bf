"""Laws of data/prepared: the array, the split, the manifest and the digest belong together."""

import errno
import json
import os
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib import preparation
from ganlib.datasets import Batch, Contents, Source, build_source
from ganlib.errors import UserError
from ganlib.preparation import is_heldout, pixel_digest, prepare
from ganlib.prepared import open_prepared
from ganlib.settings import DataSettings

COLUMNS = ["source", "sha256", "label", "class_name", "width", "height", "mode", "split", "done"]
FILES = ["dataset.json", "images.npy", "labels.npy", "manifest.parquet"]


class Listed(Source):
    """Pictures in memory, in batches of `step`."""

    def __init__(self, pixels, labels=None, *, classes=(), step=7, breaks_after=None):
        self.pixels, self.classes, self.step, self.breaks_after = pixels, classes, step, breaks_after
        self.labels = np.full(len(pixels), -1) if labels is None else labels

    def open(self):
        return Contents(count=len(self.pixels), classes=tuple(self.classes), batches=self.batches(), ignored=3)

    def batches(self):
        for first in range(0, len(self.pixels), self.step):
            if self.breaks_after is not None and first >= self.breaks_after:
                raise UserError("this picture is broken.")
            part = slice(first, first + self.step)
            names = [f"it/{i}.png" for i in range(first, min(first + self.step, len(self.pixels)))]
            yield Batch(pixels=self.pixels[part], labels=self.labels[part], names=names, mode="L", done=("read",))


def noise(count, channels=1, height=4, width=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, channels, height, width), np.uint8)


def labelled(count=60, classes=("cat", "dog"), **options):
    labels = np.random.default_rng(1).integers(0, len(classes), count)
    return Listed(noise(count), labels, classes=classes, **options)


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def numbers(manifest):
    return [int(name.removeprefix("it/").removesuffix(".png")) for name in manifest["source"]]


@pytest.fixture
def made(tmp_path):
    """(source, what dataset.json says, data, manifest) of one preparation that changes no pixel."""
    source = labelled()
    description = prepare(source, DataSettings(heldout_share=0.3), tmp_path / "it")
    return source, description, open_prepared(tmp_path / "it"), pd.read_parquet(tmp_path / "it" / "manifest.parquet")


def test_every_pixel_and_label_comes_through(made):
    source, _, data, manifest = made
    order = numbers(manifest)
    assert sorted(order) == list(range(60))
    np.testing.assert_array_equal(np.concatenate([data.train.pixels, data.heldout.pixels]), source.pixels[order])
    np.testing.assert_array_equal(np.concatenate([data.train.labels, data.heldout.labels]), source.labels[order])
    assert data.classes == ("cat", "dog")


def test_training_pictures_come_first_and_both_sides_keep_their_order(made):
    _, _, data, manifest = made
    n_train = len(data.train)
    assert manifest["split"].tolist() == ["train"] * n_train + ["heldout"] * len(data.heldout)
    assert numbers(manifest)[:n_train] == sorted(numbers(manifest)[:n_train])
    assert numbers(manifest)[n_train:] == sorted(numbers(manifest)[n_train:])
    assert len(data.heldout) > 5


def test_the_manifest_has_a_row_for_each_picture_from_which_the_split_can_be_recomputed(made):
    source, _, _, manifest = made
    assert manifest.columns.tolist() == COLUMNS
    for row in manifest.itertuples():
        picture = source.pixels[int(row.source.removeprefix("it/").removesuffix(".png"))]
        assert row.sha256 == pixel_digest(picture).hex()
        assert row.split == ("heldout" if is_heldout(bytes.fromhex(row.sha256), seed=0, share=0.3) else "train")
        assert row.class_name == ("cat", "dog")[row.label]
        assert (row.height, row.width, row.mode, row.done) == (4, 3, "L", "read")


def test_the_description_counts_what_is_there(made):
    _, description, data, manifest = made
    assert description["shape"] == [1, 4, 3]
    assert description["counts"] == {"train": len(data.train), "heldout": len(data.heldout)}
    for split, counts in description["class_counts"].items():
        assert counts == manifest[manifest["split"] == split]["class_name"].value_counts().sort_index().to_dict()
    assert description["source"] == {"name": "digits", "ignored_files": 3}
    assert description["preparation"]["resized"] == 0


def test_the_digest_is_of_shape_classes_split_pixels_and_labels(made, tmp_path):
    source, description, data, _ = made
    head = json.dumps([[60, 1, 4, 3], ["cat", "dog"], len(data.train)]).encode()
    pixels = data.train.pixels.tobytes() + data.heldout.pixels.tobytes()
    labels = np.concatenate([data.train.labels, data.heldout.labels]).tobytes()
    assert description["digest"] == data.digest == sha256(head + pixels + labels).hexdigest()
    options = DataSettings(heldout_share=0.3)
    other_pixel, other_label = source.pixels.copy(), source.labels.copy()
    other_pixel[0, 0, 0, 0] ^= 1
    other_label[0] ^= 1
    others = [
        prepare(Listed(other_pixel, source.labels, classes=source.classes), options, tmp_path / "o"),
        prepare(Listed(source.pixels, other_label, classes=source.classes), options, tmp_path / "o"),
        prepare(Listed(source.pixels, source.labels, classes=("cat", "cow")), options, tmp_path / "o"),
        prepare(source, DataSettings(heldout_share=0.7), tmp_path / "o"),
    ]
    assert len({description["digest"], *(other["digest"] for other in others)}) == 5


@pytest.mark.parametrize("options", [{}, {"resolution": 5}, {"resolution": (6, 2), "channels": 3}])
def test_neither_repetition_nor_batches_nor_pieces_change_a_byte(tmp_path, monkeypatch, options):
    chosen = DataSettings(heldout_share=0.45, **options)
    prepare(labelled(), chosen, tmp_path / "once")
    prepare(labelled(), chosen, tmp_path / "again")
    prepare(labelled(step=1), chosen, tmp_path / "singly")
    monkeypatch.setattr(preparation, "PIECE_BYTES", 40)
    prepare(labelled(step=11), chosen, tmp_path / "pieces")
    once = content(tmp_path / "once")
    assert sorted(once) == FILES
    for other in ("again", "singly", "pieces"):
        assert content(tmp_path / other) == once


@settings(deadline=None, max_examples=25)
@given(st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=40), st.integers(0, 5), st.data())
def test_more_pictures_move_no_old_one_across_the_split(tmp_path_factory, pictures, seed, data):
    # The first two make sure that neither side is empty: such a pair is searched for.
    sides = {is_heldout(pixel_digest(one), seed=seed, share=0.5): one for one in noise(64, 1, 2, 2)}
    all_pictures = [*sides.values(), *(np.frombuffer(p, np.uint8).reshape(1, 2, 2) for p in pictures)]
    some = data.draw(st.integers(2, len(all_pictures)))
    shuffled = [*all_pictures[:2], *data.draw(st.permutations(all_pictures[2:]))]
    folder = tmp_path_factory.mktemp("split")
    sides_of = {}
    for name, chosen in (("few", all_pictures[:some]), ("many", shuffled)):
        prepare(Listed(np.stack(chosen)), DataSettings(heldout_share=0.5, seed=seed), folder / name)
        frame = pd.read_parquet(folder / name / "manifest.parquet")
        assert frame.groupby("sha256")["split"].nunique().max() == 1, "a duplicate straddles the split"
        sides_of[name] = dict(zip(frame["sha256"], frame["split"], strict=True))
    assert sides_of["few"].items() <= sides_of["many"].items()


def test_the_split_looks_at_the_source_and_not_at_what_is_made_of_it(tmp_path):
    splits = []
    for options in ({}, {"resolution": 2}, {"channels": 3}):
        prepare(labelled(), DataSettings(heldout_share=0.3, **options), tmp_path / "it")
        splits.append(pd.read_parquet(tmp_path / "it" / "manifest.parquet")[["source", "split", "sha256"]])
    assert splits[0].equals(splits[1])
    assert splits[0].equals(splits[2])


def test_what_was_done_is_recorded(tmp_path):
    description = prepare(labelled(), DataSettings(heldout_share=0.3, resolution=2, channels=3), tmp_path / "it")
    manifest = pd.read_parquet(tmp_path / "it" / "manifest.parquet")
    assert set(manifest["done"]) == {"read; cropped to 3x3; resized to 2x2; to RGB"}
    assert (manifest["height"].unique().tolist(), manifest["width"].unique().tolist()) == ([4], [3])
    done = description["preparation"]
    assert (done["channels"], done["resolution"], done["cropped"], done["resized"]) == (3, [2, 2], 60, 60)
    assert (done["heldout_share"], done["heldout_seed"]) == (0.3, 0)
    assert open_prepared(tmp_path / "it").image_shape == (3, 2, 2)


def test_without_labels_there_are_no_classes(tmp_path):
    description = prepare(Listed(noise(40)), DataSettings(heldout_share=0.5), tmp_path / "it")
    data = open_prepared(tmp_path / "it")
    assert (description["classes"], description["class_counts"]) == ([], {"train": {}, "heldout": {}})
    assert set(data.train.labels.tolist()) == {-1}
    assert pd.read_parquet(tmp_path / "it" / "manifest.parquet")["class_name"].isna().all()


def test_a_class_that_a_split_lacks_is_recorded_as_none(tmp_path):
    labels = np.zeros(40, np.int64)
    labels[0] = 2
    source = Listed(noise(40), labels, classes=("cat", "cow", "dog"))
    counts = prepare(source, DataSettings(heldout_share=0.3), tmp_path / "it")["class_counts"]
    assert sorted(split["dog"] for split in counts.values()) == [0, 1]
    assert counts["train"]["cow"] == counts["heldout"]["cow"] == 0


@pytest.mark.parametrize(("share", "side"), [(1e-9, "held out"), (1 - 1e-9, "kept for training")])
def test_an_empty_side_is_a_mistake(tmp_path, share, side):
    with pytest.raises(UserError, match=rf"^data\.heldout_share of .* leaves none of the 60 pictures {side}"):
        prepare(labelled(), DataSettings(heldout_share=share), tmp_path / "it")


def test_a_source_without_pictures_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="finds no picture"):
        prepare(Listed(noise(0)), DataSettings(), tmp_path / "it")


@pytest.mark.parametrize("breaks_after", [0, 20])
def test_a_mistake_in_the_source_leaves_the_earlier_data_as_it_was(tmp_path, breaks_after):
    prepare(labelled(), DataSettings(heldout_share=0.3), tmp_path / "it")
    before = content(tmp_path / "it")
    with pytest.raises(UserError, match="this picture is broken"):
        prepare(labelled(breaks_after=breaks_after), DataSettings(heldout_share=0.3), tmp_path / "it")
    assert content(tmp_path / "it") == before
    assert [file.name for file in tmp_path.iterdir()] == ["it"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve room in a file")
def test_a_full_disk_is_an_error_before_the_first_pixel_is_written(tmp_path, monkeypatch):
    reserved = []

    def full(descriptor, offset, length):
        reserved.append((offset, length))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(preparation.ImagesFile, "add", None)
    with pytest.raises(OSError, match="No space left"):
        prepare(labelled(), DataSettings(heldout_share=0.3), tmp_path / "it")
    assert reserved == [(0, 128 + 60 * 12)]
    assert list(tmp_path.iterdir()) == []


def test_the_default_data_are_the_digits_at_sixteen_pixels(tmp_path):
    chosen = DataSettings(resolution=16, channels=1)
    description = prepare(build_source(chosen), chosen, tmp_path / "it")
    data = open_prepared(tmp_path / "it")
    assert data.image_shape == (1, 16, 16)
    assert len(data.train) + len(data.heldout) == 1797
    assert 0.17 < len(data.heldout) / 1797 < 0.23
    assert min(min(counts.values()) for counts in description["class_counts"].values()) > 20
