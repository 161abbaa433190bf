"""What blind votes say: the same from both sides, and no more than their number allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib.preference import Preference

COUNTS = st.integers(0, 500)


@given(ours=COUNTS, theirs=COUNTS, undecided=COUNTS)
def test_from_the_other_side_the_votes_say_the_opposite(ours: int, theirs: int, undecided: int) -> None:
    one, other = Preference(ours, theirs, undecided, 1), Preference(theirs, ours, undecided, 1)
    opposite = {"preferred": "the other one preferred", "the other one preferred": "preferred"}
    assert other.verdict == opposite.get(one.verdict, "no clear difference")
    if one.decided:
        assert other.share == pytest.approx(1 - one.share)
        assert other.interval.low == pytest.approx(1 - one.interval.high)
        assert 0 <= one.interval.low <= one.share <= one.interval.high <= 1


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (0, 0, "no clear difference"), (3, 0, "no clear difference"), (4, 0, "preferred"),
        (0, 4, "the other one preferred"), (14, 6, "no clear difference"), (15, 5, "preferred"),
    ],
)  # fmt: skip
def test_a_preference_takes_votes_enough(ours: int, theirs: int, verdict: str) -> None:
    assert Preference(ours, theirs, 7, 1).verdict == verdict


def test_the_sentence_says_all_of_it() -> None:
    # Wilson's interval of 14 in 20, from its formula by hand: 0.481 to 0.855.
    assert Preference(14, 6, 2, 1).sentence("B", "A") == (
        "B beside A, blind: preferred in 14 of 20 votes, 70 % (95 % interval 48 to 85 %), no clear difference; "
        "2 could not tell."
    )
    assert Preference(0, 0, 3, 1).sentence("B", "A") == "B beside A, blind: no vote for either; 3 could not tell."
