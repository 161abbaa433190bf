"""Numbers that change while a training runs follow from the images seen alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib import components
from ganlib.averaging import decay
from ganlib.errors import UserError
from ganlib.penalties import Penalty
from ganlib.schedules import Schedule, largest, value

ends = st.floats(0, 100)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
@given(start=ends, end=ends, seen=st.integers(0, 5000))
def test_it_goes_from_start_to_end_and_stays(shape: str, start: float, end: float, seen: int) -> None:
    schedule = Schedule(start=start, end=end, over_kimg=2.0, shape=shape)  # type: ignore[arg-type]
    assert schedule.at(0) == pytest.approx(start)
    assert schedule.at(2000) == schedule.at(10**9) == pytest.approx(end)
    assert min(start, end) - 1e-9 <= schedule.at(seen) <= max(start, end) + 1e-9
    assert largest(schedule) == max(start, end)


def test_half_way_both_shapes_are_half_way_and_a_quarter_in_they_are_not() -> None:
    cosine = Schedule(start=0.0, end=1.0, over_kimg=4.0)
    line = Schedule(start=0.0, end=1.0, over_kimg=4.0, shape="linear")
    assert cosine.at(2000) == pytest.approx(0.5)
    assert line.at(2000) == pytest.approx(0.5)
    assert line.at(1000) == pytest.approx(0.25)
    assert cosine.at(1000) == pytest.approx((1 - 2**-0.5) / 2)


def test_a_plain_number_never_changes() -> None:
    assert value(0.3, 0) == value(0.3, 10**9) == 0.3


def test_an_average_whose_half_life_follows_a_schedule_has_no_other_ramp() -> None:
    growing = Schedule(start=0.0, end=5000.0, over_kimg=20_000.0)
    assert decay(512, 0, growing) == 0
    assert decay(512, 10_000_000, growing) == pytest.approx(0.5 ** (512 / 2_500_000))
    assert decay(512, 10**9, growing) == pytest.approx(0.5 ** (512 / 5_000_000))


@pytest.mark.parametrize(
    ("gamma", "sentence"),
    [
        ({"start": 1}, "penalty.gamma.end is missing; give it a value. penalty.gamma.over_kimg is missing"),
        (
            {"start": 1, "end": 2, "over_kimg": 1, "shpe": "linear"},
            "penalty.gamma.shpe is not a parameter; did you mean",
        ),
        (
            {"start": 1, "end": 2, "over_kimg": 1, "shape": "step"},
            "penalty.gamma.shape is 'step'; it should be 'cosine'",
        ),
        ({"start": 1, "end": 2, "over_kimg": 0}, "penalty.gamma.over_kimg is 0; it should be greater than 0"),
        ("much", "penalty.gamma is 'much'; give a number, or how it changes: {start: ..., end: ..., over_kimg: ..."),
        (-1, "penalty.gamma is -1; it should be greater than or equal to 0."),
    ],
)
def test_a_schedule_that_is_none_is_one_sentence(gamma: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        components.build(Penalty, "r1", {"gamma": gamma}, section="penalty")
    assert str(caught.value).startswith(sentence)
