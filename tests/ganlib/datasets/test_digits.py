"""The digits are scikit-learn's, on our scale."""

import numpy as np
from sklearn.datasets import load_digits
from source_files import everything

from ganlib.datasets import digits
from ganlib.datasets.digits import Digits, read_table


def test_they_are_the_ones_that_scikit_learn_loads():
    theirs = load_digits()
    table = read_table()
    np.testing.assert_array_equal(table[:, :-1], theirs.data)
    np.testing.assert_array_equal(table[:, -1], theirs.target)


def test_they_are_read_without_importing_scikit_learn(monkeypatch):
    monkeypatch.setattr("sklearn.datasets.load_digits", None)
    assert len(read_table()) == 1797


def test_a_version_that_keeps_the_file_elsewhere_is_asked_instead(monkeypatch):
    expected = read_table()
    monkeypatch.setattr(digits, "SHIPPED", "moved/away.csv.gz")
    np.testing.assert_array_equal(read_table(), expected)


def test_the_scale_is_exact_and_rounds_to_the_nearest():
    contents, (batch,) = everything(Digits())
    assert (contents.count, contents.classes, len(batch.names)) == (1797, tuple("0123456789"), 1797)
    levels = load_digits().images
    np.testing.assert_array_equal(batch.pixels[:, 0], np.floor(levels * 255 / 16 + 0.5))
    assert (batch.pixels.min(), batch.pixels.max()) == (0, 255)
