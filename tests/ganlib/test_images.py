"""Pixels survive the way to [-1, 1] and back; grids hold every image in its place."""

import numpy as np
import pytest
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


@pytest.mark.parametrize("channels", [2, 4])
def test_transparent_pictures_are_shown_over_a_light_checkerboard(channels: int) -> None:
    pixels = np.full((3, channels, 20, 20), 10, dtype=np.uint8)
    pixels[:, -1] = np.array([0, 255, 100], dtype=np.uint8)[:, None, None]
    shown = images.opaque(pixels)
    assert shown.shape == (3, channels - 1, 20, 20)
    behind = shown[0]
    assert set(np.unique(behind)) == set(images.SQUARES)
    assert (behind[:, :8, :8] == behind[:, 0, 0, None, None]).all()
    assert (behind[:, 0, 0] != behind[:, 0, 8]).all()
    assert (shown[1] == 10).all(), "an opaque picture hides it"
    mixed = (100 * 10 + 155 * behind.astype(float)) / 255
    assert np.array_equal(shown[2], np.rint(mixed)), "and what lies between shows a part of each"
    sheet = images.grid(pixels, columns=3, gap=0)
    assert sheet.shape == ((20, 60) if channels == 2 else (20, 60, 3))
    assert labelled_grid(pixels, columns=3, row_names=["x"]).shape[0] > 20


def test_opaque_pictures_are_shown_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 5), dtype=np.uint8)
    assert np.array_equal(images.opaque(pixels), pixels)


def test_points_go_in_and_out_unchanged() -> None:
    points = torch.tensor([[-4.25, 1e-7], [300.0, 0.0]]).view(2, 2, 1, 1)
    before = points.clone()
    assert torch.equal(images.to_stored(images.to_unit_range(points), "points"), before)
    assert images.to_stored(points.double(), "points").dtype == torch.float32
    assert images.to_stored(points, "pictures").dtype == torch.uint8
