"""Laws of a sweep's page: seeds of one setting make one row, the best comes first, and luck is not called merit."""

import io
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_reports import EVIL, measured
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from prepared_folder import Page
from scipy import stats
from test_evaluation_page import assert_inert

from ganlib import sweep_page
from ganlib.errors import UserError
from ganlib.sweep_page import Setting, Trial, charts, rivals, settings_of

PROTOCOL = {"name": "p", "extractor": "classifier", "samples": 40, "reference_count": 60}
numbers = st.floats(-100, 100)
several = st.lists(numbers, min_size=2, max_size=5)


def trial(score: float | None, seed: int | None = 0, **values: Any) -> Trial:
    report = {"protocol": PROTOCOL} | ({} if score is None else {"fid": measured(score), "recall": measured(score)})
    return Trial(
        {name.replace("_", "."): value for name, value in values.items()}, seed, report, picture(), "dcgan-x-01"
    )


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def setting(scores: list[float]) -> Setting:
    return settings_of([trial(score, seed, train_lr=0.1) for seed, score in enumerate(scores)], "fid")[0]


def written(tmp_path: Path, trials: list[Trial], metric: str = "fid", **more: Any) -> str:
    sweep_page.write(trials, metric, html=tmp_path / "page.html", **more)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


@given(several)
def test_a_setting_is_its_seeds_mean_with_students_interval(scores: list[float]) -> None:
    one = setting(scores)
    assert one.mean is not None
    assert one.mean.value == pytest.approx(statistics.fmean(scores))
    assert one.error == pytest.approx(stats.sem(scores))
    expected = stats.t.interval(0.95, len(scores) - 1, statistics.fmean(scores), max(stats.sem(scores), 1e-300))
    assert (one.mean.low, one.mean.high) == pytest.approx(expected, abs=1e-9)


different = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=5).filter(lambda those: len(set(those)) > 1)


@given(different, different)
def test_two_settings_differ_by_welchs_interval(ones: list[float], others: list[float]) -> None:
    by = setting(ones).beside(setting(others))
    assert by is not None
    expected = stats.ttest_ind(ones, others, equal_var=False).confidence_interval(0.95)
    assert (by.low, by.high) == pytest.approx(tuple(expected), rel=1e-6, abs=1e-9)


def test_of_one_seed_nothing_is_said_of_others() -> None:
    one = setting([3.0])
    assert one.error is None
    assert one.beside(setting([1.0, 2.0])) is None
    assert one.mean is not None
    assert (one.mean.low, one.mean.high) == pytest.approx((2.9, 3.1)), "that of its pictures"
    assert rivals(settings_of([trial(1.0, train_lr=0.1), trial(2.0, train_lr=0.2)], "fid")) is None


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3]), st.one_of(st.none(), numbers)), min_size=1, max_size=9))
@pytest.mark.parametrize("metric", ["fid", "recall"])
def test_the_best_comes_first_and_what_has_no_number_last(
    metric: str, points: list[tuple[float, float | None]]
) -> None:
    found = settings_of([trial(score, seed, train_lr=rate) for seed, (rate, score) in enumerate(points)], metric)
    means = [one.mean.value for one in found if one.mean is not None]
    assert means == sorted(means, reverse=metric == "recall")
    assert [one.mean is None for one in found] == sorted(one.mean is None for one in found)
    assert sum(len(one.trials) for one in found) == len(points)


def test_a_lucky_setting_is_not_called_better_and_a_clear_one_is(tmp_path: Path) -> None:
    close = [
        trial(score, seed, train_lr=rate)
        for rate, those in ((0.1, (1, 3)), (0.2, (2, 3)))
        for seed, score in enumerate(those)
    ]
    page = written(tmp_path, close)
    assert "but the other one cannot be told from it: train.lr 0.2." in page
    assert "no clear difference" in page
    far = [
        trial(score, seed, train_lr=rate)
        for rate, those in ((0.1, (1, 1.1)), (0.2, (9, 9.1)))
        for seed, score in enumerate(those)
    ]
    page = written(tmp_path, far)
    assert "every other setting is worse by more than the luck of seeds" in page
    assert ">worse<" in page


def test_one_seed_of_each_is_told_to_be_too_few(tmp_path: Path) -> None:
    page = written(tmp_path, [trial(1.0, None, train_lr=0.1), trial(2.0, None, train_lr=0.2)])
    assert "nobody can tell merit from luck; name several: --param train.seed=0..2." in page


def test_failed_and_missing_trainings_are_told_beside_the_others(tmp_path: Path) -> None:
    failed = Trial({"train.lr": 9.0}, 0, problem="train: a weight is not finite; lower train.lr.")
    page = written(tmp_path, [trial(1.0, train_lr=0.1), failed], planned=5)
    for said in ("1 training failed", "a weight is not finite; lower train.lr.", "3 trainings not finished", "FID 1.0"):
        assert said in page, said


def test_all_failed_is_a_page_too(tmp_path: Path) -> None:
    failed = [Trial({"train.lr": rate}, 0, problem="it broke.") for rate in (1.0, 2.0)]
    assert "2 trainings failed" in written(tmp_path, failed)


def test_every_swept_setting_has_a_chart_numbers_by_factors_and_names_side_by_side(tmp_path: Path) -> None:
    trials = [trial(rate * 10, 0, train_lr=rate, loss_name=name) for rate in (1e-4, 1e-3, 1e-2) for name in ("a", "b")]
    page = written(tmp_path, trials)
    assert page.count("FID over train.lr:") == page.count("FID over loss.name:") == 1
    scale = charts.scale_of([1e-4, 1e-3, 1e-2])
    first, middle, last = (scale.across(rate) for rate in (1e-4, 1e-3, 1e-2))
    assert middle - first == pytest.approx(last - middle)
    assert [words for _, words in charts.scale_of(["a", None, "a"]).named] == ["a", "empty"]


def test_equal_input_gives_equal_bytes_and_nothing_in_it_can_act(tmp_path: Path) -> None:
    trials = [trial(1.0, 0, loss_name=EVIL), trial(2.0, 1, loss_name=EVIL), Trial({"loss.name": EVIL}, 2, problem=EVIL)]
    page = written(tmp_path, trials)
    assert page == written(tmp_path, trials)
    assert_inert(Page(page))


def test_numbers_of_two_protocols_are_never_ranked(tmp_path: Path) -> None:
    other = Trial({"train.lr": 0.2}, 0, {"protocol": {"name": "q"}, "fid": measured(1.0)})
    with pytest.raises(UserError, match="were scored by different protocols"):
        written(tmp_path, [trial(1.0, train_lr=0.1), other])
    assert not (tmp_path / "page.html").exists()
