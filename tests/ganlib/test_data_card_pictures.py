"""What the data card shows: the prepared pictures themselves, small, few and named."""

import base64
import io
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from prepared_folder import Folder, Page, mixed, some

from ganlib import data_card
from ganlib.data_card import NearPair, charts, chosen
from ganlib.html import thumbnails


@pytest.fixture
def folder(tmp_path: Any) -> Folder:
    return Folder(tmp_path / "prepared")


def decoded(image: dict[str, str]) -> np.ndarray:
    kind, data = re.fullmatch(r"data:image/(png|jpeg);base64,(.*)", image["src"]).groups()  # type: ignore[union-attr]
    with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
        assert opened.format.lower() == kind
        pixels = np.asarray(opened)
    return pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_small_picture_is_shown_pixel_by_pixel_under_its_own_name(folder: Folder, channels: int) -> None:
    folder.keep(4).keep(2, label=1).keep(2, split="heldout")
    pixels = some(8, channels)
    page = Page(folder.card(pixels)[0])
    shown = {image["alt"]: image for image in page.all("img")}
    for number in range(8):
        np.testing.assert_array_equal(decoded(shown[f"{number}.png"]), pixels[number])
    assert "pixels" in shown["0.png"]["class"], "enlarged as squares"
    assert ("alpha" in shown["0.png"]["class"]) == (channels in (2, 4)), "over a chequered ground"


def test_a_large_picture_is_shown_small_in_its_own_proportions(folder: Folder) -> None:
    folder.keep(1).keep(1, split="heldout")
    pixels = np.full((2, 3, 100, 400), 200, np.uint8)
    page = Page(folder.card(pixels)[0])
    shown = next(image for image in page.all("img") if image["alt"] == "0.png")
    assert (shown["width"], shown["height"]) == (str(thumbnails.SIDES[0]), str(thumbnails.SIDES[0] // 4))
    assert abs(decoded(shown).astype(int) - 200).max() <= 2


def test_few_classes_show_as_many_pictures_each_and_many_are_passed_through_in_order() -> None:
    labels = np.array([0] * 1000 + [2] * 5)
    sheet = chosen.choose(labels, 3, first=100, each=12, total=96)
    assert [(number, len(rows)) for number, rows in sheet] == [(0, 12), (1, 0), (2, 5)]
    assert (sheet[0][1].min(), sheet[0][1].max()) == (100, 1099)
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 30))
    ((number, rows),) = chosen.choose(labels, 40, first=0, each=12, total=96)
    assert (number, len(rows)) == (-1, 96)
    assert set(labels[rows]) == set(range(40))
    assert (np.diff(labels[rows]) >= 0).all()


def test_the_mean_picture_is_the_mean_of_the_training_pictures_with_transparent_ones_over_white(
    folder: Folder,
) -> None:
    pixels = np.zeros((4, 2, 8, 8), np.uint8)
    pixels[:, 1] = np.array([255, 0, 255, 255])[:, None, None]
    pixels[2:, 0] = 77
    folder.keep(2).keep(2, split="heldout")
    page = Page(folder.card(pixels)[0])
    means = {image["alt"]: decoded(image) for image in page.all("img") if image["alt"].startswith("mean of")}
    assert set(means) == {"mean of all", "mean of cat"}, "no training picture is a dog"
    assert set(means["mean of all"].ravel()) == {128}


def test_a_sheet_of_mirrored_data_shows_pictures_that_no_file_stands_for_alone(folder: Folder) -> None:
    folder.keep(3).keep(1, split="heldout")
    pixels = some(8)
    html, facts = folder.card(pixels, doubled=2)
    assert facts["counts"] == {"train": 6, "heldout": 2}
    assert Counter(image["alt"] for image in Page(html).all("img"))["cat"] == 4
    assert "mirror image" in html


def test_equal_files_stand_side_by_side_and_contradictions_first(folder: Folder) -> None:
    folder.keep(4).keep(2, split="heldout")
    folder.refuse("exact duplicate", 9, duplicate_of="0.png", label=0)
    folder.refuse("exact duplicate", 1, duplicate_of="3.png", label=1, source="dogs/wrong.png")
    page = Page(folder.card(some(6))[0])
    text = page.text[page.text.index("Exact duplicates", page.text.index("Input files")) :]
    assert text.index("different classes") < text.index("dogs/wrong.png dog") < text.index("0.png cat kept")
    assert "and 3 more" in text
    assert "10 files have the same pixels as one of 2 earlier files" in text


def test_both_pictures_of_a_pair_are_shown_whatever_their_sizes(folder: Folder) -> None:
    mixed(folder)
    first, second = some(1, 1, 9, seed=1)[0], some(1, 3, 20, seed=2)[0]
    page = Page(folder.card(some(16), [NearPair("left.png", "right.png", first, second, 3, 0.98, False)])[0])
    shown = {image["alt"]: decoded(image) for image in page.all("img")}
    np.testing.assert_array_equal(shown["left.png"], first)
    np.testing.assert_array_equal(shown["right.png"], second)


def test_near_duplicates_say_how_near_they_are_and_whether_they_lie_on_both_sides(folder: Folder) -> None:
    html, _ = folder.card(some(16), mixed(folder))
    assert "3 of 64 bits differ · correlation 0.980" in html
    assert "across the split" in html
    folder.preparation["near_duplicates"] = {"pairs": 40, "straddling": 7, "complete": False}
    page = Page(folder.card(some(16), [])[0])
    assert "In 7 pairs one is a training picture and the other is held out." in page.text
    assert "There may be more" in page.text


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_points_are_drawn_as_points(folder: Folder, dimensions: int) -> None:
    folder.source, folder.classes, folder.preparation = "gaussians", [], {}
    folder.keep(40, label=-1, width=1, height=1).keep(10, label=-1, width=1, height=1, split="heldout")
    pixels = np.random.default_rng(0).normal(size=(50, dimensions, 1, 1)).astype(np.float32)
    html, facts = folder.card(pixels, kind="points")
    page = Page(html)
    assert page.sections() == ["points", "split", "preparation"]
    assert page.all("img") == []
    assert facts["kind"] == "points"
    assert "exact_duplicates" not in facts
    drawn = [path["d"] for path in page.all("path")]
    if dimensions > 1:
        assert [path.count("M") for path in drawn] == [40, 10]


def test_the_page_stays_small_whatever_the_data(folder: Folder) -> None:
    folder.classes = [f"{'long name ' * 50}{number}" for number in range(10)]
    pixels = some(200, 4, 128)
    for number in range(200):
        folder.keep(
            1, split="heldout" if number >= 150 else "train", label=number % 10, source="n" * 5000 + str(number)
        )
    for reason in ("broken", "truncated", "exact duplicate"):
        folder.refuse(reason, 30, detail="word " * 2000, source="s" * 5000, duplicate_of=folder.rows[0]["source"])
    folder.notes = ["note " * 1000] * 200
    pair = NearPair("a" * 9999, "b" * 9999, pixels[0], pixels[1], 1, 0.99, False)
    html, _ = folder.card(pixels, [pair] * 100)
    assert len(html.encode()) < 3_000_000
    assert html.count('class="both"') == data_card.PAIRS


@given(hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(1, 100_000)))
def test_every_size_is_in_one_bin_of_its_histogram(values: np.ndarray) -> None:
    shown = charts.sizes_histogram(values)
    edges = np.array(shown.edges)
    assert (np.diff(edges) > 0).all()
    assert sum(shown.counts) == len(values)
    assert len(shown.counts) <= 60
    for tick in charts.size_ticks(shown):
        assert edges[0] <= tick <= edges[-1]
    ratios = charts.ratio_histogram(values / values[::-1])
    assert sum(ratios.counts) == len(values)
