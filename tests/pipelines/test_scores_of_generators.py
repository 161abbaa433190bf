"""Generators are scored alike and once: as `evaluate` scores them, and anew only where something behind it changed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench_project import CLASSES, OTHER, SETTINGS, SLOW, evaluate, publish_both, write_data, write_generator
from mlflow_project import REPOSITORY, Project
from ruamel.yaml import YAML

from ganlib import bundle, evaluation
from ganlib.errors import UserError
from ganlib.features import classifier
from ganlib.settings import parse
from pipelines import generators, packaging, paths, scores
from pipelines.generators import Drawer, from_files


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes whenever a generator draws and an extractor looks."""
    done: list[str] = []
    draw, look = Drawer.pictures, classifier.Classifier.forward

    def drawing(self: Drawer, *given: Any, **more: Any) -> Any:
        done.append("draw")
        return draw(self, *given, **more)

    def looking(self: classifier.Classifier, *given: Any) -> Any:
        done.append("look")
        return look(self, *given)

    monkeypatch.setattr(Drawer, "pictures", drawing)
    monkeypatch.setattr(classifier.Classifier, "forward", looking)
    return done


def bench(**sections: Any) -> scores.Bench:
    """With a few metrics only."""
    wanted = {"sample": {}, **sections, "evaluate": {"leave_out": SLOW, **sections.get("evaluate", {})}}
    changed = {name: {**SETTINGS[name], **values} for name, values in wanted.items()}  # type: ignore[dict-item]
    return scores.open_bench(parse({**SETTINGS, **changed}, where="test"))


def test_a_score_says_what_the_evaluate_stage_says_of_the_same_samples(bench_project: Project) -> None:
    evaluate(bench_project)
    report = json.loads(paths.EVALUATION_DETAILS.read_text())
    found = scores.score(scores.open_bench(bench_project.settings), from_files(paths.GAN), seed=5)
    assert "absent" in found.pop("discriminator"), "only its own game's discriminator is no judge"
    assert found == {name: result for name, result in report.items() if name != "discriminator"}
    assert {"fid", "copies", "path_length", "class_accuracy"} <= {name for name in found if "value" in found[name]}


def test_a_second_score_draws_nothing_and_looks_at_nothing(bench_project: Project, work: list[str]) -> None:
    first = scores.score(bench(), from_files(paths.GAN), seed=5)
    assert {"draw", "look"} <= set(work)
    work.clear()
    assert scores.score(bench(), from_files(paths.GAN), seed=5) == first
    assert work == []


def test_a_version_has_the_score_of_the_folder_that_was_registered(bench_project: Project, work: list[str]) -> None:
    publish_both(bench_project)
    judged = bench()
    of_folder = scores.score(judged, from_files(paths.GAN), seed=5)
    work.clear()
    version = generators.find("2", bench_project.settings)
    assert version.registration is not None
    assert scores.score(judged, version, seed=5) == of_folder
    assert work == []


def test_another_source_has_a_score_of_its_own(bench_project: Project) -> None:
    folder = from_files(paths.GAN)
    version = replace(folder, digests=packaging.package_digests("mlp"))
    assert scores.drawn_by(version) == scores.drawn_by(folder)
    for path in ("code/ganlib/networks/mlp.py", bundle.DESCRIPTION):
        other = replace(version, digests={**version.digests, path: "0" * 64})
        assert scores.drawn_by(other) != scores.drawn_by(version)
    retold = replace(version, digests={**version.digests, "lineage.json": "0" * 64})
    assert scores.drawn_by(retold) == scores.drawn_by(version), "how it was trained changes no picture"


def edit_settings(_: pytest.MonkeyPatch) -> dict[str, Any]:
    return {"evaluate": {"copy_shift": 0}}


def edit_samples(_: pytest.MonkeyPatch) -> dict[str, Any]:
    return {"sample": {"n": 79}}


def edit_weights(_: pytest.MonkeyPatch) -> dict[str, Any]:
    write_generator(paths.GAN, seed=2)
    return {}


def edit_description(_: pytest.MonkeyPatch) -> dict[str, Any]:
    place = paths.GAN / bundle.DESCRIPTION
    place.write_text(place.read_text().replace('"normal"', '"uniform"'))
    return {}


def edit_source(_: pytest.MonkeyPatch) -> dict[str, Any]:
    link = Path("ganlib")
    link.unlink()
    shutil.copytree(REPOSITORY / "ganlib", link, ignore=shutil.ignore_patterns("__pycache__"))
    with (link / "networks/mlp.py").open("a") as network:
        network.write("\n# another source\n")
    return {}


def edit_data(_: pytest.MonkeyPatch) -> dict[str, Any]:
    write_data(seed=1)
    return {}


def edit_arithmetic(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(scores, "_code", lambda: "another")
    return {}


@pytest.mark.parametrize(
    "edit",
    [edit_settings, edit_samples, edit_weights, edit_description, edit_source, edit_data, edit_arithmetic],
)
def test_an_edit_scores_anew(bench_project: Project, work: list[str], edit: Any, monkeypatch: Any) -> None:
    scores.score(bench(), from_files(paths.GAN), seed=5)
    work.clear()
    scores.score(bench(**edit(monkeypatch)), from_files(paths.GAN), seed=5)
    assert "draw" in work


@pytest.mark.parametrize("setting", [{"batch_size": 7}, {}])
def test_what_changes_no_number_does_not(bench_project: Project, work: list[str], setting: dict[str, int]) -> None:
    scores.score(bench(), from_files(paths.GAN), seed=5)
    work.clear()
    scores.score(bench(evaluate=setting), from_files(paths.GAN), seed=5)
    assert work == []


def test_the_seed_decides_and_nothing_else_does(bench_project: Project) -> None:
    judged, named = bench(), from_files(paths.GAN)
    one, two = (scores.score(judged, named, seed=seed) for seed in (5, 6))
    assert one["fid"]["value"] != two["fid"]["value"]
    assert one["protocol"]["name"] != two["protocol"]["name"]


def test_two_generators_get_the_same_latents_and_labels(bench_project: Project) -> None:
    judged = bench()
    given = []
    for place in (paths.GAN, OTHER):
        drawer = generators.open_drawer(from_files(place), judged.device)
        labels = scores.labels_for(judged, drawer.named, 5, range(40))
        assert labels is not None
        given.append((drawer.noise(5, range(40)), labels))
    assert torch.equal(given[0][0], given[1][0])
    assert torch.equal(given[0][1], given[1][1])
    assert len(given[0][1].unique()) == len(CLASSES)


def test_what_was_drawn_is_gone_after_a_score_and_after_a_failure(
    bench_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left() -> list[Path]:
        return list(Path(paths.STATE).glob("*samples*"))

    scores.score(bench(), from_files(paths.GAN), seed=5)
    assert left() == []

    def fail(*_: Any, **__: Any) -> None:
        assert left() != []
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(evaluation, "gather", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        scores.score(bench(), from_files(paths.GAN), seed=7)
    assert left() == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"side": 6}, r"makes pictures of shape \(1, 6, 6\), and data/prepared holds pictures of shape \(1, 4, 4\)"),
        ({"classes": ("a", "b")}, "knows the classes a, b, and data/prepared has zero, one, two"),
    ],
)
def test_a_generator_of_something_else_is_refused(bench_project: Project, made: dict[str, Any], said: str) -> None:
    named = write_generator(OTHER, seed=1, **made)
    with pytest.raises(UserError, match=said):
        scores.score(bench(), named, seed=5)


def test_a_generator_without_classes_is_scored_where_there_are_some(bench_project: Project) -> None:
    named = write_generator(OTHER, seed=1, classes=())
    report = scores.score(bench(), named, seed=5)
    assert "value" in report["fid"]
    assert "absent" in report["class_accuracy"]


def test_without_data_there_is_a_sentence(bench_project: Project) -> None:
    (paths.PREPARED / "images.npy").unlink()
    with pytest.raises(UserError, match="prepare the data first: dvc repro prepare"):
        bench()


def test_every_file_that_evaluate_depends_on_decides_a_score() -> None:
    wiring = YAML(typ="safe", pure=True).load(REPOSITORY / "dvc.yaml")["stages"]["evaluate"]["deps"]
    shown_only = {"report", "evaluation_page", "html", "scatter"}
    names = {name.removeprefix("ganlib/").removesuffix(".py") for name in wiring if name.startswith("ganlib/")}
    arithmetic = {name for name in names if not name.startswith(("features", "metrics"))} - shown_only
    assert arithmetic <= set(scores.ARITHMETIC)


def test_pictures_do_not_depend_on_how_many_are_drawn(bench_project: Project) -> None:
    judged = bench()
    drawer = generators.open_drawer(from_files(paths.GAN), judged.device)
    with scores.drawn(judged, drawer, seed=5) as samples:
        whole = np.array(samples.pixels)
    some = [70, 3, 41]
    labels = scores.labels_for(judged, drawer.named, 5, some)
    few = torch.cat(list(drawer.pictures(drawer.noise(5, some), labels))).numpy()
    assert np.array_equal(few, whole[some])
