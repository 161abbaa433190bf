"""The page and the pictures of played games: equal for equal games, and true to what they show."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlib import films, game_page
from ganlib.game_page import curves, panels, sheets
from ganlib.game_page.page import Matches
from ganlib.playing import RECIPES, play
from ganlib.strokes import curves as axes
from ganlib.strokes import raster
from ganlib.strokes.shapes import LOOKS, Area, Dots, Line, Rings, Tint, Words, by_day


@pytest.fixture(scope="module")
def games() -> Matches:
    return {
        layout: [next(iter(play(replace(recipe, rounds=2)))) for recipe in RECIPES[layout]]
        for layout in ("line", "ring")
    }


@pytest.mark.prove
def test_equal_games_make_equal_bytes(games: Matches, tmp_path: Path) -> None:
    one, other = (
        game_page.write(games, html=tmp_path / name / "game.html", folder=tmp_path / name / "game") for name in "ab"
    )
    assert [path.name for path in one] == [
        "game.html", "line.gif", "line.mp4", "line.png", "line-curves.png", "ring.gif", "ring.mp4", "ring.png",
        "ring-curves.png",
    ]  # fmt: skip
    for left, right in zip(one, other, strict=True):
        assert left.read_bytes() == right.read_bytes(), left.name


@pytest.mark.prove
def test_a_film_is_the_same_fifty_times(games: Matches, tmp_path: Path) -> None:
    """An encoder that looks at what its memory held before differs once in twenty."""
    frames, held, seen = list(sheets.film(games["ring"])), [], set()
    for number in range(50):
        films.write_mp4(tmp_path / "ring.mp4", iter(frames))
        seen.add((tmp_path / "ring.mp4").read_bytes())
        held = [np.full(size, number, np.uint8) for size in range(1, 1 << 22, 1 << 19)]
    assert (len(seen), len(held)) == (1, 8)


def test_the_page_says_the_numbers_of_its_games(games: Matches) -> None:
    page = game_page.page(games)
    for match in games["line"][:2]:
        assert f"{curves.estimates(match)[0]:.4f}" in page
    for match in games["ring"]:
        assert f"{match.moments[-1].numbers['modes']:.0f} of 8 modes" in page


def test_a_layout_that_was_not_played_has_no_section(games: Matches) -> None:
    page = game_page.page({"ring": games["ring"]})
    assert "Collapse, and its cure (ring)" in page
    assert "on a line" not in page


def test_every_frame_is_on_the_page_once_and_the_last_is_seen_without_a_script(games: Matches) -> None:
    page = game_page.page({"ring": games["ring"]})
    frames = len(games["ring"][0].frames)
    boards = page.count('class="game"')
    seen = re.findall(r'<g class="(now)?" data-frame="(\d+)"', page)
    assert len(seen) == 2 * boards * frames, "what D says below and points above"
    assert {number for now, number in seen if now} == {str(frames - 1)}


def test_every_role_has_a_colour_in_the_pages_own_style(games: Matches) -> None:
    assert all(re.fullmatch(r"#[0-9a-f]{6}", by_day(look.colour)) for look in LOOKS.values())


def test_pixels_are_where_strokes_are() -> None:
    """By colour: a blue area, a violet line over it, a green tint, words."""
    strokes = [
        Tint(50, 0, 50, np.full((4, 4), 255, dtype=np.uint8)),
        Area([(0, 0), (40, 0), (40, 40), (0, 40)], "data-area"),
        Line([(0, 20), (40, 20)], "generated"),
        Dots([(10, 70)], "point"),
        Rings([(30, 70)], "mode", 8),
        Words(60, 80, "½ −1", "judge"),  # noqa: RUF001
    ]
    sheet = raster.sheet([(0, 0, strokes)], 100, 100)
    assert sheet.shape == (100, 100, 3)
    ink = {name: tuple(int(by_day(name)[i : i + 2], 16) for i in (1, 3, 5)) for name in ("generated", "data-fill")}
    assert tuple(sheet[20, 20]) == ink["generated"] == tuple(sheet[70, 10])
    assert tuple(sheet[5, 5]) == ink["data-fill"]
    assert tuple(sheet[70, 30]) == tuple(sheet[95, 5]) == (255, 255, 255)
    assert sheet[10, 75, 0] < 150
    assert (sheet[68:82, 58:90] < 128).any()


def test_curves_stay_on_their_charts(games: Matches) -> None:
    for match in (*games["line"], *games["ring"]):
        for chart in curves.charts_of(match):
            for stroke in axes.drawn(chart, match.recipe.rounds):
                if isinstance(stroke, Line):
                    assert all(axes.LEFT - 1e-6 <= x <= axes.RIGHT + 1e-6 for x, _ in stroke.points)
                    assert all(axes.TOP - 1e-6 <= y <= axes.BOTTOM + 1e-6 for _, y in stroke.points)


def test_names_of_curves_do_not_cover_each_other() -> None:
    same = [axes.Series("data", str(number), [(0, 0.0), (9, 0.0)]) for number in range(3)]
    drawn = axes.drawn(axes.Chart("", same, 0.0, 1.0, []), 9)
    heights = sorted(stroke.y for stroke in drawn if isinstance(stroke, Words) and stroke.x > axes.RIGHT)
    assert all(after - before >= axes.APART - 1e-9 for before, after in pairwise(heights))


def test_a_film_of_few_colours_has_a_frame_for_each_second_moment(games: Matches, tmp_path: Path) -> None:
    game_page.write({"ring": games["ring"]}, html=tmp_path / "game.html", folder=tmp_path / "game")
    with Image.open(tmp_path / "game/ring.gif") as film:
        assert film.n_frames == len(games["ring"][0].frames[::2])
        assert film.size == (3 * panels.WIDTH * 0.75, round(panels.PLANE_HEIGHT * 0.75))
        colours = film.convert("RGB").getcolors(256)
    assert colours is not None
    assert len(colours) <= game_page.COLOURS
