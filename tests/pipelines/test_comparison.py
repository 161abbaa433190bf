"""`ganlib compare`: all scored alike, or as they were published; a mistake is a sentence and leaves nothing behind."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_project import OTHER, SETTINGS, SLOW, publish_both, with_rate, write_generator
from mlflow_project import Project, publish
from typer.testing import CliRunner, Result

from ganlib import bundle, evaluation
from ganlib.errors import UserError
from ganlib.evaluation_page.reading import Pair
from pipelines import comparison, generators, lineage, params, paths, registry, scores, showing, tracking
from pipelines.cli import app

PAGE = Path("reports/compare.html")
FOLDERS = ("models/gan", str(OTHER))


def ganlib(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *words])


def sentence_of(result: Result) -> str:
    """The one sentence of a mistake, which leaves no page."""
    assert result.exit_code == 2, result.output
    assert not PAGE.exists()
    lines = [line for line in result.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def no_store(bench_project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Scored by a few metrics; whoever opens the store fails."""

    def opened() -> None:
        raise AssertionError("the store was opened")

    monkeypatch.setattr(tracking, "opened", opened)
    chosen = {**SETTINGS["evaluate"], "leave_out": [name for name in SLOW if name != "memorisation"]}  # type: ignore[dict-item]
    Path("params.yaml").write_text(json.dumps({**SETTINGS, "evaluate": chosen}))
    return bench_project


def test_two_folders_are_compared_without_any_store_and_once(
    no_store: Project, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    result = ganlib(*FOLDERS)
    assert result.exit_code == 0, result.output
    for said in ("A  models/gan", "B beside A: ", "80 of each (seed 5) against 90 training ones", str(PAGE.resolve())):
        assert said in " ".join(result.stdout.split()).replace("A models", "A  models"), said
    page = PAGE.read_text(encoding="utf-8")
    assert "Same latents" in page
    assert "Same classes" in page

    bench = scores.open_bench(params.load())
    ours, theirs = (scores.score(bench, generators.from_files(Path(name)), seed=5) for name in FOLDERS)
    gaps = evaluation.differences(theirs, ours)
    assert {"fid", "recall", "copies"} <= set(gaps)
    for gap in gaps.values():
        assert f"{gap.value:+.3g} [{gap.low:+.3g}, {gap.high:+.3g}]" in result.stdout
    clear = sum(not gap.low <= 0 <= gap.high for gap in gaps.values())
    assert sum(result.stdout.count(f"] {word}") for word in ("better", "worse", "differs")) == clear > 0

    def gather(*_: Any, **__: Any) -> None:
        raise AssertionError("a score was made again")

    monkeypatch.setattr(evaluation, "gather", gather)
    assert ganlib(*FOLDERS).stdout == result.stdout
    assert PAGE.read_text(encoding="utf-8") == page


def test_samples_seed_and_page_are_as_asked_for(no_store: Project) -> None:
    result = ganlib(*FOLDERS, "--samples", "64", "--seed", "9", "--output", "elsewhere/page.html")
    assert "64 of each (seed 9)" in result.output
    assert Path("elsewhere/page.html").is_file()
    assert not PAGE.exists()


def unfit(place: Path, **made: Any) -> Callable[[], object]:
    return partial(write_generator, place, seed=1, **made)


def no_data() -> None:
    (paths.PREPARED / "images.npy").unlink()


@pytest.mark.parametrize(
    ("words", "prepare", "said"),
    [
        ((), None, "takes two generators or more; name each by a version (3)"),
        (("models/gan",), None, "takes two generators or more"),
        (("models/gan",) * 7, None, "7 generators are too many to be seen side by side; name 6."),
        (("models/gan", "./models/gan"), None, "models/gan and ./models/gan are one and the same generator"),
        (("models/gan", "./nowhere"), None, "nowhere holds no generator: gan.json is missing"),
        (FOLDERS, unfit(OTHER, side=6), "makes pictures of shape (1, 6, 6), and data/prepared holds"),
        (FOLDERS, unfit(OTHER, classes=("a", "b")), "models/other knows the classes a, b, and data/prepared has zero"),
        (FOLDERS, no_data, "prepare the data first: dvc repro prepare."),
        ((*FOLDERS, "--samples", "2"), None, "evaluate.neighbours is 3"),
        ((*FOLDERS, "--output", "models"), None, "--output models is a folder; name a file, such as"),
        ((*FOLDERS, "--output", "params.yaml/page.html"), None, "cannot be written"),
        ((*FOLDERS, "--output", f"{'x' * 260}.html"), None, "cannot be written: the name is too long"),
        pytest.param(
            (*FOLDERS, "--output", "/proc/x.html"),
            None,
            "/proc/x.html cannot be written: nothing can be created there",
            marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc"),
        ),
        ((*FOLDERS, "--as-registered", "--seed", "1"), None, "--samples and --seed are for scoring anew"),
        ((*FOLDERS, "--as-registered"), None, "models/gan is not registered, so nothing was published with it"),
    ],
)
def test_a_mistake_is_one_sentence(
    no_store: Project, words: tuple[str, ...], prepare: Callable[[], object] | None, said: str
) -> None:
    if prepare is not None:
        prepare()
    assert said in sentence_of(ganlib(*words))
    assert not list(Path(paths.STATE).glob("scores/*")), "nothing was scored"


@pytest.fixture
def published(bench_project: Project) -> Project:
    """Two versions."""
    publish_both(bench_project)
    return bench_project


def test_published_numbers_are_compared_as_they_are_without_drawing(
    bench_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_both(bench_project, evaluated=True)
    numbers = json.loads(paths.EVALUATION_DETAILS.read_text())
    (paths.PREPARED / "images.npy").unlink()
    monkeypatch.setattr(generators, "open_drawer", None)
    found = comparison.as_registered(["1", "2"], bench_project.settings)
    assert [one.name for one in found.contestants] == ["pictures version 1", "pictures version 2 (challenger)"]
    assert found.contestants[1].report == numbers
    assert [one.looks for one in found.contestants] == [None, None]
    a, b = found.contestants
    assert {name for name in a.settings if a.settings[name] != b.settings[name]} == {"train.lr"}
    assert (a.settings["train.lr"], b.settings["train.lr"]) == (0.125, 0.25)
    assert [value for _, value in a.curves["generator_loss"]] == pytest.approx([1 / 3 + i for i in (1, 2, 3)])
    result = ganlib("1", "2", "--as-registered")
    assert result.exit_code == 0, result.output
    assert "None were drawn" in PAGE.read_text(encoding="utf-8")


def test_a_version_is_told_from_the_folder_that_it_was_made_of(published: Project) -> None:
    assert "2 and models/gan are one and the same generator" in sentence_of(ganlib("2", "models/gan"))
    assert "1 and pictures/1 are one and the same generator" in sentence_of(ganlib("1", "pictures/1"))


def publish_evaluation(project: Project, protocol: str) -> None:
    """Of models/gan as it stands, which is version 2."""
    report = {"protocol": {"name": protocol}, "fid": {"value": 1.0}}
    paths.EVALUATION_DETAILS.write_text(json.dumps(report))
    publish(project)
    registry.sync(project.settings)


def test_numbers_of_two_protocols_are_refused_with_the_way_out(bench_project: Project) -> None:
    publish_evaluation(bench_project, "today's")
    write_generator(paths.GAN, seed=1)
    lineage.write(paths.GAN, with_rate(bench_project, 0.25).lineage)
    publish_evaluation(bench_project, "yesterday's")
    assert sentence_of(ganlib("1", "2", "--as-registered")) == (
        "error: pictures version 1 was published with numbers of the protocol today's and pictures version 2 "
        "(challenger) with those of yesterday's, which cannot be compared; leave out --as-registered, and all are "
        "scored alike."
    )


def test_an_evaluation_of_another_generator_is_not_taken_for_this_ones(published: Project) -> None:
    publish_evaluation(published, "p")
    version = generators.find("2", published.settings)
    assert comparison.published(version)["fid"] == {"value": 1.0}
    assert version.registration is not None
    with tracking.opened() as store:
        store.client.set_tag(version.registration.run_id, "ganlib.generator", "0" * 64)
    with pytest.raises(UserError, match="has no evaluation of this generator; leave out --as-registered to score it"):
        comparison.published(version)


def test_curves_are_of_the_generator_or_absent_with_their_reason(bench_project: Project) -> None:
    curves, why = comparison.curves(generators.from_files(paths.GAN))
    assert why == ""
    assert [curves["discriminator_loss", step] for step in (1000, 2000, 3000)] == [0.5, 0.25, 0.5 / 3]
    assert "only versions, by their runs, and models/gan" in comparison.curves(generators.from_files(OTHER))[1]
    described = paths.GAN / bundle.DESCRIPTION
    described.write_text(described.read_text().replace('"images_seen": 3000', '"images_seen": 4000'))
    said = comparison.curves(generators.from_files(paths.GAN))
    assert said == ({}, "reports/history.csv does not end where its training did, at 4,000 images")
    paths.HISTORY.unlink()
    assert "reports/history.csv does not end" in comparison.curves(generators.from_files(paths.GAN))[1]


def test_pictures_at_the_same_place_are_of_the_same_latent_and_class(bench_project: Project) -> None:
    bench = scores.open_bench(bench_project.settings)
    named = [generators.from_files(place) for place in (paths.GAN, OTHER)]
    report = {"copies": {"pairs": [{"generated": 50, "train": 7, "feature_distance": None}]}}
    ours, theirs = showing.looks(bench, named, [report, report], seed=5)
    with scores.drawn(bench, generators.open_drawer(named[0], bench.device), seed=5) as samples:
        pixels, labels = np.array(samples.pixels), samples.labels
    assert np.array_equal(ours.first, pixels[: showing.FIRST])  # type: ignore[arg-type]
    assert list(ours.classes) == list(theirs.classes)
    for number, name in enumerate(bench.data.classes):
        assert np.array_equal(ours.by_class[name], pixels[labels == number][: showing.EACH])
    ((pair, generated, train),) = ours.nearest
    assert pair == Pair(50, 7, None, None, None)
    assert np.array_equal(generated, pixels[50])
    assert np.array_equal(train, bench.data.train.pixels[7])


def test_a_generator_without_classes_is_compared_and_it_is_said(no_store: Project) -> None:
    write_generator(OTHER, seed=1, classes=())
    result = ganlib(*FOLDERS)
    assert result.exit_code == 0, result.output
    assert "B knows no classes." in PAGE.read_text(encoding="utf-8")
    assert "B: Absent: class_accuracy" in result.output


def test_points_are_compared_and_drawn(bench_project: Project) -> None:
    random = np.random.default_rng(0)
    np.save(paths.PREPARED / "images.npy", random.normal(size=(150, 2, 1, 1)).astype(np.float32))
    np.save(paths.PREPARED / "labels.npy", np.full(150, -1))
    known = json.loads((paths.PREPARED / "dataset.json").read_text())
    (paths.PREPARED / "dataset.json").write_text(json.dumps({**known, "kind": "points", "classes": []}))
    for seed, place in enumerate((paths.GAN, OTHER)):
        write_generator(place, seed=seed, classes=(), points=2)
    chosen = {**SETTINGS["evaluate"], "extractor": "coordinates", "leave_out": SLOW}  # type: ignore[dict-item]
    Path("params.yaml").write_text(json.dumps({**SETTINGS, "evaluate": chosen}))
    result = ganlib(*FOLDERS)
    assert result.exit_code == 0, result.output
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("Scatter plot: training points left") == 2
    assert "80 points of each, from the same latents" in page
