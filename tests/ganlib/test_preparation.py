"""Laws of data/prepared: the array, the split, the manifest and the digest belong together."""

import errno
import json
import os
import zlib
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib import arrays, preparation, working
from ganlib.datasets import NOT_AN_IMAGE, REASONS, TRUNCATED, Batch, Contents, Job, Refused, Source, build_source
from ganlib.errors import UserError
from ganlib.prepared import open_prepared
from ganlib.settings import DataSettings
from ganlib.working import are_heldout, pixel_digest

COLUMNS = [
    "source", "kept", "reason", "detail", "index", "split", "sha256", "phash", "label", "class_name", "width", "height",
    "mode", "duplicate_of", "done",
]  # fmt: skip
FILES = ["dataset.json", "images.npy", "labels.npy", "manifest.parquet"]


@dataclass(frozen=True)
class Pile(Job):
    """Items in memory: a batch, a refusal, or a mistake to be raised."""

    items: tuple[Batch | Refused | UserError, ...]

    def run(self):
        for item in self.items:
            if isinstance(item, UserError):
                raise item
            yield item


class Listed(Source):
    """Pictures in memory, in jobs of `step`."""

    def __init__(self, pixels, labels=None, *, classes=(), step=7, breaks_after=None):
        self.pixels, self.classes, self.step, self.breaks_after = pixels, classes, step, breaks_after
        self.labels = np.full(len(pixels), -1) if labels is None else labels

    def open(self, scratch):
        assert list(scratch.iterdir()) == []
        return Contents(count=len(self.pixels), classes=tuple(self.classes), jobs=self.jobs(), notes=("listed",))

    def jobs(self):
        jobs = []
        for first in range(0, len(self.pixels), self.step):
            part = slice(first, first + self.step)
            names = [f"it/{i}.png" for i in range(first, min(first + self.step, len(self.pixels)))]
            batch = Batch(pixels=self.pixels[part], labels=self.labels[part], names=names, mode="L", done=("read",))
            broken = self.breaks_after is not None and first >= self.breaks_after
            jobs.append(Pile((UserError("this picture is broken."),) if broken else (batch,)))
        return jobs


class Mixed(Source):
    """Pictures of any sizes and kinds, one job each, and files that are none."""

    def __init__(self, *items, others=(), decodes=False):
        self.items, self.others, self.decodes = items, others, decodes

    def open(self, scratch):
        jobs = [Pile((item,)) for item in self.items]
        return Contents(count=len(jobs), classes=(), jobs=jobs, others=self.others)


def one(name, channels=1, height=8, width=8, seed=None):
    rng = np.random.default_rng(zlib.crc32(name.encode()) if seed is None else seed)
    return Batch(rng.integers(0, 256, (1, channels, height, width), np.uint8), np.array([-1]), [name], "L")


def several(count, prefix="it", **options):
    return [one(f"{prefix}/{i}", **options) for i in range(count)]


def chosen(**options):
    """Settings for the small pictures of these tests."""
    return DataSettings(**{"min_side": 1, "heldout_share": 0.3, **options})


def prepare(source, options, folder, **more):
    return preparation.prepare(source, options, folder, **more).description


def manifest_of(folder):
    frame = pd.read_parquet(folder / "manifest.parquet").astype(object)
    return frame.where(frame.notna(), None)


def is_heldout(digest, *, seed, share):
    return are_heldout([digest], seed=seed, share=share)[0]


def noise(count, channels=1, height=4, width=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, channels, height, width), np.uint8)


def labelled(count=60, classes=("cat", "dog"), **options):
    labels = np.random.default_rng(1).integers(0, len(classes), count)
    return Listed(noise(count), labels, classes=classes, **options)


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def numbers(manifest):
    """Which picture of the source stands at each place of the array."""
    manifest = manifest[manifest["kept"]].sort_values("index")
    return [int(name.removeprefix("it/").removesuffix(".png")) for name in manifest["source"]]


@pytest.fixture
def made(tmp_path):
    """(source, what dataset.json says, data, manifest) of one preparation that changes no pixel."""
    source = labelled()
    description = prepare(source, chosen(), tmp_path / "it")
    return source, description, open_prepared(tmp_path / "it"), manifest_of(tmp_path / "it")


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
    ordered = manifest.sort_values("index")
    assert ordered["split"].tolist() == ["train"] * n_train + ["heldout"] * len(data.heldout)
    assert numbers(manifest)[:n_train] == sorted(numbers(manifest)[:n_train])
    assert numbers(manifest)[n_train:] == sorted(numbers(manifest)[n_train:])
    assert len(data.heldout) > 5


def test_the_manifest_has_a_row_for_each_picture_from_which_the_split_can_be_recomputed(made):
    source, _, _, manifest = made
    assert manifest.columns.tolist() == COLUMNS
    assert manifest["source"].tolist() == [f"it/{i}.png" for i in range(60)]
    for row in manifest.itertuples():
        picture = source.pixels[int(row.source.removeprefix("it/").removesuffix(".png"))]
        assert row.sha256 == pixel_digest(picture).hex()
        assert row.split == ("heldout" if is_heldout(bytes.fromhex(row.sha256), seed=0, share=0.3) else "train")
        assert row.class_name == ("cat", "dog")[row.label]
        assert (row.height, row.width, row.mode, row.done) == (4, 3, "L", "read")
        assert (row.kept, row.reason, row.detail, row.duplicate_of) == (True, None, None, None)
        assert len(row.phash) == 16


def test_the_description_counts_what_is_there(made):
    _, description, data, manifest = made
    assert description["shape"] == [1, 4, 3]
    assert description["counts"] == {"train": len(data.train), "heldout": len(data.heldout)}
    for split, counts in description["class_counts"].items():
        assert counts == manifest[manifest["split"] == split]["class_name"].value_counts().sort_index().to_dict()
    assert description["kind"] == "pictures"
    assert description["source"] == {"name": "digits", "files": 60, "kept": 60, "refused": {}, "notes": ["listed"]}
    assert description["preparation"]["resized"] == 0


def test_the_digest_is_of_shape_classes_split_pixels_and_labels(made, tmp_path):
    source, description, data, _ = made
    head = json.dumps([[60, 1, 4, 3], ["cat", "dog"], len(data.train)]).encode()
    pixels = data.train.pixels.tobytes() + data.heldout.pixels.tobytes()
    labels = np.concatenate([data.train.labels, data.heldout.labels]).tobytes()
    assert description["digest"] == data.digest == sha256(head + pixels + labels).hexdigest()
    options = chosen()
    other_pixel, other_label = source.pixels.copy(), source.labels.copy()
    other_pixel[0, 0, 0, 0] ^= 1
    other_label[0] ^= 1
    others = [
        prepare(Listed(other_pixel, source.labels, classes=source.classes), options, tmp_path / "o"),
        prepare(Listed(source.pixels, other_label, classes=source.classes), options, tmp_path / "o"),
        prepare(Listed(source.pixels, source.labels, classes=("cat", "cow")), options, tmp_path / "o"),
        prepare(source, chosen(heldout_share=0.7), tmp_path / "o"),
    ]
    assert len({description["digest"], *(other["digest"] for other in others)}) == 5


@pytest.mark.parametrize("options", [{}, {"resolution": 5}, {"resolution": (6, 2), "channels": 3}, {"mirror": True}])
def test_neither_repetition_nor_batches_nor_pieces_change_a_byte(tmp_path, monkeypatch, options):
    wanted = chosen(heldout_share=0.45, **options)
    prepare(labelled(), wanted, tmp_path / "once")
    prepare(labelled(), wanted, tmp_path / "again")
    prepare(labelled(step=1), wanted, tmp_path / "singly")
    monkeypatch.setattr(arrays, "PIECE_BYTES", 40)
    monkeypatch.setattr(working, "PIECE_BYTES", 40)
    monkeypatch.setattr("ganlib.manifest.ROWS", 1 << 16)
    prepare(labelled(step=11), wanted, tmp_path / "pieces")
    once = content(tmp_path / "once")
    assert sorted(once) == FILES
    for other in ("again", "singly", "pieces"):
        assert content(tmp_path / other) == once


@settings(deadline=None, max_examples=25)
@given(st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=40), st.integers(0, 5), st.data())
def test_more_pictures_move_no_old_one_across_the_split(tmp_path_factory, pictures, seed, data):
    # Whether any look alike is beside the point here: pictures of four pixels often do.
    # The first two make sure that neither side is empty: such a pair is searched for.
    sides = {is_heldout(pixel_digest(one), seed=seed, share=0.5): one for one in noise(64, 1, 2, 2)}
    all_pictures = [*sides.values(), *(np.frombuffer(p, np.uint8).reshape(1, 2, 2) for p in pictures)]
    some = data.draw(st.integers(2, len(all_pictures)))
    shuffled = [*all_pictures[:2], *data.draw(st.permutations(all_pictures[2:]))]
    folder = tmp_path_factory.mktemp("split")
    sides_of = {}
    for name, some_pictures in (("few", all_pictures[:some]), ("many", shuffled)):
        prepare(Listed(np.stack(some_pictures)), chosen(heldout_share=0.5, seed=seed), folder / name)
        frame = pd.read_parquet(folder / name / "manifest.parquet")
        frame = frame[frame["kept"]]
        assert frame["sha256"].is_unique, "a duplicate is there twice"
        sides_of[name] = dict(zip(frame["sha256"], frame["split"], strict=True))
    assert sides_of["few"].items() <= sides_of["many"].items()


def test_the_split_looks_at_the_source_and_not_at_what_is_made_of_it(tmp_path):
    splits = []
    for options in ({}, {"resolution": 2}, {"channels": 3}):
        prepare(labelled(), chosen(heldout_share=0.3, **options), tmp_path / "it")
        splits.append(manifest_of(tmp_path / "it")[["source", "split", "sha256"]])
    assert splits[0].equals(splits[1])
    assert splits[0].equals(splits[2])


def test_what_was_done_is_recorded(tmp_path):
    description = prepare(labelled(), chosen(heldout_share=0.3, resolution=2, channels=3), tmp_path / "it")
    manifest = manifest_of(tmp_path / "it")
    assert set(manifest["done"]) == {"read; cropped to 3x3; resized to 2x2; to RGB"}
    assert (manifest["height"].unique().tolist(), manifest["width"].unique().tolist()) == ([4], [3])
    done = description["preparation"]
    assert (done["channels"], done["resolution"], done["cropped"], done["resized"]) == (3, [2, 2], 60, 60)
    assert (done["heldout_share"], done["heldout_seed"]) == (0.3, 0)
    assert open_prepared(tmp_path / "it").image_shape == (3, 2, 2)


def test_without_labels_there_are_no_classes(tmp_path):
    description = prepare(Listed(noise(40)), chosen(heldout_share=0.5), tmp_path / "it")
    data = open_prepared(tmp_path / "it")
    assert (description["classes"], description["class_counts"]) == ([], {"train": {}, "heldout": {}})
    assert set(data.train.labels.tolist()) == {-1}
    assert manifest_of(tmp_path / "it")["class_name"].isna().all()


def test_a_class_that_a_split_lacks_is_recorded_as_none(tmp_path):
    labels = np.zeros(40, np.int64)
    sides = [is_heldout(pixel_digest(picture), seed=0, share=0.3) for picture in noise(40)]
    labels[[number for number, side in enumerate(sides) if not side][:2]] = 2
    source = Listed(noise(40), labels, classes=("cat", "cow", "dog"))
    counts = prepare(source, chosen(), tmp_path / "it")["class_counts"]
    assert (counts["train"]["dog"], counts["heldout"]["dog"]) == (2, 0)
    assert counts["train"]["cow"] == counts["heldout"]["cow"] == 0


@pytest.mark.parametrize(("share", "side"), [(1e-9, "held out"), (1 - 1e-9, "kept for training")])
def test_an_empty_side_is_a_mistake(tmp_path, share, side):
    with pytest.raises(UserError, match=rf"^data\.heldout_share of .* leaves none of the 60 pictures {side}"):
        prepare(labelled(), chosen(heldout_share=share), tmp_path / "it")


def test_a_source_without_pictures_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="finds no picture"):
        prepare(Listed(noise(0)), chosen(), tmp_path / "it")


@pytest.mark.parametrize("breaks_after", [0, 20])
def test_a_mistake_in_the_source_leaves_the_earlier_data_as_it_was(tmp_path, breaks_after):
    prepare(labelled(), chosen(), tmp_path / "it")
    before = content(tmp_path / "it")
    with pytest.raises(UserError, match="this picture is broken"):
        prepare(labelled(breaks_after=breaks_after), chosen(), tmp_path / "it")
    assert content(tmp_path / "it") == before
    assert [file.name for file in tmp_path.iterdir()] == ["it"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve room in a file")
def test_a_full_disk_is_an_error_before_the_first_pixel_is_written(tmp_path, monkeypatch):
    reserved = []

    def full(descriptor, offset, length):
        reserved.append((offset, length))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(arrays.ImagesFile, "add", None)
    with pytest.raises(OSError, match="No space left"):
        prepare(labelled(), chosen(), tmp_path / "it")
    assert reserved == [(0, 128 + 60 * 12)]
    assert list(tmp_path.iterdir()) == []


def test_the_default_data_are_the_digits_at_sixteen_pixels(tmp_path):
    wanted = DataSettings(resolution=16, channels=1)
    description = prepare(build_source(wanted), wanted, tmp_path / "it")
    data = open_prepared(tmp_path / "it")
    assert data.image_shape == (1, 16, 16)
    assert len(data.train) + len(data.heldout) == 1797
    assert 0.17 < len(data.heldout) / 1797 < 0.23
    assert min(min(counts.values()) for counts in description["class_counts"].values()) > 20


def broken(name, reason=TRUNCATED):
    return Refused(name, reason, f"{name} is broken; repair it.")


def test_a_file_that_cannot_be_used_ends_the_preparation_or_is_left_out_and_counted(tmp_path):
    source = Mixed(*several(9), broken("it/x.png"), *several(9, "more"), broken("it/y.png"))
    with pytest.raises(
        UserError, match=r"^it/x\.png is broken; repair it\. \(data\.on_bad: skip leaves such files out"
    ):
        prepare(source, chosen(), tmp_path / "it")
    assert list(tmp_path.iterdir()) == []
    description = prepare(source, chosen(on_bad="skip"), tmp_path / "it")
    assert description["source"] == {
        "name": "digits", "files": 20, "kept": 18, "refused": {"truncated": 2}, "notes": [],
    }  # fmt: skip
    row = manifest_of(tmp_path / "it").set_index("source").loc["it/x.png"]
    assert (row["kept"], row["reason"], row["detail"]) == (False, "truncated", "it/x.png is broken; repair it.")
    assert [row[name] for name in ("index", "split", "sha256", "phash", "width", "height", "mode")] == [None] * 7


def test_where_the_source_lies_is_no_part_of_the_data(tmp_path):
    item = Refused("it/x.png", TRUNCATED, "/home/me/it/x.png is a broken picture (it/x.png ends); repair it.")
    prepare(Mixed(*several(9), item), chosen(on_bad="skip"), tmp_path / "it")
    row = manifest_of(tmp_path / "it").set_index("source").loc["it/x.png"]
    assert row["detail"] == "it/x.png is a broken picture (it/x.png ends); repair it."


def test_texts_between_the_pictures_are_rows_of_the_manifest_and_no_mistake(tmp_path):
    source = Mixed(*several(9), others=(Refused("it/notes.txt", NOT_AN_IMAGE, "it/notes.txt is no picture."),))
    description = prepare(source, chosen(), tmp_path / "it")
    assert description["source"]["refused"] == {"not an image": 1}
    assert manifest_of(tmp_path / "it").set_index("source").loc["it/notes.txt"]["reason"] == "not an image"


def test_too_few_pictures_are_no_data_set(tmp_path):
    source = Mixed(*several(3), broken("x"), broken("y", "too small"), broken("z"))
    expected = r"^Only 3 of 6 files are left \(2 truncated, 1 too small\), and data\.min_images is 4;"
    with pytest.raises(UserError, match=expected):
        prepare(source, chosen(on_bad="skip", min_images=4), tmp_path / "it")
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_used_the_first_complaint_is_told(tmp_path):
    with pytest.raises(UserError, match=r"^None of 2 files could be used; the first: x is broken"):
        prepare(Mixed(broken("x"), broken("y")), chosen(on_bad="skip"), tmp_path / "it")


def test_a_class_with_one_picture_is_a_mistake(tmp_path):
    labels = np.zeros(40, np.int64)
    labels[7] = 1
    with pytest.raises(UserError, match=r"^The class 'dog' has one picture \(it/7\.png\)"):
        prepare(Listed(noise(40), labels, classes=("cat", "dog")), chosen(), tmp_path / "it")


def test_a_class_that_we_drew_rarely_is_none(tmp_path):
    class Drawn(Listed):
        def open(self, scratch):
            return replace(super().open(scratch), drawn=True)

    labels = np.zeros(40, np.int64)
    labels[7] = 1
    description = prepare(Drawn(noise(40), labels, classes=("cat", "dog")), chosen(), tmp_path / "it")
    assert sum(split["dog"] for split in description["class_counts"].values()) == 1


def test_an_exact_duplicate_is_kept_once_and_says_whose_it_is(tmp_path):
    copies = [replace(one("it/3"), names=["copy"]), replace(one("it/3"), names=["colour"])]
    copies[1] = replace(copies[1], pixels=copies[1].pixels.repeat(3, axis=1), mode="RGB")
    description = prepare(Mixed(*several(9), *copies), chosen(channels=1), tmp_path / "it")
    manifest = manifest_of(tmp_path / "it").set_index("source")
    assert description["source"]["refused"] == {"exact duplicate": 2}
    for name in ("copy", "colour"):
        row = manifest.loc[name]
        assert (row["kept"], row["reason"], row["duplicate_of"]) == (False, "exact duplicate", "it/3")
        assert row["sha256"] == manifest.loc["it/3"]["sha256"]
    assert len(open_prepared(tmp_path / "it").train) + len(open_prepared(tmp_path / "it").heldout) == 9


def brighter(batch, name):
    return replace(batch, pixels=(batch.pixels * 0.8 + 20).astype(np.uint8), names=[name])


@pytest.mark.parametrize("wanted", ["keep", "drop"])
def test_a_near_duplicate_is_reported_and_dropped_where_that_is_wanted(tmp_path, wanted):
    pictures = several(30, height=16, width=16)
    source = Mixed(*pictures, brighter(pictures[4], "again"), brighter(pictures[4], "and again"))
    pixels = {batch.names[0]: batch.pixels for batch in source.items}
    assert not np.array_equal(pixels["again"], pixels["it/4"])
    source = Mixed(*source.items[:-1], replace(source.items[-1], pixels=source.items[-1].pixels + np.uint8(3)))
    prepared = preparation.prepare(source, chosen(near_duplicates=wanted), tmp_path / "it")
    manifest = manifest_of(tmp_path / "it").set_index("source")
    assert prepared.description["preparation"]["near_duplicates"]["pairs"] == 3
    assert [(pair.first, pair.second) for pair in prepared.near_pairs] == [
        ("it/4", "again"), ("it/4", "and again"), ("again", "and again"),
    ]  # fmt: skip
    np.testing.assert_array_equal(prepared.near_pairs[0].second_pixels, pixels["again"][0])
    kept = wanted == "keep"
    for name in ("again", "and again"):
        row = manifest.loc[name]
        assert (row["kept"], row["duplicate_of"]) == (kept, "it/4")
        assert row["reason"] == (None if kept else "near duplicate")
    data = open_prepared(tmp_path / "it")
    array = np.concatenate([data.train.pixels, data.heldout.pixels])
    assert len(array) == (32 if kept else 30)
    for name, row in manifest[manifest["kept"]].iterrows():
        if name != "and again":
            np.testing.assert_array_equal(array[int(row["index"])], pixels[name][0])


def test_of_near_duplicates_in_a_row_each_is_compared_with_what_stays():
    from ganlib.lookalikes import _later_ones

    assert _later_ones(np.array([[0, 1], [1, 2], [2, 3]])).tolist() == [1, 3]
    assert _later_ones(np.array([[0, 1], [0, 2], [1, 2]])).tolist() == [1, 2]
    assert _later_ones(np.zeros((0, 2), np.int64)).tolist() == []


def test_mirrored_pictures_follow_their_own_side(tmp_path):
    source = labelled()
    plain = prepare(source, chosen(), tmp_path / "plain")
    mirrored = prepare(source, chosen(mirror=True), tmp_path / "mirrored")
    assert mirrored["counts"] == {side: 2 * count for side, count in plain["counts"].items()}
    before, after = open_prepared(tmp_path / "plain"), open_prepared(tmp_path / "mirrored")
    for old, new in ((before.train, after.train), (before.heldout, after.heldout)):
        np.testing.assert_array_equal(new.pixels, np.concatenate([old.pixels, old.pixels[..., ::-1]]))
        np.testing.assert_array_equal(new.labels, np.tile(old.labels, 2))
    manifest = manifest_of(tmp_path / "mirrored")
    array = np.concatenate([after.train.pixels, after.heldout.pixels])
    for number, index in enumerate(manifest["index"]):
        np.testing.assert_array_equal(array[index], source.pixels[number])


@pytest.mark.parametrize(
    ("kinds", "alpha", "channels"),
    [
        ((1, 1), "white", 1),
        ((1, 3), "white", 3),
        ((3, 1), "white", 3),
        ((4, 1), "white", 3),
        ((1, 2), "white", 1),
        ((1, 2), "#ff0000", 3),
        ((1, 2), "keep", 2),
        ((1, 3), "keep", 3),
        ((2, 3), "keep", 4),
        ((1, 4), "keep", 4),
    ],
)
def test_auto_takes_the_fewest_channels_in_which_nothing_is_lost(tmp_path, kinds, alpha, channels):
    source = Mixed(*several(9, channels=kinds[0]), *several(9, "other", channels=kinds[1]))
    assert prepare(source, chosen(alpha=alpha), tmp_path / "it")["shape"] == [channels, 8, 8]
    grey = open_prepared(tmp_path / "it").train.pixels[0]
    if kinds[0] == 1 and channels >= 3:
        np.testing.assert_array_equal(grey[0], grey[2])


def test_a_short_side_is_too_small(tmp_path):
    source = Mixed(*several(9), one("slim", height=30, width=7))
    with pytest.raises(UserError, match=r"^slim is 30x7 pixels \(height x width\) and data\.min_side 8;"):
        prepare(source, chosen(min_side=8, resolution=8), tmp_path / "it")
    prepare(source, chosen(min_side=8, resolution=8, on_bad="skip"), tmp_path / "it")
    row = manifest_of(tmp_path / "it").set_index("source").loc["slim"]
    assert (row["reason"], row["height"], row["width"]) == ("too small", 30, 7)


def test_a_first_picture_that_is_too_small_sets_no_size(tmp_path):
    source = Mixed(one("dot", height=1, width=1), *several(9))
    assert prepare(source, chosen(min_side=8, on_bad="skip"), tmp_path / "it")["shape"] == [1, 8, 8]
    with pytest.raises(UserError, match=r"^None of 1 files could be used; the first: dot is 1x1 pixels"):
        prepare(Mixed(one("dot", height=1, width=1)), chosen(min_side=8, on_bad="skip"), tmp_path / "it")


def test_another_size_needs_a_resolution_or_a_way_to_fit(tmp_path):
    source = Mixed(*several(9), one("large", height=9, width=8))
    with pytest.raises(UserError, match=r"^large is 9x8 pixels .* and it/0 8x8; set data\.resolution to the size that"):
        prepare(source, chosen(), tmp_path / "it")
    with pytest.raises(
        UserError, match=r"^large is 9x8 .*, data\.resolution 8x8, and data\.fit none; set data\.fit to"
    ):
        prepare(source, chosen(resolution=8, fit="none"), tmp_path / "it")
    description = prepare(source, chosen(on_bad="skip"), tmp_path / "it")
    assert description["source"]["refused"] == {"other size": 1}
    for fit in ("center_crop", "pad", "stretch"):
        assert prepare(source, chosen(resolution=8, fit=fit), tmp_path / "it")["source"]["refused"] == {}


@pytest.mark.parametrize("options", [{}, {"near_duplicates": "drop", "on_bad": "skip", "resolution": 6}])
def test_worker_processes_change_no_byte(tmp_path, monkeypatch, options):
    monkeypatch.setattr(preparation, "FEW", 10)
    pictures = several(40, height=16, width=16)
    items = [*pictures, one("colour", channels=3, height=16, width=16), brighter(pictures[3], "again"), pictures[5]]
    items[20:20] = [] if not options else [broken("x")]
    for processes in (1, 2, 3):
        prepare(Mixed(*items, decodes=True), chosen(**options), tmp_path / str(processes), processes=processes)
    assert content(tmp_path / "1") == content(tmp_path / "2") == content(tmp_path / "3")


def test_small_batches_before_a_large_one_of_their_kind_keep_their_place(tmp_path):
    large = Batch(noise(1200, 1, 8, 8, seed=5), np.full(1200, -1), [f"large/{i}" for i in range(1200)], "L")
    assert large.pixels.nbytes > working.SMALL_BYTES
    names = [f"it/{i}" for i in range(9)] + large.names + [f"more/{i}" for i in range(9)]

    class Run(Source):
        def open(self, scratch):
            return Contents(1218, (), [Pile((*several(9), large, *several(9, "more")))])

    prepare(Run(), chosen(), tmp_path / "it")
    assert manifest_of(tmp_path / "it")["source"].tolist() == names


def test_points_keep_their_values(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 2, 1, 1)).astype(np.float32)
    description = prepare(Listed(values, np.arange(50) % 5, classes=tuple("abcde")), chosen(), tmp_path / "it")
    array = np.load(tmp_path / "it" / "images.npy")
    assert (description["kind"], description["shape"], array.dtype) == ("points", [2, 1, 1], np.float32)
    np.testing.assert_array_equal(array[manifest_of(tmp_path / "it")["index"].astype(int)], values)
    assert manifest_of(tmp_path / "it")["phash"].isna().all()


def test_every_reason_is_one_of_the_documented_ones():
    assert len(set(REASONS)) == len(REASONS) == 9
