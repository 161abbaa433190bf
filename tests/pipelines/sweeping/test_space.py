"""What a person writes becomes points: all of them, or some that a seed draws, and more of them are the same first."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib.errors import UserError
from pipelines.sweeping import space
from pipelines.sweeping.space import Choices, Range

shares = st.floats(0, 1, exclude_max=True)
bounds = st.tuples(st.floats(1e-6, 1e6), st.floats(1.01, 1e6)).map(lambda pair: (pair[0], pair[0] * pair[1]))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.0005,1e-3", (0.0005, 0.001)),
        ("hinge, minimax", ("hinge", "minimax")),
        ("null,true", (None, True)),
        ("{from: 1e-3, to: 1e-4}, 0.1", ({"from": 0.001, "to": 0.0001}, 0.1)),
        ("0..1:5", (0, 0.25, 0.5, 0.75, 1)),
        ("log:1e-4..1e-2:3", (0.0001, 0.001, 0.01)),
        ("log:16..128:4", (16, 32, 64, 128)),
        ("7", (7,)),
    ],
)
def test_values_are_those_of_params_yaml(text: str, values: tuple[object, ...]) -> None:
    assert space.read({"train.lr": text}) == {"train.lr": Choices(values)}


def test_a_grid_is_every_combination_and_the_last_name_changes_fastest() -> None:
    points = space.grid(space.read({"train.lr": "0.1,0.2", "train.seed": "0..2"}))
    assert [tuple(point.values()) for point in points] == [(rate, seed) for rate in (0.1, 0.2) for seed in (0, 1, 2)]


@given(bounds, shares, st.booleans())
def test_what_is_drawn_lies_within_the_bounds(ends: tuple[float, float], share: float, log: bool) -> None:
    low, high = ends
    assert low <= Range(low, high, log, whole=False).draw(share) <= high


@given(st.integers(1, 100), st.integers(1, 100), shares, st.booleans())
def test_whole_numbers_are_drawn_whole(low: int, more: int, share: float, log: bool) -> None:
    drawn = Range(low, low + more, log, whole=True).draw(share)
    assert isinstance(drawn, int)
    assert low <= drawn <= low + more


def test_both_bounds_of_whole_numbers_are_as_likely_as_those_between() -> None:
    found = [Range(0, 3, log=False, whole=True).draw((place + 0.5) / 4000) for place in range(4000)]
    assert [found.count(number) for number in range(4)] == pytest.approx([1000] * 4, abs=2)


@given(bounds)
def test_of_factors_half_lie_below_the_geometric_mean(ends: tuple[float, float]) -> None:
    low, high = ends
    assert Range(low, high, log=True, whole=False).draw(0.5) == pytest.approx(math.sqrt(low * high), rel=1e-3)


WISHES = {"train.lr": "log:1e-5..1e-1", "train.batch_size": "8..64", "loss.name": "hinge,minimax"}


@given(st.integers(0, 10), st.integers(1, 20), st.integers(0, 10))
def test_whoever_asks_for_more_gets_the_same_points_first(count: int, more: int, seed: int) -> None:
    given_space = space.read(WISHES)
    longer = space.drawn(given_space, count + more, seed=seed)
    assert longer[:count] == space.drawn(given_space, count, seed=seed) if count else True
    assert len({space.named(point) for point in longer}) == count + more
    assert space.drawn(given_space, 1, seed=seed) != space.drawn(given_space, 1, seed=seed + 1)


def test_a_name_more_changes_no_other_names_values() -> None:
    fewer = space.drawn(space.read({"train.lr": WISHES["train.lr"]}), 5, seed=3)
    assert [{"train.lr": point["train.lr"]} for point in space.drawn(space.read(WISHES), 5, seed=3)] == fewer


def test_seeds_are_never_drawn_but_all_trained() -> None:
    points = space.drawn(space.read({"train.lr": "0.1..0.9", "train.seed": "0..2"}), 4, seed=0)
    assert [point["train.seed"] for point in points] == [0, 1, 2] * 4
    assert len({point["train.lr"] for point in points}) == 4


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({}, "A sweep needs values to try; name some: --param"),
        ({"evaluate.seed": "0..2"}, "'evaluate.seed' cannot be swept: what a training is made of can"),
        ({"train": "1"}, "'train' cannot be swept"),
        ({"train.lr": "2..1"}, "begins at 2, which is not below 1; write the lower bound first."),
        ({"train.lr": "log:0..1"}, "has logarithms, and 0 has none"),
        ({"train.lr": ""}, "train.lr= is no list of values; write values "),
        ({"train.lr": "a: b: c"}, "is no list of values"),
        ({"train.lr": "0.5,0.5"}, "names 0.5 twice; name each value once."),
        ({"train.lr": "0..1:1"}, "asks for 1 values; ask for 2 to 1000."),
        (
            {"train.lr": "1e-5..1e-2"},
            r"has no end of values, so a grid of them cannot be; say how many \(1e-05..0.01:5\)",
        ),
        ({"train.seed": "0..5000"}, "These are 5,001 points, and 1,000 at most can be swept"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_with_a_way_out(wishes: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said) as mistake:
        space.grid(space.read(wishes))
    assert "\n" not in str(mistake.value)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"train.seed": "0..2"}, "Nothing is left to be drawn: train.seed never is"),
        ({"loss.name": "hinge,minimax"}, "asks for 3 settings, and only 2 different ones were found"),
        ({"train.lr": "0..1", "train.seed": "0..999"}, "These are 3,000 points"),
    ],
)
def test_more_than_there_is_cannot_be_drawn(wishes: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        space.drawn(space.read(wishes), 3, seed=0)
