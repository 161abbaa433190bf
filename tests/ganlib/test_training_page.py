"""The training's page: equal for equal trainings, silent about time once they are over, true about warnings."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from games import play, rules
from PIL import Image

from ganlib import blocks, diagnostics, training_page
from ganlib.training_page import Pace
from ganlib.training_page.grids import MOST
from ganlib.training_page.page import duration, warnings

History = list[dict[str, float]]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return play(tmp_path_factory.mktemp("training")).history


def grid(shade: int, side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), shade % 256, dtype=np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def page(folder: Path, history: History, count: int = 3, pace: Pace | None = None) -> str:
    html = folder / "training.html"
    training_page.write(history, {40 * (i + 1): grid(i) for i in range(count)}, rules(), html=html, pace=pace)
    return html.read_text(encoding="utf-8")


def test_equal_trainings_make_equal_pages_without_a_word_of_time(history: History, tmp_path: Path) -> None:
    one = page(tmp_path, history)
    assert one == page(tmp_path, history)
    assert "time left" not in one
    assert f"<h1>{int(history[-1]['images_seen'])} images</h1>" in one
    assert "Loss relativistic, penalty r1_r2, augmentation none" in one


def test_while_it_lasts_the_page_says_how_fast_and_how_long(history: History, tmp_path: Path) -> None:
    said = page(tmp_path, history[:-2], pace=Pace(8.0, 100.0))
    seen = int(history[-3]["images_seen"])
    assert f"{seen} of 120 images so far" in said
    assert duration((120 - seen) / 8.0) in said
    assert "after 2 min" in said


def test_a_warning_is_on_the_page_with_the_moment_it_set_in(history: History, tmp_path: Path) -> None:
    sure = [row | {"pair_accuracy": 0.999, "feature_spread": 1.0, "overfitting": 0.0} for row in history]
    (seen, _), *more = warnings(sure, rules())
    assert not more
    assert seen == int(history[diagnostics.ROWS - 1]["images_seen"])
    said = page(tmp_path, sure)
    assert f"From {seen} images on: D has won" in said
    assert "No warnings" not in said
    well = [row | {"pair_accuracy": 0.6, "feature_spread": 1.0, "overfitting": 0.0} for row in history]
    assert "No warnings" in page(tmp_path, well)


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, 1), (7, 7), (100, MOST)])
def test_grids_are_shown_from_first_to_last(history: History, tmp_path: Path, count: int, shown: int) -> None:
    said = page(tmp_path, history, count)
    alts = re.findall(r"Drawn after ([\d,]+) images", said)
    assert len(alts) == shown
    if count:
        assert (alts[0], alts[-1]) == ("40", f"{40 * count:,}")


def test_large_grids_become_small_enough_for_one_page(history: History, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (500, 700, 3), dtype=np.uint8)).save(buffer, format="PNG")
    html = tmp_path / "training.html"
    training_page.write(history, {i: buffer.getvalue() for i in range(12)}, rules(), html=html)
    assert html.stat().st_size < 3_000_000


def test_a_page_before_the_first_row_says_so(tmp_path: Path) -> None:
    assert "Nothing is known yet" in page(tmp_path, [])


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 0 min"), (12_000, "3 h 20 min")]
)
def test_durations_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_blocks_are_for_terminals_with_colours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert blocks.can_show(terminal=True)
    assert not blocks.can_show(terminal=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not blocks.can_show(terminal=True)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.delenv("COLORTERM")
    assert not blocks.can_show(terminal=True)


@pytest.mark.parametrize("columns", [3, 20, 300])
def test_two_pixels_are_a_character_and_no_line_is_wider_than_the_terminal(columns: int) -> None:
    picture = np.zeros((10, 8, 3), dtype=np.uint8)
    picture[0, 0], picture[1, 0] = (255, 0, 0), (0, 0, 255)
    lines = blocks.drawn(picture, columns).split("\n")
    widths = {line.count("▀") for line in lines}
    assert len(widths) == 1
    assert widths.pop() <= columns - 1
    if columns > 8:
        assert len(lines) == 5
        assert lines[0].startswith("\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀")
    assert all(line.endswith(blocks.RESET) for line in lines)
