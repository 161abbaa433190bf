"""A champion has drifted only where new data prove it, and the registry says so for as long as it holds."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bench_project import SETTINGS, publish_both, write_data
from hypothesis import given
from hypothesis import strategies as st
from mlflow_project import Project

from ganlib.errors import UserError
from ganlib.settings import Settings, parse
from pipelines import drift, generators, paths, promotion, scores, tracking, verdicts, watching
from pipelines.tracking import marks, models, moves
from pipelines.tracking.history import Move
from pipelines.watching import Scored, Verdict

values = st.floats(0, 10)
blocks = st.lists(st.tuples(values, values), min_size=2, max_size=6)
PROTOCOL = {"name": "n", "extractor": "random", "sample_seed": 0, "data_sha256": "a", "floor_count": 9}


def reports(behind: list[float], *, metric: str = "fid", floor: float = 2.0, reach: float = 0.0, **words: Any) -> Any:
    sign = -1 if metric == "recall" else 1
    result = {"floor": floor, "floor_low": floor - reach, "floor_high": floor + reach}
    return [
        {"protocol": {**PROTOCOL, "sample_seed": seed, **words}, metric: {**result, "value": floor + sign * one}}
        for seed, one in enumerate(behind)
    ]


@given(blocks, values, st.sampled_from(["fid", "recall"]))
def test_what_is_harder_for_real_pictures_too_is_no_drift(
    found: list[tuple[float, float]], floor: float, metric: str
) -> None:
    ones = [one for one, _ in found]
    known = drift.between(reports(ones, metric=metric), reports(ones, metric=metric, floor=floor), metric)
    assert known.worse == pytest.approx(0, abs=1e-9)
    assert not known.proven or known.low < 1e-9


@given(blocks, values, values)
def test_doubt_about_held_out_pictures_widens_the_interval(
    found: list[tuple[float, float]], then: float, now: float
) -> None:
    before, after = ([pair[side] for pair in found] for side in (0, 1))
    sure = drift.between(reports(before), reports(after), "fid")
    unsure = drift.between(reports(before, reach=then), reports(after, reach=now), "fid")
    expected = math.hypot((sure.high - sure.low) / 2, then, now)
    assert (unsure.high - unsure.low) / 2 == pytest.approx(expected, abs=1e-9)
    assert unsure.worse == sure.worse
    there, back = drift.between(reports(after), reports(before), "fid"), sure
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


def test_numbers_of_another_extractor_or_other_latents_are_not_compared() -> None:
    ours = reports([1.0, 2.0])
    assert drift.alike(ours, reports([1.0, 2.0], data_sha256="b", floor_count=8, name="m"))
    for other in (reports([1.0, 2.0], extractor="classifier"), reports([1.0, 2.0, 3.0]), list(reversed(ours))):
        assert not drift.alike(ours, other)
        with pytest.raises(UserError, match="measured by another protocol"):
            drift.between(ours, other, "fid")


def test_a_number_that_stands_beside_no_held_out_pictures_shows_no_drift() -> None:
    absent = [{"protocol": PROTOCOL, "fid": {"absent": "few"}}] * 2
    with pytest.raises(UserError, match="fid is not there beside held-out pictures"):
        drift.between(absent, absent, "fid")


PROMOTE = {"blocks": 2, "samples": 60, "max_copies": 0.9}


@pytest.fixture
def watched(bench_project: Project) -> Settings:
    """Two versions; the first is champion, judged through an extractor that no data train."""
    evaluate = {**SETTINGS["evaluate"], "extractor": "random"}  # type: ignore[dict-item]
    settings = parse({**SETTINGS, "evaluate": evaluate, "promote": PROMOTE}, where="test")
    publish_both(replace(bench_project, settings=settings))
    promote(settings)
    return settings


def promote(settings: Settings) -> None:
    """As `ganlib promote 1` does, but with the one number that is looked at here: the others take a minute."""
    bundle = watching.opened(settings)
    named = generators.find("1", settings)
    assert named.registration is not None
    reports = bundle.score(named)
    verdict = verdicts.Verdict("inconclusive", ())
    evidence = promotion._evidence(bundle.bench, settings.promote, [named], bundle.seeds, [reports], verdict)
    with tracking.opened() as store:
        judged = promotion.Judged(verdict, evidence, "n")
        move = Move("promote", "champion", None, 1, forced=True, why="there is none yet")
        known = {"file": promotion._keep(store, named.registration, judged)}
        moves.make(store, "pictures", replace(move, evidence=known), again="")


def now(settings: Settings) -> Verdict:
    bundle = watching.opened(settings)
    champion, *_ = watching.chosen(settings, (), 0, "champion")
    found = watching.judge(bundle, Scored(champion, bundle.score(champion)), print)
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


def train_classifier() -> None:
    """The promotion's other numbers want the data's own."""
    from ganlib.features import classifier
    from ganlib.prepared import open_prepared

    data = open_prepared(paths.PREPARED)
    settings = parse(SETTINGS, where="test")
    network = classifier.train(data, settings.classifier, device=scores.choose("cpu"))
    classifier.save_classifier(paths.CLASSIFIER, network, data_digest=data.digest)


def test_the_champion_drifts_where_the_data_do_and_its_tag_says_so_while_it_holds(watched: Settings) -> None:
    assert now(watched).state == "the same data"
    write_data(seed=1)
    train_classifier()
    fresh = now(watched)
    assert (fresh.state, tag()) == ("steady", None), fresh.sentence
    other_pictures(2)
    train_classifier()
    found = now(watched)
    assert found.state == "drifted", found.sentence
    assert found.sentence.startswith("pictures version 1 (champion) has drifted; fid behind held-out pictures: ")
    marked = tag()
    assert marked is not None
    assert (marked["data"], marked["metric"]) == (f"{2:064d}", "fid")
    assert marked["between"][0] > 0
    write_data(seed=3)
    train_classifier()
    assert (now(watched).state, tag()) == ("steady", None)


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


def test_where_nothing_is_known_of_the_past_that_is_said(watched: Settings) -> None:
    """The run has no record of DVC's hash, and the promotion judged by another extractor."""
    write_data(seed=1)
    train_classifier()
    through = replace(watched, evaluate=replace(watched.evaluate, extractor="classifier"))
    found = now(through)
    assert found.state == "unknown"
    assert "has drifted cannot be told: its run has no record of DVC's hash of its data." in found.sentence
