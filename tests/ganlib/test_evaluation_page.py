"""Laws of the evaluation's page: copying is said first, nothing that is no number is shown, nothing in it can act."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_reports import EVIL, PROTOCOL, copied, data, measured, page, split, whole
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from prepared_folder import Page, some

from ganlib import evaluation_page
from ganlib.evaluation_page import charts, judging, numbers, reading
from ganlib.evaluation_page.gallery import CLASSES, EACH, PAIRS
from ganlib.evaluation_page.reading import Number
from ganlib.evaluation_page.sheets import MOST_CHARACTERS, drawing
from ganlib.prepared import PreparedData, Split


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def assert_inert(shown: Page) -> None:
    assert not {"script", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in shown.elements}
    for tag, attributes in shown.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/", "data:,")), attributes[name]


def verdicts(text: str) -> str:
    return text[: text.index("The numbers")]


def test_copying_is_the_first_thing_that_is_said(tmp_path: Path) -> None:
    shown = Page(page(tmp_path, whole()))
    boxes = [
        attributes["class"] for tag, attributes in shown.elements if attributes.get("class", "").startswith("look ")
    ]
    assert boxes[0] == "look good"
    said = verdicts(shown.text)
    assert said.index("No sign of copying") < said.index("held-out real data") < said.index("Not known")


@pytest.mark.parametrize(
    ("result", "tone", "said"),
    [
        (copied(0.4, 0.3, 0.5, exact=12), "bad", "40% of the generated pictures are copies"),
        (copied(0.4, 0.3, 0.5, exact=12), "bad", "12 pictures equal a training picture pixel by pixel"),
        (copied(0.004, 0.001, 0.01), "warn", "A few copies"),
        (copied(0.0, 0.0, 0.01), "good", "No sign of copying"),
        (copied(0.0, 0.0, 0.3), "warn", "Up to 30.0% could be copies"),
        ({"value": 0.2}, "bad", "without an interval"),
        ({"absent": "nothing is held out"}, "warn", "not known: nothing is held out."),
        (None, "warn", "it was not measured"),
    ],
)
def test_what_is_said_of_copying_follows_the_interval(tmp_path: Path, result: Any, tone: str, said: str) -> None:
    report = {key: value for key, value in whole().items() if key != "copies"} | ({"copies": result} if result else {})
    shown = Page(page(tmp_path, report))
    assert said in verdicts(shown.text)
    first = next(one["class"] for _, one in shown.elements if one.get("class", "").startswith("look "))
    assert first == f"look {tone}"


def test_a_set_that_lies_nearer_to_training_data_than_new_data_does_is_not_praised(tmp_path: Path) -> None:
    report = whole() | {"c_t": measured(-9.0)}
    assert "nearer to the training pictures than held-out ones do" in verdicts(Page(page(tmp_path, report)).text)
    report = whole() | {"fid": measured(1.0, 0.1, 2.0, value_at_floor_count=1.0)}
    said = verdicts(Page(page(tmp_path, report)).text)
    assert "honest novelty does not explain: look at the copies first" in said


@pytest.mark.parametrize(("recall", "narrow"), [(0.05, True), (0.38, True), (0.395, False), (0.79, False)])
def test_a_collapse_is_called_one_however_good_its_pictures_are(tmp_path: Path, recall: float, narrow: bool) -> None:
    report = whole() | {"fid": measured(2.2, 0.1, 2.0), "recall": measured(recall, 0.01, 0.8)}
    said = verdicts(Page(page(tmp_path, report)).text)
    assert ("Little of the variety of real data" in said) == narrow
    assert ("hardly ever made, as after a collapse" in said) == narrow


@pytest.mark.parametrize(
    ("value", "reach", "said"),
    [
        (0.6, 0.9, "no sign of copying"),
        (0.6, 0.3, "a little farther than new"),
        (-2.9, 0.5, "a little nearer than new"),
        (-3.1, 4.0, "nearer than new"),
        (3.1, 0.5, "farther than new"),
    ],
)
def test_the_copying_statistic_is_judged_by_its_interval_and_its_limit(value: float, reach: float, said: str) -> None:
    (row,) = reading.rows({"c_t": measured(value, reach, 0.0)})
    assert judging.judge(row, generated=400, compared=400).short == said


@pytest.mark.parametrize(
    ("value", "alike", "floor", "reach", "said"),
    [
        (2.05, None, 2.0, 0.1, "no clear difference"),
        (2.5, None, 2.0, 0.1, "worse than real"),
        (1.5, None, 2.0, 0.1, "nearer than new"),
        (4.0, 2.05, 2.0, 0.1, "no clear difference"),  # like is compared with like
        (2.0, 2.22, 2.0, 0.1, "no clear difference"),  # fewer pictures, more doubt
        (2.0, 2.22, 2.0, 0.05, "worse than real"),
    ],
)
def test_a_number_is_judged_by_its_floor_within_both_intervals(
    value: float, alike: float | None, floor: float, reach: float, said: str
) -> None:
    more = {} if alike is None else {"value_at_floor_count": alike}
    (row,) = reading.rows({"fid": measured(value, reach, floor, **more)})
    assert judging.judge(row, generated=400, compared=100).short == said


def test_the_page_shows_numbers_floors_pictures_and_every_word_of_the_protocol(tmp_path: Path) -> None:
    sheet = png(some(1, 3, 40)[0].transpose(1, 2, 0))
    shown = Page(page(tmp_path, whole(), grid=sheet, interpolation=sheet))
    assert shown.sections() == ["numbers", "copies", "samples", "classes", "others", "protocol"]
    for words in ("4.00", "3.80 to 4.20", "5.00", "1.80 to 2.20", "KID: there are too few pictures.", "jackknife",
                  "Inception score of held-out data: held-out pictures have no spread."):  # fmt: skip
        assert words in shown.text, words
    protocol = shown.text[shown.text.rindex("The protocol") :]
    assert all(str(value) in protocol for value in PROTOCOL.values())
    alts = [image["alt"] for image in shown.all("img")]
    pairs = ["generated picture 0, cat", "training picture 7, dog", "generated picture 1, dog"]
    assert alts[: len(pairs)] == pairs
    assert sum(alt.startswith("training picture") for alt in alts) == 3, "counts of a class are no pair"
    assert alts.count("generated picture of cat") == EACH
    assert alts.count("held-out picture of dog") == EACH


def test_equal_input_gives_equal_bytes_and_the_page_holds_its_standard(tmp_path: Path) -> None:
    sheet = png(some(1, 3, 40)[0].transpose(1, 2, 0))
    html = page(tmp_path, whole(), grid=sheet)
    assert page(tmp_path, whole(), grid=sheet) == html
    shown = Page(html)
    assert_inert(shown)
    assert "script-src" not in html
    assert "default-src 'none'" in html
    assert all(image["alt"] for image in shown.all("img"))
    assert all("aria-label" in svg or svg.get("aria-hidden") == "true" for svg in shown.all("svg"))
    assert all(cell.get("scope") in ("col", "row", "colgroup") for cell in shown.all("th"))
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {link["href"] for link in shown.all("a")} <= {f"#{name}" for name in ids}


@pytest.mark.parametrize("where", ["class", "reason", "protocol", "key", "number"])
def test_a_name_that_is_html_is_only_text(tmp_path: Path, where: str) -> None:
    report, names = whole(), ("cat", "dog")
    if where == "class":
        names = (EVIL, "dog")
        report["class_fid"]["classes"][0]["class"] = EVIL
    changes: dict[str, dict[str, Any]] = {
        "reason": {"kid": {"absent": EVIL}},
        "protocol": {"protocol": PROTOCOL | {EVIL: EVIL, "extractor": EVIL}},
        "key": {EVIL: measured(1.0)},
        "number": {"fid": measured(1.0) | {EVIL: 2.0}},
    }
    html = page(tmp_path, report | changes.get(where, {}), prepared=data(names))
    shown = Page(html)
    assert "<script>alert(1)" in shown.text, "the name is shown as it is"
    assert_inert(shown)


ODD = st.one_of(
    st.none(), st.booleans(), st.text("x<&' ", max_size=3), st.floats(), st.integers(), st.just(10**400),
    st.just({"absent": "so"}), st.just({}), st.just([]), st.just([{"class": "cat", "fid": float("nan")}]),
    st.just([{"train": 10**9, "generated": 0}, {"train": 1, "generated": True}, {"train": "x"}, 3]),
)  # fmt: skip
KEYS = st.sampled_from([*whole(), "modes", "made up"])
ENTRIES = st.sampled_from(
    ["value", "low", "high", "value_at_floor_count", "floor", "floor_low", "floor_high", "perfect", "of", "exact",
     "pairs", "classes", "absent", "more"]
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from([*whole(), "modes", "made up"]), ODD | st.dictionaries(ENTRIES, ODD), max_size=6)
)
def test_no_report_is_too_odd_and_nothing_that_is_no_number_is_shown(tmp_path: Path, report: dict[str, Any]) -> None:
    html = page(tmp_path, report, split(3), data())
    shown = Page(html)
    assert_inert(shown)
    assert not re.search(r"\b(nan|infinity|inf)\b", shown.text, re.IGNORECASE)
    assert not re.search(r'="[^"]*\b(nan|inf)\b', html)
    for table in evaluation_page.tables(report).values():
        assert not re.search(r"\b(nan|inf)\b", table)


def test_thousands_of_classes_and_pairs_and_noise_stay_small(tmp_path: Path) -> None:
    names = tuple(f"{'c' * 200}{number}" for number in range(2000))
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (count, 4, 64, 64), dtype=np.uint8) for count in (400, 60, 400)]
    labels = (np.arange(400) % 20).astype(np.int64)
    prepared = PreparedData(Split(noise[0], labels), Split(noise[1], labels[:60]), names, "d" * 64)
    report = whole() | {"copies": copied(0.5, 0.4, 0.6, pairs=60), "class_accuracy": {"absent": "so"}}
    report["class_fid"] = measured(3.0, classes=[{"class": name, "fid": float(n)} for n, name in enumerate(names)])
    sheet = png(rng.integers(0, 256, (2400, 1200, 3), dtype=np.uint8))
    html = page(tmp_path, report, Split(noise[2], labels), prepared, grid=sheet, interpolation=sheet)
    assert len(html.encode()) < 3_200_000
    assert html.count('class="both"') == PAIRS
    assert "The 40 worst of 2,000 classes" in html
    assert f"Shown are {CLASSES} of 2,000 classes, the worst" in html


def test_pictures_without_classes_stand_beside_real_ones_all_together(tmp_path: Path) -> None:
    for generated, prepared in ((split(40, labelled=False), data()), (split(40, labelled=False), data(()))):
        shown = Page(page(tmp_path, {"protocol": PROTOCOL}, generated, prepared))
        alts = [image["alt"] for image in shown.all("img")]
        assert (alts.count("generated picture"), alts.count("held-out picture")) == (40, 20)


def test_a_class_of_which_nothing_was_generated_is_said_to_have_none(tmp_path: Path) -> None:
    only_cats = Split(some(10, 1), np.zeros(10, np.int64))
    assert "no generated picture" in Page(page(tmp_path, whole(), only_cats)).text


def test_points_are_scattered_and_listed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100, 2, 1, 1)).astype(np.float32)
    points[0] = np.nan
    labels = np.full(100, -1)
    prepared = PreparedData(Split(points[1:61], labels[:60]), Split(points[60:], labels[:40]), (), "d" * 64)
    report = {key: whole()[key] for key in ("protocol", "copies", "fid")}
    shown = Page(page(tmp_path, report, Split(points[:50], labels[:50]), prepared))
    assert [image["alt"] for image in shown.all("img")] == [
        "Scatter plot: training points left, generated points right"
    ]
    assert "Nearest training points" in shown.text
    assert "(?, ?)" in shown.text
    assert "picture" not in verdicts(shown.text)


def test_a_drawing_that_is_too_large_is_made_smaller_and_what_is_no_drawing_is_left_out() -> None:
    rng = np.random.default_rng(0)
    shown = drawing(png(rng.integers(0, 256, (1300, 1300, 3), dtype=np.uint8)), "noise")
    assert shown is not None
    assert len(shown) < MOST_CHARACTERS + 200
    assert "data:image/jpeg" in shown
    assert drawing(b"GIF89a" + bytes(40), "x") is None
    assert drawing(png(np.zeros((8, 8), np.uint8)), "small").startswith('<img src="data:image/png')  # type: ignore[union-attr]


def test_the_chart_holds_every_number_and_its_axis_has_two_or_more() -> None:
    for value, floor in ((0.5, 0.7), (1e-12, 0.0), (1e12, 1e12 + 1), (-5.0, 5.0)):
        (row,) = reading.rows({"fid": measured(value, 0.1, floor)})
        drawn = charts.intervals(row, label="x", name=str)
        assert drawn.count('class="tick middle"') >= 2
        places = [float(found) for found in re.findall(r' (?:c?x|x1|x2)="([^"]*)"', drawn)]
        assert min(places) >= 0
        assert max(places) <= charts.WIDTH


@pytest.mark.parametrize(
    ("number", "percent", "said", "between"),
    [
        (Number(4.1823, 3.871, 4.493), False, "4.18", "3.87 to 4.49"),
        (Number(0.00234, -0.0012, 0.0058), False, "0.0023", "−0.0012 to 0.0058"),  # noqa: RUF001
        (Number(0.31, 0.29, 0.33), True, "31.0%", "29.0 to 33.0%"),
        (Number(8.0, 8.0, 8.0), False, "8", "8 to 8"),
        (Number(-0.00001, -0.1, 0.1), False, "0.00", "−0.10 to 0.10"),  # noqa: RUF001
        (Number(1e-12), False, "1e−12", ""),  # noqa: RUF001
        (Number(0.7), False, "0.700", ""),
        (Number(12345.6), False, "12,346", ""),
    ],
)
def test_a_number_has_as_many_digits_as_are_known(number: Number, percent: bool, said: str, between: str) -> None:
    assert numbers.said(number, percent=percent) == said
    assert numbers.between(number, percent=percent) == between


def test_the_tables_for_plots_say_what_is_known_of_classes_and_sets() -> None:
    tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in evaluation_page.tables(whole()).items()}
    assert tables["classes.csv"] == [{"class": "cat", "fid": "3.0", "accuracy": "0.9"}]
    assert [(row["set"], row["precision"], row["recall"]) for row in tables["overlap.csv"]] == [
        ("generated", "0.8", "0.5"), ("generated_at_floor_count", "0.79", "0.4"), ("heldout", "0.81", "0.8"),
    ]  # fmt: skip
    assert all(row[row["set"]] == row["precision"] for row in tables["overlap.csv"])
    assert evaluation_page.tables({})["classes.csv"] == "class,fid,accuracy\n"


def test_counts_of_a_class_are_no_pair() -> None:
    by_class = [{"class": "cat", "generated": 3, "train": 4, "fid": 1.0}]
    report = {"class_fid": measured(3.0, classes=by_class), "copies": copied(0.0, 0.0, 0.01, pairs=1)}
    assert [(pair.generated, pair.train) for pair in reading.pairs(report, generated=40, train=60)] == [(0, 7)]
