"""Laws of the data card: it says what the manifest says, and nothing in it can act."""

import base64
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared_folder import Folder, Page, mixed, some

from ganlib.data_card import facts as facts_of
from ganlib.html import markup
from ganlib.html.style import STYLE

EVIL = """<script>alert(1)</script>"><img src=http://evil.invalid onerror='x'>&amp;</style>"""


@pytest.fixture
def folder(tmp_path: Any) -> Folder:
    return Folder(tmp_path / "prepared")


def test_the_facts_are_those_of_the_manifest(folder: Folder) -> None:
    _, facts = folder.card(some(16), mixed(folder))
    assert facts["files"] == {"total": 34, "kept": 16, "left_out": 18}
    assert facts["reasons"] == {"broken": 13, "not an image": 2, "exact duplicate": 3}
    assert facts["counts"] == {"train": 12, "heldout": 4}
    assert facts["class_counts"] == {"train": {"cat": 7, "dog": 5}, "heldout": {"cat": 3, "dog": 1}}
    assert facts["modes"] == {"RGB": 29, "P": 5}
    assert facts["done"] == {"cropped to 20x20": 5, "resized to 8x8": 5}
    assert facts["exact_duplicates"] == {"files": 3, "groups": 2, "contradictory": 1}
    assert facts["near_duplicates"] == {"files": 1, "pairs": 1, "straddling": 1, "contradictory": 1}
    assert facts["split"] == {"asked_share": 0.2, "heldout_share": 0.25}
    sizes = facts["sizes"]
    assert (sizes["known"], sizes["width"]["min"], sizes["width"]["max"]) == (19, 8, 30)
    assert sum(sizes["height"]["histogram"]["counts"]) == 19


def test_the_first_ten_files_of_each_reason_are_named_with_their_sentences(folder: Folder) -> None:
    folder.keep(4).keep(4, split="heldout").refuse("broken", 13).refuse("too small", 1, detail="It is 3x3.")
    for number, row in enumerate(folder.rows[8:21]):
        row |= {"source": f"bad-{number}.png", "detail": f"Sentence {number:02}."}
    page = Page(folder.card(some(8))[0])
    assert re.findall(r"bad-(\d+)\.pngSentence (\d\d)", page.text) == [(f"{n}", f"{n:02}") for n in range(10)]
    assert "Show the first 10" in page.text
    assert "21.pngIt is 3x3." in page.text


def test_every_leaf_of_the_facts_is_a_number_a_name_or_a_list_of_numbers(folder: Folder) -> None:
    def leaves(values: Any) -> Iterator[Any]:
        if isinstance(values, dict):
            for value in values.values():
                yield from leaves(value)
        else:
            yield values

    _, facts = folder.card(some(16), mixed(folder))
    words = [leaf for leaf in leaves(facts) if not isinstance(leaf, int | float | list)]
    assert words == ["pictures", "image_folder", "d" * 64]
    assert all(type(one) in (int, float) for leaf in leaves(facts) if isinstance(leaf, list) for one in leaf)


def test_equal_data_gives_equal_bytes(folder: Folder) -> None:
    pairs = mixed(folder)
    first = folder.card(some(16), pairs)
    assert folder.card(some(16), pairs) == first


@pytest.mark.parametrize("where", ["class", "file", "detail", "pair", "note", "setting", "done", "mode", "source"])
def test_a_name_that_is_html_is_only_text(folder: Folder, where: str) -> None:
    if where == "class":
        folder.classes = [EVIL, "dog"]
    pairs = mixed(folder, name=EVIL if where == "pair" else "1.png")
    row = folder.rows[20]
    changes = {"file": ("source", EVIL), "detail": ("detail", EVIL), "done": ("done", EVIL), "mode": ("mode", EVIL)}
    if where in changes:
        name, value = changes[where]
        (row if where in ("file", "detail") else folder.rows[0])[name] = value
    if where == "note":
        folder.notes = [EVIL]
    if where == "setting":
        folder.preparation["x"] = {EVIL: EVIL}
    if where == "source":
        folder.source = EVIL
    html, _ = folder.card(some(16), pairs)
    page = Page(html)
    assert "<script>alert(1)" in page.text, "the name is shown as it is"
    assert_inert(page)


def assert_inert(page: Page) -> None:
    """Nothing runs, and no address leads away."""
    assert not {"script", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/", "data:,")), attributes[name]


def test_the_policy_allows_this_style_sheet_and_pictures_inside_the_page_and_nothing_else(folder: Folder) -> None:
    html, _ = folder.card(some(16), mixed(folder))
    page = Page(html)
    assert_inert(page)
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert rules["img-src"] == "data:"
    assert "script-src" not in rules
    assert not re.search(r"url\(|@import|https?:", style)


def test_the_page_can_be_heard_and_walked_through(folder: Folder) -> None:
    page = Page(folder.card(some(16), mixed(folder))[0])
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("img")
    assert all(image["alt"] for image in page.all("img"))
    assert all("aria-label" in svg or svg.get("aria-hidden") == "true" for svg in page.all("svg"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {link["href"] for link in page.all("a")} <= {f"#{name}" for name in ids}
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))


def test_light_and_dark_are_easy_to_read() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        """WCAG 2.2, which asks 4.5 of text and 3 of graphics."""
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    themes = [
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    ]
    assert len(themes) == 2
    for theme in themes:
        for ground in ("page", "sheet"):
            for text in ("ink", "soft", "link"):
                assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
            for graphic in ("train", "heldout", "generated"):
                assert contrast(theme[graphic], theme[ground]) >= 3, graphic
        assert contrast(theme["warn"], theme["warn-page"]) >= 4.5
        assert contrast(theme["ink"], theme["warn-page"]) >= 4.5
        assert contrast(theme["good"], theme["good-page"]) >= 4.5
        assert contrast(theme["bad"], theme["bad-page"]) >= 4.5
        assert contrast(theme["ink"], theme["bad-page"]) >= 4.5


def clean(folder: Folder) -> None:
    folder.keep(1000).keep(1000, label=1).keep(250, split="heldout").keep(250, split="heldout", label=1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: folder.refuse("exact duplicate", duplicate_of="0.png", label=1),
         "1 file has the same pixels as an earlier one under another class"),
        (lambda folder: folder.refuse("exact duplicate", 40, duplicate_of="0.png", label=0),
         "1.6% of the input files (40) are an exact copy"),
        (lambda folder: folder.rows[2100].update(duplicate_of="0.png"),
         "1 pair of near duplicates lies on both sides of the split"),
        (lambda folder: folder.rows[1100].update(duplicate_of="0.png"),
         "1 picture has another class than the earlier one that it looks like"),
        (lambda folder: [row.update(duplicate_of="0.png") for row in folder.rows[1:31]],
         "1.2% of the input files (30) are nearly the same"),
        (lambda folder: [row.update(label=0, class_name="cat") for row in folder.rows[1000:1600]],
         "The classes are unbalanced: cat has 4.0 times as many training pictures as dog (1,600 and 400)"),
        (lambda folder: [row.update(label=1, class_name="dog") for row in folder.rows if row["split"] == "heldout"],
         "There is no held-out picture of cat"),
        (lambda folder: [row.update(split="train") for row in folder.rows[2010:]],
         "Only 10 pictures held out"),
        (lambda folder: [row.update(split="heldout") for row in folder.rows[900:1100]],
         "20% were to be held out and 28% are"),
        (lambda folder: folder.refuse("truncated", 30), "30 files could not be used: 30 truncated"),
        (lambda folder: [row.update(width=3) for row in folder.rows[:50]],
         "2% of the pictures (50) were enlarged to 8 × 8 pixels, 50 of them to more than twice"),  # noqa: RUF001
        (lambda folder: [row.update(width=30) for row in folder.rows[:50]],
         "2% of the pictures (50) lost more than half of their area"),
    ],
)  # fmt: skip
def test_what_stands_out_is_said_at_the_top_and_nothing_else_is(folder: Folder, spoil: Any, said: str) -> None:
    clean(folder)
    pixels = np.zeros((2500, 1, 8, 8), np.uint8)
    assert "Nothing stands out" in Page(folder.card(pixels)[0]).text
    spoil(folder)
    text = Page(folder.card(pixels)[0]).text
    assert said in text[: text.index("The pictures")]
    assert "Nothing stands out" not in text


def test_a_few_lost_or_repeated_files_of_many_and_texts_among_the_pictures_are_no_news(folder: Folder) -> None:
    clean(folder)
    folder.refuse("truncated", 5).refuse("not an image", 200)
    folder.refuse("exact duplicate", 5, duplicate_of="0.png", label=0)
    assert "Nothing stands out" in Page(folder.card(np.zeros((2500, 1, 8, 8), np.uint8))[0]).text


def test_thousands_of_classes_are_summed_up_and_listed(folder: Folder) -> None:
    folder.classes = [f"{'c' * 200}{number}" for number in range(3000)]
    folder.keep(2, label=5).keep(2, label=2999, split="heldout")
    html, facts = folder.card(some(4))
    assert len(html.encode()) < 500_000
    assert "3,000 classes with 0 to 2 training pictures" in html
    assert "and 2,000 more in data.json" in html
    assert Page(html).text.count("0 + 0") == 1000 - 1
    assert len(facts["class_counts"]["train"]) == 3000


def test_names_that_cannot_be_printed_are_spelt_out() -> None:
    assert markup.visible("a\x1b[0mb\u202egnp.\udcff\u202fz\n") == "a\\x1b[0mb\\u202egnp.\\udcff z "
    assert markup.visible("naïve 猫 🐈") == "naïve 猫 🐈"


@given(st.text())
def test_text_comes_out_of_the_page_as_it_went_in_or_spelt_out(text: str) -> None:
    parsed = Page(markup.element("p", text, title=text))
    assert parsed.text == markup.visible(text)
    assert parsed.elements == [("p", {"title": markup.visible(text)})]
    markup.visible(text).encode("utf-8")


def test_notes_that_differ_in_a_number_count_as_one() -> None:
    done = {"cropped to 3x4; resized to 8x8": 2, "cropped to 5x6": 1, "resized to 8x8": 4, "": 9}
    assert facts_of.alike(done) == {"resized to 8x8": 6, "cropped to …x…": 3}


def test_shares_are_never_rounded_to_none_or_all() -> None:
    shares = [markup.percent(share) for share in (0, 0.00001, 0.25, 1 / 3, 0.99999, 1)]
    assert shares == ["0%", "under 0.1%", "25%", "33.3%", "over 99.9%", "100%"]
