"""Laws of stacked digits: three of them a picture, drawn by (seed, place) alone."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from source_files import everything, read, some, write_idx

from ganlib.datasets.idx import Idx
from ganlib.datasets.stacked_mnist import BLOCK, StackedMnist, triples
from ganlib.errors import UserError

REAL = Path(os.environ.get("GANLIB_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "mnist"


@pytest.fixture
def folder(tmp_path):
    return write_idx(tmp_path / "mnist", some(30, 28, 28), some(10, 28, 28, seed=1))


def test_each_picture_stacks_three_digits_and_its_class_says_which(folder):
    _, digits, labels, _ = read(Idx(path=str(folder)))
    contents, pixels, classes, names = read(StackedMnist(path=str(folder), count=BLOCK + 5, seed=3))
    chosen = np.concatenate([triples(3, block, digits=40) for block in (0, 1)])[: BLOCK + 5]
    np.testing.assert_array_equal(pixels, digits[:, 0][chosen])
    assert [contents.classes[number] for number in classes] == ["".join(map(str, labels[row])) for row in chosen]
    assert (contents.classes[0], contents.classes[-1], len(contents.classes)) == ("000", "999", 1000)
    assert (names[0], names[-1]) == ("stacked[0]", f"stacked[{BLOCK + 4}]")


def test_a_picture_depends_on_seed_and_place_alone(folder):
    few = read(StackedMnist(path=str(folder), count=BLOCK + 5, seed=3))
    many = read(StackedMnist(path=str(folder), count=2 * BLOCK + 9, seed=3))
    np.testing.assert_array_equal(many[1][: BLOCK + 5], few[1])
    assert many[2][: BLOCK + 5].tolist() == few[2].tolist()
    other = read(StackedMnist(path=str(folder), count=BLOCK + 5, seed=4))
    assert (other[2] != few[2]).any()
    assert not (triples(3, 0, digits=40) == triples(3, 1, digits=40)).all()


def test_the_larger_size_has_the_same_pictures_within_two_black_pixels(folder):
    plain = read(StackedMnist(path=str(folder), count=20))
    padded = read(StackedMnist(path=str(folder), count=20, variant="32x32"))
    assert padded[1].shape == (20, 3, 32, 32)
    np.testing.assert_array_equal(padded[1][:, :, 2:30, 2:30], plain[1])
    assert padded[1].sum(dtype=np.int64) == plain[1].sum(dtype=np.int64)  # all else is 0
    assert padded[2].tolist() == plain[2].tolist()
    assert everything(StackedMnist(path=str(folder), count=20, variant="32x32"))[1][0].done != ()


def test_its_length_is_that_of_the_benchmark_unless_said_otherwise(folder):
    assert StackedMnist(path=str(folder)).count == 128_000


@pytest.mark.parametrize(
    ("train", "settings", "sentence"),
    [
        (some(3, 20, 20), {}, r"holds 20x20 pictures .* needs MNIST's digits of 28x28"),
        (some(3, 28, 28, first_label=9), {}, r"with labels up to 1\d, where stacked_mnist needs MNIST's digits"),
        ((np.zeros((0, 28, 28)), []), {}, r"holds IDX files without a picture"),
        (some(3, 28, 28), {"variant": "32"}, r"^data\.variant is '32'; choose one of: 28x28, 32x32"),
    ],
    ids=["another size", "other labels", "none", "variant"],
)
def test_what_is_no_mnist_is_refused_in_one_sentence(tmp_path, train, settings, sentence):
    folder = write_idx(tmp_path, train, train)
    with pytest.raises(UserError, match=sentence):
        everything(StackedMnist(path=str(folder), **settings))


def test_without_a_path_it_says_what_to_do():
    with pytest.raises(UserError, match=r"^data\.path is empty.*fetch MNIST"):
        everything(StackedMnist())


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not at {REAL}; set GANLIB_TEST_DATA")
def test_mnist_stacked_has_all_modes_and_never_stands_in_memory_at_once(tmp_path):
    tracemalloc.start()
    contents = StackedMnist(path=str(REAL), variant="32x32").open(tmp_path)
    counts = np.zeros(1000, np.int64)
    for job in contents.jobs:
        for batch in job.run():
            counts += np.bincount(batch.labels, minlength=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000  # bytes, while the pictures are 393 MB and the digits, which are mapped, 55 MB
    assert (contents.count, counts.sum(), counts.min() > 0) == (128_000, 128_000, True)
    # Were each mode as likely as the others, the chance of a larger statistic would be 1e-9.
    shares = np.array([6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]) / 70_000
    expected = 128_000 * np.einsum("i,j,k->ijk", shares, shares, shares).ravel()
    assert ((counts - expected) ** 2 / expected).sum() < 1300
