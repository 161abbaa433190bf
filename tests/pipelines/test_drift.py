"""A champion has drifted only where new data prove it, and the registry says so for as long as it holds."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_project import SETTINGS, publish_both, write_data
from hypothesis import given
from hypothesis import strategies as st
from mlflow_project import Project
from scipy import stats

from ganlib.errors import UserError
from ganlib.prepared import PreparedData, open_prepared
from ganlib.settings import Settings, parse
from pipelines import drift, paths, tracking, watching
from pipelines.tracking import marks, models
from pipelines.watching import Scored, Verdict

PROMOTE = {"blocks": 3, "samples": 60}
several = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=6).filter(lambda those: len(set(those)) > 1)


@given(several, several, st.sampled_from(["fid", "recall"]))
def test_worse_is_the_bad_direction_by_welchs_interval(then: list[float], now: list[float], metric: str) -> None:
    found = drift.between(then, now, metric)
    worse, better = (then, now) if metric == "recall" else (now, then)
    expected = stats.ttest_ind(worse, better, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-6, abs=1e-9)
    assert found.proven == (found.low > 0)


def test_a_number_that_is_absent_shows_no_drift() -> None:
    with pytest.raises(UserError, match=r"fid is absent, by which drift is measured; set promote\.metric"):
        drift.value({"fid": {"absent": "few"}}, "fid")


@pytest.fixture
def watched(bench_project: Project) -> Settings:
    """Two versions; the first is champion."""
    settings = parse({**SETTINGS, "promote": PROMOTE}, where="test")
    publish_both(replace(bench_project, settings=settings))
    with tracking.opened() as store:
        store.client.set_registered_model_alias("pictures", "champion", "1")
    shutil.copytree(paths.PREPARED, "old")
    return settings


def old() -> PreparedData:
    return open_prepared(Path("old"))


def now(settings: Settings) -> Verdict:
    """Of the champion, beside the old data, which are at hand."""
    bundle = watching.opened(settings)
    champion, *_ = watching.chosen(settings, (), 0, "champion")
    found = watching.compared(bundle, champion, old())
    watching.mark(champion, found, bundle.bench.data.digest)
    return found


def tag() -> dict[str, Any] | None:
    with tracking.opened() as store:
        text = models.by_number(store, "pictures", 1).tags.get(marks.DRIFT)
    return None if text is None else dict(json.loads(text))


def other_pictures(digest: int) -> None:
    """What no generator here draws: nearly black."""
    write_data(seed=digest)
    pixels = np.load(paths.PREPARED / "images.npy")
    np.save(paths.PREPARED / "images.npy", (pixels // 16).astype(np.uint8))


def test_the_champion_drifts_where_the_data_do_and_its_tag_says_so_while_it_holds(watched: Settings) -> None:
    alarms = []
    for digest in range(1, 7):
        write_data(seed=digest)
        alarms.append(now(watched).state == "drifted")
    assert sum(alarms) <= 1, "new pictures of the same kind are no drift: one alarm in forty is to be expected"
    other_pictures(7)
    found = now(watched)
    assert found.state == "drifted", found.sentence
    assert found.sentence.startswith("pictures version 1 (champion) has drifted: fid ")
    marked = tag()
    assert marked is not None
    assert (marked["data"], marked["metric"]) == (f"{7:064d}", "fid")
    assert marked["between"][0] > 0
    shutil.rmtree(paths.PREPARED)
    shutil.copytree("old", paths.PREPARED)
    assert (now(watched).state, tag()) == ("steady", None)


def test_no_picture_is_in_two_parts(watched: Settings) -> None:
    parts = drift.parts(old(), 3, 25)
    rows = np.concatenate([part.train.pixels.reshape(25, -1) for part in parts])
    assert len(np.unique(rows, axis=0)) == 75
    assert len({part.digest for part in parts}) == 3


def test_versions_are_watched_once_each_with_the_champion_first(watched: Settings) -> None:
    found = watching.chosen(watched, ("2", "champion"), 5, "champion")
    assert [one.registration.version for one in found if one.registration] == [1, 2]
    with pytest.raises(UserError, match="names files; the registry's versions are watched"):
        watching.chosen(watched, ("models/gan",), 0, "champion")
    with pytest.raises(UserError, match="has no nobody and no versions were named"):
        watching.chosen(watched, (), 0, "nobody")
    bundle = watching.opened(watched)
    first, second = watching.rows(bundle, [Scored(one, bundle.score(one)) for one in found])
    assert first["worse than the first by"] == ""
    assert second["worse than the first by"].count(",") == 1
    unknown = watching.judge(bundle, found[0], print)
    assert unknown.state == "unknown"
    assert "cannot be told: its run has no record of DVC's hash of its data." in unknown.sentence
