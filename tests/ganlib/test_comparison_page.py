"""Laws of the comparison: who is better follows the interval and the metric's direction; nothing in it can act."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparisons import contestant, looks, page, report
from evaluation_reports import EVIL, copied
from hypothesis import given, settings
from hypothesis import strategies as st
from prepared_folder import Page
from test_evaluation_page import assert_inert

from ganlib.comparison_page import LETTERS, Looks, changes, charts, sentence
from ganlib.comparison_page.changes import signed
from ganlib.comparison_page.settings import differing
from ganlib.errors import UserError
from ganlib.evaluation_page.reading import Number


def one_number(key: str, value: float, replicates: list[float]) -> dict[str, Any]:
    return {"protocol": {"name": "p"}, key: {"value": value, "low": value, "high": value, "replicates": replicates}}


@pytest.mark.parametrize(
    ("key", "by", "verdict"),
    [
        ("fid", -1.0, "better"),
        ("fid", 1.0, "worse"),
        ("recall", 1.0, "better"),
        ("recall", -1.0, "worse"),
        ("c_t", 1.0, "differs"),
        ("of_tomorrow", 1.0, "differs"),
        ("fid", 0.0, "the same"),
    ],
)
def test_a_clear_difference_is_in_somebodys_favour_by_the_metrics_direction(
    key: str, by: float, verdict: str
) -> None:  # fmt: skip
    found = changes(one_number(key, 5 + by, [5 + by] * 20), one_number(key, 5, [5.0] * 20))
    assert found[key].verdict == verdict


numbers = st.floats(-100, 100)


@given(
    values=st.tuples(numbers, numbers),
    replicates=st.lists(st.tuples(numbers, numbers), min_size=2, max_size=20),
    key=st.sampled_from(["fid", "recall", "c_t"]),
)
def test_the_one_gains_what_the_other_loses(
    values: tuple[float, float], replicates: list[tuple[float, float]], key: str
) -> None:
    ours, theirs = (one_number(key, value, [pair[place] for pair in replicates]) for place, value in enumerate(values))
    here, there = changes(ours, theirs)[key], changes(theirs, ours)[key]
    assert here.by.value == -there.by.value
    assert (here.by.low, here.by.high) == pytest.approx((-(there.by.high or 0.0), -(there.by.low or 0.0)))
    assert here.favour == -there.favour
    assert here.clear == there.clear


@given(spread=st.floats(0.01, 10), by=st.floats(-20, 20))
def test_it_is_clear_exactly_where_the_interval_excludes_zero(spread: float, by: float) -> None:
    wobble = [by + spread * (-1) ** number for number in range(20)]
    change = changes(one_number("fid", by, wobble), one_number("fid", 0, [0.0] * 20))["fid"]
    low, high = change.by.low, change.by.high
    assert low is not None
    assert high is not None
    assert change.clear == (not low <= 0 <= high)
    assert (change.verdict == "no clear difference") == (not change.clear)


def test_numbers_of_two_protocols_are_never_compared(tmp_path: Path) -> None:
    other = contestant("b", report={**report(), "protocol": {"name": "another"}})
    with pytest.raises(UserError, match="numbers of two protocols cannot be compared"):
        page(tmp_path, [contestant("a"), other])
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_replicates_or_no_value_is_not_compared() -> None:
    bare = {"protocol": {"name": "p"}, "fid": {"value": 1.0}, "kid": {"absent": "few"}}
    assert changes(bare, bare) == {}
    assert sentence("B", {}) == "B beside A: no number can be compared."


def test_one_sentence_says_all_that_is_clear() -> None:
    found = changes(report(1.0), report())
    said = sentence("B", found)
    assert said.startswith("B beside A: worse by FID, recall and class accuracy, different in C_T; no clear difference")


@pytest.mark.parametrize(
    ("value", "reach", "said"),
    [(0.12, 0.01, "+0.120"), (-0.12, 0.01, "−0.120"), (0.0, 0.0, "0"), (1e-12, 0.1, "0.00")],  # noqa: RUF001
)
def test_a_difference_has_its_sign(value: float, reach: float, said: str) -> None:
    assert signed(Number(value, value - reach, value + reach)) == said


def test_the_page_shows_numbers_differences_pictures_curves_and_what_was_set_otherwise(tmp_path: Path) -> None:
    shown = Page(page(tmp_path, [contestant("models/gan"), contestant("pictures version 3 (champion)", shift=1.0)]))
    assert shown.sections() == ["numbers", "latents", "classes", "nearest", "curves", "settings", "protocol"]
    for words in (
        "models/gan and pictures version 3 (champion)", "+1", "worse", "B beside A: worse by", "train.lr", "1.1",
        "Generator's loss", "2% closer", "Lower is better.", "KID: there are too few pictures.",
    ):  # fmt: skip
        assert words in shown.text, words
    assert "loss.name" not in shown.text, "only what differs"
    alts = [image["alt"] for image in shown.all("img")]
    assert alts[:4] == ["A, picture 0, cat", "B, picture 0, cat", "A, picture 1, dog", "B, picture 1, dog"]
    assert all(alts)
    assert all("aria-label" in chart for chart in shown.all("svg") if chart.get("role") == "img")


def test_copying_is_said_before_who_is_better(tmp_path: Path) -> None:
    thief = contestant("b", report=report(-1.0, copies=copied(0.4, 0.3, 0.5)))
    shown = Page(page(tmp_path, [contestant("a"), thief]))
    assert shown.text.index("B: Copies of the training data") < shown.text.index("B beside A: better by FID")
    boxes = [one["class"] for _, one in shown.elements if one.get("class", "").startswith("look ")]
    assert boxes == ["look bad", "look plain"]


def test_nothing_in_it_can_act_and_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    evil = contestant(
        EVIL, facts=[(EVIL, EVIL)], no_curves=EVIL, settings={EVIL: EVIL}, looks=looks(1, (EVIL,)), latents=EVIL
    )
    html = page(tmp_path, [contestant("a"), evil])
    assert_inert(Page(html))
    assert "<script" not in html
    assert page(tmp_path, [contestant("a"), evil]) == html


@pytest.mark.parametrize("count", range(2, len(LETTERS) + 1))
def test_as_many_as_there_are_letters_find_room(tmp_path: Path, count: int) -> None:
    shown = Page(page(tmp_path, [contestant(f"g{number}", shift=number / 4) for number in range(count)]))
    assert len(page(tmp_path, [contestant("a")] * count)) < 3_000_000
    heads = [one for one in shown.all("th") if one.get("scope") == "col" and one.get("class") == "number"]
    assert len(heads) >= count
    assert f"{LETTERS[count - 1]} beside A" in shown.text


def test_latents_of_two_kinds_are_not_called_the_same(tmp_path: Path) -> None:
    shown = Page(page(tmp_path, [contestant("a"), contestant("b", latents="64 uniform numbers")]))
    assert "from the same latents" not in shown.text
    assert "has nothing in common but its class" in shown.text


def test_what_is_not_there_is_said_with_its_reason(tmp_path: Path) -> None:
    bare = contestant("b", curves={}, no_curves="its run has none", settings={}, no_settings="nobody wrote it down")
    shown = Page(page(tmp_path, [contestant("a", looks=None), contestant("c", looks=None), bare]))
    assert "C has no curves: its run has none." in shown.text
    assert "What C was trained by is not known: nobody wrote it down." in shown.text
    drawn = [contestant(name, looks=None) for name in "ab"]
    shown = Page(page(tmp_path, drawn, no_pictures="None were drawn."))
    assert "None were drawn." in shown.text
    assert shown.all("img") == []


def test_a_generator_without_classes_stands_beside_one_with_some(tmp_path: Path) -> None:
    shown = Page(page(tmp_path, [contestant("a"), contestant("b", looks=looks(1, ()))]))
    assert "B knows no classes." in shown.text


def test_points_are_drawn_and_are_no_pictures(tmp_path: Path) -> None:
    drawing = np.full((40, 80, 3), 200, dtype=np.uint8)
    both = [contestant(name, looks=Looks(drawing=drawing)) for name in "ab"]
    shown = Page(page(tmp_path, both, noun="point"))
    assert shown.sections()[:2] == ["numbers", "points"]
    assert [image["alt"][:12] for image in shown.all("img")] == ["Scatter plot"] * 2
    assert "40 points of each" in shown.text


def test_an_absent_number_of_one_is_not_compared(tmp_path: Path) -> None:
    without = contestant("b", report={**report(), "fid": {"absent": "it is gone"}})
    shown = Page(page(tmp_path, [contestant("a"), without]))
    assert "FID of B: it is gone." in shown.text


@pytest.mark.parametrize(
    "curve", [[], [(0, math.nan)], [(0, math.inf)], [(5, 1.0)], [(1, 2.0), (2, 2.0)], [(0, 1e308), (1, -1e308)]]
)
def test_curves_that_show_nothing_are_not_drawn(curve: list[tuple[int, float]]) -> None:
    assert charts.curves([(0, curve)], label="") is None


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 10**9), st.floats(-1e9, 1e9)), min_size=1, max_size=9), max_size=6),
    st.integers(1, 5000),
)
def test_curves_stay_inside_their_chart(shown: list[list[tuple[int, float]]], long: int) -> None:
    many = [[(number, float(number % 7)) for number in range(long)], *shown][: len(LETTERS)]
    drawn = charts.curves(list(enumerate(sorted(curve) for curve in many)), label="x")
    if drawn is not None:
        pairs = [
            tuple(map(float, spot.split()))
            for path in Page(drawn).all("path")
            for spot in path["d"].removeprefix("M").split("h")[0].split("L")
        ]
        assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in pairs)
        assert len(pairs) <= len(many) * charts.MOST_POINTS


def test_only_what_differs_counts_as_a_difference() -> None:
    assert differing([{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 2, "c": None}]) == ["b", "c"]


def test_intervals_on_an_axis_need_no_spread() -> None:
    flat = [charts.Lane(place, Number(0.0, 0.0, 0.0)) for place in range(2)]
    assert "svg" in charts.lanes(flat, Number(0.0), label="x", name=str)
