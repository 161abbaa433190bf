"""A verdict follows from the numbers alone: planted differences get what they deserve, and chance has its limit."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganlib.errors import UserError
from ganlib.settings import PromoteSettings
from pipelines import verdicts
from pipelines.verdicts import Report, judge

RULES = PromoteSettings()
NUMBERS = st.floats(-1e3, 1e3)


def report(block: int = 0, **numbers: Any) -> dict[str, Any]:
    """Of a generator without fault, but for what is given."""
    usual = {
        "protocol": {"name": f"p{block}"},
        "fid": {"value": 1.0, "value_at_floor_count": 1.2, "floor": 1.0},
        "kid": {"value": 0.0},
        "recall": {"value": 0.8, "value_at_floor_count": 0.8, "floor": 0.9},
        "copies": {"value": 0.0, "low": 0.0, "high": 0.01},
        "class_accuracy": {"value": 0.99, "worst": {"class": "8", "accuracy": 0.95}},
    }
    return usual | numbers


def reports(values: Sequence[float] = (1.0, 1.1, 0.9, 1.05, 0.95), **numbers: Any) -> list[Report]:
    """A block for each FID."""
    fids = ({"value": value, "value_at_floor_count": value, "floor": 1.0} for value in values)
    return [report(block, **{"fid": fid, **numbers}) for block, fid in enumerate(fids)]


BETTER = reports((0.5, 0.61, 0.4, 0.56, 0.45))


@pytest.mark.parametrize(
    ("ours", "title"),
    [
        (BETTER, "promote"),
        (reports((1.5, 1.61, 1.4, 1.56, 1.45)), "reject (fid)"),
        (reports(), "inconclusive"),
        (reports((0.5, 1.61, 0.4, 1.56, 0.45)), "inconclusive"),
    ],
)
def test_the_deciding_number_decides(ours: list[Report], title: str) -> None:
    assert judge(ours, reports(), RULES).title == title


COPIES = {"value": 0.3, "low": 0.25, "high": 0.35}


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        ({"copies": COPIES}, "reject (memorisation)"),
        ({"copies": {"value": 0.05, "low": 0.04, "high": 0.06}}, "inconclusive"),
        ({"kid": {"value": 0.02}}, "reject (kid)"),
        ({"recall": {"value": 0.7}}, "reject (recall)"),
        ({"class_accuracy": {"value": 0.9, "worst": {"accuracy": 0.95}}}, "reject (class accuracy)"),
        ({"class_accuracy": {"value": 0.99, "worst": {"accuracy": 0.8}}}, "reject (worst class)"),
        ({"class_accuracy": {"absent": "the data has no classes"}}, "reject (class accuracy)"),
        ({"copies": {"absent": "there are 3 held-out pictures"}}, "reject (memorisation)"),
        ({"copies": {"value": 0.0, "low": 0.0, "high": None}}, "reject (memorisation)"),
        ({"kid": {"value": math.nan}}, "reject (kid)"),
        ({"recall": {"value": math.inf}}, "reject (recall)"),
    ],
)
def test_a_fault_that_is_proven_outweighs_a_better_fid(fault: dict[str, Any], title: str) -> None:
    ours = [{**one, **fault} for one in BETTER]
    assert judge(ours, reports(), RULES).title == title
    worse = [{**one, **fault} for one in reports((9.0, 9.1, 9.2, 9.3, 9.4))]
    assert judge(worse, reports(), RULES).reason == ("memorisation" if title == "reject (memorisation)" else "fid")


def test_a_fault_in_one_block_alone_is_not_proven() -> None:
    ours = [{**BETTER[0], "kid": {"value": 0.05}}, *BETTER[1:]]
    assert judge(ours, reports(), RULES).title == "inconclusive"


def test_a_number_that_one_block_lacks_is_enough_to_reject() -> None:
    ours = [*BETTER[:-1], {name: value for name, value in BETTER[-1].items() if name != "recall"}]
    verdict = judge(ours, reports(), RULES)
    assert verdict.title == "reject (recall)"
    assert [check.problem for check in verdict.checks if check.problem] == ["recall is absent: it was not computed"]


def test_where_nobody_has_classes_nobody_is_asked_for_them() -> None:
    absent = {"class_accuracy": {"absent": "the data has no classes"}}
    verdict = judge([{**one, **absent} for one in BETTER], reports(**absent), RULES)
    assert verdict.title == "promote"
    assert [check.name for check in verdict.checks if check.state == "skipped"] == ["class accuracy", "worst class"]


def test_what_the_settings_do_not_ask_for_is_not_looked_at() -> None:
    rules = replace(RULES, worse_kid=None, worse_recall=None, worse_accuracy=None, worse_class=None)
    bare = [{name: one[name] for name in ("protocol", "fid", "copies")} for one in BETTER]
    assert judge(bare, reports(), rules).title == "promote"


@pytest.mark.parametrize(
    ("ours", "title"),
    [
        (reports(), "promote"),
        (reports((50.0, 51.0, 49.0)), "reject (fid)"),
        (reports((5.0, 15.0, 10.0)), "inconclusive"),
        (reports(copies=COPIES), "reject (memorisation)"),
        (reports(recall={"value": 0.9, "value_at_floor_count": 0.1, "floor": 0.9}), "reject (recall)"),
        (reports(recall={"value": 0.9, "value_at_floor_count": 0.5, "floor": {"absent": "x"}}), "reject (recall)"),
    ],
)
def test_the_first_must_stand_beside_heldout_pictures(ours: list[Report], title: str) -> None:
    assert judge(ours, None, RULES).title == title


def test_numbers_of_other_latents_are_not_compared() -> None:
    with pytest.raises(UserError, match="scored by different protocols or latents"):
        judge(BETTER, list(reversed(reports())), RULES)
    with pytest.raises(UserError, match="scored by different protocols or latents"):
        judge(BETTER, reports()[:-1], RULES)


def test_one_block_is_no_evidence() -> None:
    with pytest.raises(UserError, match=r"takes two blocks or more, .* raise promote.blocks"):
        judge(BETTER[:1], reports()[:1], RULES)


@given(st.lists(NUMBERS, min_size=2, max_size=10), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_bounds_are_those_of_students_t(values: list[float], level: float) -> None:
    low, high = verdicts.bounds(values, level)
    if np.std(values) > 1e-6:
        expected = stats.t.interval(2 * level - 1, len(values) - 1, np.mean(values), stats.sem(values))
        assert np.allclose((low, high), expected, rtol=1e-6, atol=1e-6)
    assert low <= high


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=8))
def test_two_generators_are_never_both_better(pairs: list[tuple[float, float]]) -> None:
    ones, others = (reports(side) for side in zip(*pairs, strict=True))
    outcomes = {judge(ones, others, RULES).outcome, judge(others, ones, RULES).outcome}
    assert outcomes in ({"promote", "reject"}, {"inconclusive"})


@given(st.lists(NUMBERS, min_size=2, max_size=8))
def test_a_generator_is_not_better_than_itself(values: list[float]) -> None:
    assert judge(reports(values), reports(values), RULES).outcome == "inconclusive"


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=8), st.floats(0, 100), st.floats(0, 100))
def test_more_demands_promote_no_more(pairs: list[tuple[float, float]], margin: float, more: float) -> None:
    ones, others = (reports(side) for side in zip(*pairs, strict=True))
    lenient, strict = (judge(ones, others, replace(RULES, margin=by)) for by in (margin, margin + more))
    assert lenient.outcome == "promote" or strict.outcome != "promote"


@pytest.mark.parametrize("metric", ["precision", "recall", "density", "coverage"])
def test_of_shares_more_is_better(metric: Any) -> None:
    rules = replace(RULES, metric=metric, worse_recall=None)
    high, low = (
        [{**one, metric: {"value": value + i / 100}} for i, one in enumerate(reports())] for value in (0.9, 0.5)
    )
    assert judge(high, low, rules).outcome == "promote"
    assert judge(low, high, rules).title == f"reject ({metric})"


def test_equal_generators_are_promoted_no_more_often_than_stated() -> None:
    """2,000 pairs: with a true rate of 5 % more than 6.2 % come up once in 200."""
    draws = np.random.default_rng(0).normal(1.0, 0.1, (2000, 2, RULES.blocks)).tolist()
    promoted = sum(judge(reports(ones), reports(others), RULES).outcome == "promote" for ones, others in draws)
    assert 2000 * 0.038 < promoted <= 2000 * 0.062
