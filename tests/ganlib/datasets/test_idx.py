"""Laws of the IDX format, and a sentence for every way in which its files can be wrong."""

import gzip
import io
import os
import string
import struct
from hashlib import md5
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from source_files import everything, read, some, write_idx
from source_files import idx as encoded

from ganlib.datasets.idx import UPRIGHT, Idx
from ganlib.errors import UserError
from ganlib.reading import idx_format
from ganlib.reading.idx_format import IMAGES, LABELS
from ganlib.reading.idx_known import KNOWN

MNIST = KNOWN["mnist"].published

REAL = Path(os.environ.get("GANLIB_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "mnist"
# As published with the data, of the uncompressed files.
PUBLISHED_MD5 = {
    f"train-{IMAGES}": "6bbc9ace898e44ae57da46a324031adb",
    f"train-{LABELS}": "a25bea736e30d166cdddb491f175f624",
    f"t10k-{IMAGES}": "2646ac647ad5339dbf082846283269ea",
    f"t10k-{LABELS}": "27ae3e4e09519cfbb04c329615203637",
}


@settings(deadline=None, max_examples=30)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))),
    st.integers(0, 255),
    st.integers(1, 60),
)
def test_what_is_written_is_read_in_batches_of_any_size(tmp_path_factory, images, top, batch_bytes):
    labels = np.full(len(images), top, np.uint8)
    folder = write_idx(tmp_path_factory.mktemp("idx"), (images, labels), (images[:1], labels[:1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idx_format, "PIECE_BYTES", batch_bytes)
        contents, pixels, read_labels, names = read(Idx(path=str(folder)))
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
    plain = read(Idx(path=str(write_idx(tmp_path / "plain", some(5), some(3, seed=1)))))
    folder = write_idx(tmp_path / "other", some(5), some(3, seed=1), pack=pack, suffix=suffix, spelling=spelling)
    other = read(Idx(path=str(folder)))
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
    folder = broken(write_idx(tmp_path, some(5), some(3)), file, change)
    with pytest.raises(UserError, match=sentence) as caught:
        read(Idx(path=str(folder)))
    assert str(folder / file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_that_lies_does_not_make_us_ask_for_its_whole_claim(tmp_path):
    folder = write_idx(tmp_path, some(5), some(3))
    billions = struct.pack(">I", 4_000_000_000)
    broken(folder, f"train-{IMAGES}", lambda content: content[:4] + billions + content[8:])
    broken(folder, f"train-{LABELS}", lambda content: content[:4] + billions + content[8:])
    with pytest.raises(UserError, match="cut short"):
        read(Idx(path=str(folder)))


def test_more_than_is_there_is_asked_for_in_pieces():
    class Noted(io.BytesIO):
        asked: ClassVar[list[int]] = []

        def read(self, size=-1):
            self.asked.append(size)
            return super().read(size)

    with pytest.raises(UserError, match="it ends before"):
        idx_format._read(Noted(b"few"), 4_000_000_000, Path("it"))
    assert 0 < max(Noted.asked) < 100_000_000


def test_a_missing_file_is_named(tmp_path):
    folder = write_idx(tmp_path, some(5), some(3))
    (folder / f"t10k-{LABELS}").unlink()
    with pytest.raises(UserError, match=rf"has no t10k-{LABELS}, raw or \.gz"):
        everything(Idx(path=str(folder)))


@pytest.mark.parametrize("path", [None, ""])
def test_no_path_is_a_mistake_without_a_download(path):
    with pytest.raises(UserError, match=r"^data\.path is empty"):
        everything(Idx(path=path))


def test_a_path_that_is_no_directory_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="which is no directory"):
        everything(Idx(path=str(tmp_path / "nowhere")))


def test_a_variant_names_the_classes_and_none_numbers_them(tmp_path):
    images = np.zeros((3, 2, 2), np.uint8)
    folder = write_idx(tmp_path, (images, [0, 3, 9]), (images, [1, 1, 1]))
    named, _, labels, _ = read(Idx(path=str(folder), variant="fashion_mnist"))
    assert (named.classes[3], named.classes[9], labels.tolist()) == ("Dress", "Ankle boot", [0, 3, 9, 1, 1, 1])
    assert read(Idx(path=str(folder)))[0].classes == tuple("0123456789")
    assert read(Idx(path=str(folder), variant="mnist"))[0].classes == tuple("0123456789")


@pytest.mark.parametrize("split", ["letters", "balanced"])
def test_emnist_is_turned_upright_and_says_so(tmp_path, split):
    first_label = 1 if split == "letters" else 0
    train, test = some(5, first_label=first_label), some(3, seed=1, first_label=first_label)
    parts = (f"emnist-{split}-train", f"emnist-{split}-test")
    folder = write_idx(tmp_path, train, test, parts=parts, pack=gzip.compress, suffix=".gz")
    # Another data set in the same directory is not touched.
    write_idx(tmp_path, some(1), some(1))
    contents, batches = everything(Idx(path=str(folder), variant=f"emnist_{split}"))
    pixels = np.concatenate([batch.pixels for batch in batches])
    np.testing.assert_array_equal(pixels[:, 0], np.concatenate([train[0], test[0]]).transpose(0, 2, 1))
    labels = np.concatenate([batch.labels for batch in batches])
    assert labels.tolist() == [int(label) - first_label for label in (*train[1], *test[1])]
    assert {batch.done for batch in batches} == {(UPRIGHT,)}
    assert contents.notes == (("class 0 is the label 1 of the files",) if split == "letters" else ())
    assert batches[0].names[0] == f"emnist-{split}-train-{IMAGES}[0]"


def test_emnists_classes_are_those_of_its_paper():
    counts = {name: len(known.classes) for name, known in KNOWN.items() if name.startswith("emnist_")}
    assert list(counts.values()) == [62, 47, 47, 26, 10, 10]
    # In the order of the codes of their characters, as the data set's mapping files have them.
    for known in KNOWN.values():
        if known.transposed:
            assert list(known.classes) == sorted(set(known.classes))
    assert KNOWN["emnist_letters"].classes == tuple(string.ascii_uppercase)


@pytest.mark.parametrize(("variant", "label", "span"), [("mnist", 10, "0 to 9"), ("emnist_letters", 0, "1 to 26")])
def test_a_label_that_the_variant_does_not_have_is_a_mistake(tmp_path, variant, label, span):
    images = np.zeros((1, 2, 2), np.uint8)
    folder = write_idx(tmp_path, (images, [5]), (images, [label]), parts=KNOWN[variant].parts)
    with pytest.raises(UserError, match=rf"has pictures with the label {label}, but .* go from {span}; correct"):
        everything(Idx(path=str(folder), variant=variant))


def test_an_unknown_variant_lists_the_known_ones():
    with pytest.raises(UserError, match=r"^data\.variant is 'emnist'; choose one of: mnist, .*emnist_letters"):
        everything(Idx(variant="emnist", download=True))


def test_emnist_without_its_variant_is_pointed_out(tmp_path):
    folder = write_idx(tmp_path, some(1), some(1), parts=("emnist-digits-train", "emnist-digits-test"))
    with pytest.raises(UserError, match=r"set data\.variant to a split of EMNIST"):
        everything(Idx(path=str(folder)))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not at {REAL}; set GANLIB_TEST_DATA")
def test_the_pinned_checksums_are_those_of_the_published_files():
    for name, published in MNIST.items():
        content = gzip.decompress((REAL / f"{name}.gz").read_bytes())
        assert len(content) == published.length
        assert md5(content).hexdigest() == PUBLISHED_MD5[name]
        assert published.complaint(REAL / f"{name}.gz") is None


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not at {REAL}; set GANLIB_TEST_DATA")
def test_mnist_is_read_whole():
    contents, pixels, labels, _ = read(Idx(path=str(REAL)))
    assert (contents.count, pixels.shape, contents.classes) == (70_000, (70_000, 1, 28, 28), tuple("0123456789"))
    # The counts that the data's authors give for the ten digits, training and test part together.
    assert np.bincount(labels).tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
