"""Laws of the IDX format, and a sentence for every way in which its files can be wrong."""

import gzip
import io
import os
import struct
from hashlib import md5
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ganlib.datasets import idx
from ganlib.datasets.idx import IMAGES, LABELS, MNIST, Idx
from ganlib.errors import UserError

REAL = Path(os.environ.get("GANLIB_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "mnist"
# As published with the data, of the uncompressed files.
PUBLISHED_MD5 = {
    f"train-{IMAGES}": "6bbc9ace898e44ae57da46a324031adb",
    f"train-{LABELS}": "a25bea736e30d166cdddb491f175f624",
    f"t10k-{IMAGES}": "2646ac647ad5339dbf082846283269ea",
    f"t10k-{LABELS}": "27ae3e4e09519cfbb04c329615203637",
}


def encoded(array, magic=None):
    """An array of unsigned bytes as an IDX file."""
    return struct.pack(f">{1 + array.ndim}I", magic or 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write(folder, train, t10k, *, pack=lambda content: content, suffix="", spelling="-idx"):
    folder.mkdir(parents=True, exist_ok=True)
    for part, (images, labels) in (("train", train), ("t10k", t10k)):
        for name, array in ((IMAGES, images), (LABELS, labels)):
            file = folder / f"{part}-{name}{suffix}".replace("-idx", spelling)
            file.write_bytes(pack(encoded(np.asarray(array, np.uint8))))
    return folder


def some(count, height=3, width=2, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, height, width), np.uint8), random.integers(0, 4, count, np.uint8)


def read(folder):
    contents = Idx(path=str(folder)).open()
    batches = list(contents.batches)
    pixels = np.concatenate([batch.pixels for batch in batches])
    return contents, pixels, np.concatenate([batch.labels for batch in batches]), [n for b in batches for n in b.names]


@settings(deadline=None, max_examples=30)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))),
    st.integers(0, 255),
    st.integers(1, 60),
)
def test_what_is_written_is_read_in_batches_of_any_size(tmp_path_factory, images, top, batch_bytes):
    labels = np.full(len(images), top, np.uint8)
    folder = write(tmp_path_factory.mktemp("idx"), (images, labels), (images[:1], labels[:1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idx, "BATCH_BYTES", batch_bytes)
        contents, pixels, read_labels, names = read(folder)
    np.testing.assert_array_equal(pixels[:, 0], np.concatenate([images, images[:1]]))
    assert read_labels.tolist() == [top] * (len(images) + 1)
    assert (contents.count, contents.classes) == (len(images) + 1, tuple(str(k) for k in range(top + 1)))
    assert names[0] == f"train-{IMAGES}[0]"
    assert names[-1] == f"t10k-{IMAGES}[0]"
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("spelling", ["-idx", ".idx"])
@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".gz", gzip.compress), (".gz", bytes), ("", gzip.compress)],
    ids=["raw", "gzipped", "raw though named .gz", "gzipped though not named so"],
)
def test_every_usual_way_to_store_the_files_gives_the_same(tmp_path, spelling, suffix, pack):
    plain = read(write(tmp_path / "plain", some(5), some(3, seed=1)))
    other = read(write(tmp_path / "other", some(5), some(3, seed=1), pack=pack, suffix=suffix, spelling=spelling))
    for a, b in zip(plain[1:3], other[1:3], strict=True):
        np.testing.assert_array_equal(a, b)


def broken(folder, file, change):
    path = folder / file
    path.write_bytes(change(path.read_bytes()))
    return folder


MISTAKES = {
    "labels in the place of pictures": (
        f"train-{IMAGES}",
        lambda _: encoded(np.zeros(5, np.uint8)),
        "starts with 0000080",
    ),
    "not IDX": (f"t10k-{LABELS}", lambda _: b"<html>404</html>", r"starts with 3c68746d.*right file\?"),
    "cut in the header": (f"train-{IMAGES}", lambda c: c[:7], "cut short"),
    "cut in the pictures": (f"t10k-{IMAGES}", lambda c: c[:-1], "cut short"),
    "cut in the labels": (f"train-{LABELS}", lambda c: c[:-1], "cut short"),
    "empty": (f"train-{IMAGES}", lambda _: b"", "cut short"),
    "too long": (f"train-{IMAGES}", lambda c: c + b"x", "goes on after"),
    "labels too long": (f"t10k-{LABELS}", lambda c: c + b"x", "goes on after"),
    "fewer labels": (f"train-{LABELS}", lambda _: encoded(np.zeros(4, np.uint8)), "holds 5 pictures but .* 4 labels"),
    "no pixels": (f"train-{IMAGES}", lambda _: encoded(np.zeros((5, 0, 2), np.uint8)), "pictures of 0x2 pixels"),
    "absurd size": (f"train-{IMAGES}", lambda c: c[:8] + b"\xff" * 8 + c[16:], "pictures of 4294967295x"),
    "gzip cut": (f"train-{IMAGES}", lambda c: gzip.compress(c)[:-9], "is damaged"),
    "gzip garbled": (f"train-{LABELS}", lambda c: gzip.compress(c)[:10] + b"\xff" * 20, "is damaged"),
    "gzip checksum": (f"train-{LABELS}", lambda c: gzip.compress(c)[:-8] + b"\0" * 8, "is damaged"),
}


@pytest.mark.parametrize(("file", "change", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_file_is_named_in_one_sentence(tmp_path, file, change, sentence):
    folder = broken(write(tmp_path, some(5), some(3)), file, change)
    with pytest.raises(UserError, match=sentence) as caught:
        read(folder)
    assert str(folder / file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_that_lies_does_not_make_us_ask_for_its_whole_claim(tmp_path):
    folder = write(tmp_path, some(5), some(3))
    billions = struct.pack(">I", 4_000_000_000)
    broken(folder, f"train-{IMAGES}", lambda content: content[:4] + billions + content[8:])
    broken(folder, f"train-{LABELS}", lambda content: content[:4] + billions + content[8:])
    with pytest.raises(UserError, match="cut short"):
        read(folder)


def test_more_than_is_there_is_asked_for_in_pieces():
    class Noted(io.BytesIO):
        asked: ClassVar[list[int]] = []

        def read(self, size=-1):
            self.asked.append(size)
            return super().read(size)

    with pytest.raises(UserError, match="it ends before"):
        idx._read(Noted(b"few"), 4_000_000_000, Path("it"))
    assert 0 < max(Noted.asked) < 100_000_000


def test_a_missing_file_is_named(tmp_path):
    folder = write(tmp_path, some(5), some(3))
    (folder / f"t10k-{LABELS}").unlink()
    with pytest.raises(UserError, match=rf"has no t10k-{LABELS}, raw or \.gz"):
        Idx(path=str(folder)).open()


@pytest.mark.parametrize("path", [None, ""])
def test_no_path_is_a_mistake_without_a_download(path):
    with pytest.raises(UserError, match=r"^data\.path is empty"):
        Idx(path=path).open()


def test_a_path_that_is_no_directory_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="which is no directory"):
        Idx(path=str(tmp_path / "nowhere")).open()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not at {REAL}; set GANLIB_TEST_DATA")
def test_the_pinned_checksums_are_those_of_the_published_files():
    for name, (length, _) in MNIST.items():
        content = gzip.decompress((REAL / f"{name}.gz").read_bytes())
        assert len(content) == length
        assert md5(content).hexdigest() == PUBLISHED_MD5[name]
        assert idx.not_mnist(REAL / f"{name}.gz", name) is None


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not at {REAL}; set GANLIB_TEST_DATA")
def test_mnist_is_read_whole():
    contents, pixels, labels, _ = read(REAL)
    assert (contents.count, pixels.shape, contents.classes) == (70_000, (70_000, 1, 28, 28), tuple("0123456789"))
    # The counts that the data's authors give for the ten digits, training and test part together.
    assert np.bincount(labels).tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
