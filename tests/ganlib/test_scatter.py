"""What a person sees of points: both sides on the same axes, every mode in its place."""

import numpy as np
import pytest

from ganlib import scatter
from ganlib.prepared import Split


def cloud(places: list[tuple[float, ...]], each: int = 50) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.01, (len(places) * each, len(places[0])))
    return (np.repeat(places, each, axis=0) + noise).astype(np.float32)[:, :, None, None]


def split(points: np.ndarray, classes: int = 0) -> Split:
    labels = np.arange(len(points)) % classes if classes else np.full(len(points), -1)
    return Split(points, labels.astype(np.int64))


CORNERS = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
PANEL = slice(scatter.MARGIN, scatter.MARGIN + scatter.SIDE)
WHOLE = scatter.SIDE + 2 * scatter.MARGIN


def ink(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """How much of a panel's quarters shows the colour, nearly pure: top left, right, bottom left, right."""
    near = (np.abs(picture.astype(int) - np.array(colour)).sum(axis=2) < 60)[PANEL, PANEL]
    half = scatter.SIDE // 2
    return np.array([near[:half, :half], near[:half, half:], near[half:, :half], near[half:, half:]]).sum(axis=(1, 2))


def test_training_points_are_left_and_generated_ones_right_on_the_same_axes() -> None:
    picture = scatter.overview(cloud(CORNERS[3:]), None, split(cloud(CORNERS)))
    assert picture.shape == (WHOLE, 2 * WHOLE, 3)
    left, right = picture[:, :WHOLE], picture[:, WHOLE:]
    assert (ink(left, scatter.GENERATED) > 5).all()
    assert (ink(right, scatter.GENERATED) > 5).tolist() == [False, True, False, False], "the upper right mode alone"
    assert (ink(right, scatter.GREY) > 5).tolist() == [True, False, True, True], "the missed ones show through"


def test_classes_have_colours() -> None:
    points, labels = cloud(CORNERS), np.repeat(np.arange(4), 50)
    picture = scatter.overview(points, labels, Split(points, labels))
    quarters = [int(ink(picture[:, WHOLE:], scatter.CLASS_COLOURS[number]).argmax()) for number in range(4)]
    assert quarters == [2, 3, 0, 1]
    left = [int(ink(picture[:, :WHOLE], scatter.CLASS_COLOURS[number]).argmax()) for number in range(4)]
    assert left == quarters, "the same on the left"


def test_points_out_of_view_or_that_are_no_numbers_break_nothing() -> None:
    points = cloud(CORNERS)
    lost = points.copy()
    lost[:3] = np.array([np.nan, np.inf, 1e30], dtype=np.float32)[:, None, None, None]
    train = split(points)
    assert scatter.overview(lost, None, train).shape == (WHOLE, 2 * WHOLE, 3)
    assert scatter.ways(lost, 50, train).shape == (WHOLE, WHOLE, 3)
    assert scatter.overview(lost[:, :1], None, split(points[:, :1])).shape == (WHOLE, WHOLE, 3)
    titles = scatter.MARGIN - 4
    assert not np.array_equal(
        scatter.overview(lost, None, train)[:titles, WHOLE:], scatter.overview(points, None, train)[:titles, WHOLE:]
    ), "and the title counts them"


def test_one_dimension_is_two_histograms() -> None:
    train = split(cloud([(-1.0,), (1.0,)]))
    alike = scatter.overview(cloud([(-1.0,), (1.0,)]), None, train)
    collapsed = scatter.overview(cloud([(1.0,)]), None, train)
    assert alike.shape == (WHOLE, WHOLE, 3)
    bars = ink(collapsed, scatter.GREY)
    assert bars[2] > 100
    assert bars[3] > 100
    # The line of a generator that has one mode only runs along the ground on the left, and twice as high on the right.
    line = (np.abs(collapsed.astype(int) - np.array(scatter.GENERATED)).sum(axis=2) < 60)[PANEL, PANEL]
    highest = [np.flatnonzero(half.any(axis=1)).min() for half in (line[:, : scatter.SIDE // 2 - 5], line)]
    assert highest[0] > 0.9 * scatter.SIDE
    assert highest[1] < scatter.SIDE / 3


def test_ways_join_their_points() -> None:
    train = split(cloud(CORNERS))
    way = np.linspace([-1, -1], [1, 1], 10).astype(np.float32)[:, :, None, None]
    picture = scatter.ways(way, 10, train)
    drawn = (np.abs(picture.astype(int) - np.array(scatter.CLASS_COLOURS[0])).sum(axis=2) < 60)[PANEL, PANEL]
    diagonal = [drawn[scatter.SIDE - 4 - i : scatter.SIDE + 3 - i, i].any() for i in range(60, scatter.SIDE - 60)]
    assert all(diagonal)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_same_points_are_the_same_picture(dimensions: int) -> None:
    places = [tuple(float(i + j) for j in range(dimensions)) for i in range(3)]
    train = split(cloud(places), classes=3)
    pictures = [scatter.overview(cloud(places), np.arange(150) % 3, train) for _ in range(2)]
    assert np.array_equal(*pictures)


def test_training_points_all_in_one_place_have_a_view_too() -> None:
    train = split(np.ones((5, 2, 1, 1), dtype=np.float32))
    assert scatter.overview(np.ones((5, 2, 1, 1), dtype=np.float32), None, train).shape == (WHOLE, 2 * WHOLE, 3)


@pytest.mark.parametrize(
    ("centre", "reach"), [(0, 1.15), (-0.06, 1.15), (0, 4.7), (1e-3, 2e-4), (5e5, 37.0), (3.3, 1e-5)]
)
def test_axes_carry_a_few_round_numbers_where_they_belong(centre, reach):
    found = scatter.ticks(centre, reach)
    assert 3 <= len(found) <= 12
    for place, number in found:
        assert -1e-9 <= place <= 1 + 1e-9
        assert abs(centre - reach + 2 * reach * place - float(number)) < 1e-5 * abs(centre) + 1e-3 * reach
    assert "-0" not in [number for _, number in found]
