"""Pixels survive the way to [-1, 1] and back; grids hold every image in its place."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganlib import images
from ganlib.pictures import enlarged_grid, labelled_grid


def test_all_256_values_survive_the_round_trip() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(images.to_pixels(images.to_unit_range(pixels)), pixels)


def test_the_range_is_exactly_minus_one_to_one() -> None:
    ends = images.to_unit_range(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
    assert ends.flatten().tolist() == [-1.0, 1.0]


def test_values_outside_are_clamped_not_wrapped() -> None:
    assert images.to_pixels(torch.tensor([[[[-7.0, 7.0]]]])).flatten().tolist() == [0, 255]


@given(n=st.integers(1, 9), columns=st.integers(1, 5), gap=st.integers(0, 3), channels=st.sampled_from([1, 3]))
def test_a_grid_holds_every_image_in_reading_order(n: int, columns: int, gap: int, channels: int) -> None:
    batch = np.random.default_rng(n).integers(0, 255, (n, channels, 4, 5), dtype=np.uint8)
    sheet = images.grid(batch, columns=columns, gap=gap)
    for i, image in enumerate(batch):
        top, left = gap + i // columns * (4 + gap), gap + i % columns * (5 + gap)
        cell = sheet[top : top + 4, left : left + 5]
        assert np.array_equal(cell if channels == 1 else cell.transpose(2, 0, 1), image[0] if channels == 1 else image)


def test_small_images_are_enlarged_without_inventing_colours() -> None:
    batch = np.array([[[[0, 100], [200, 50]]]], dtype=np.uint8)
    sheet = enlarged_grid(batch, columns=1)
    assert sheet.shape[0] >= 48
    assert set(np.unique(sheet)) == {0, 50, 100, 200, 255}


def test_names_stand_left_of_the_rows() -> None:
    batch = np.zeros((4, 1, 16, 16), dtype=np.uint8)
    plain = labelled_grid(batch, columns=2, row_names=["", ""])
    named = labelled_grid(batch, columns=2, row_names=["zero", "a very long class name indeed"])
    assert named.shape[0] == plain.shape[0]
    assert np.array_equal(named[:, -plain.shape[1] :], plain)
    assert named[:, : -plain.shape[1]].min() < 128
