"""The pages in a real browser: they open without complaint, fit a phone, and ask nobody for anything."""

import dataclasses
import http.server
import io
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from browsers import BROWSER, needed
from comparisons import contestant
from comparisons import page as comparison_page
from evaluation_reports import page as evaluation_page
from evaluation_reports import whole
from games import play as play_training
from games import rules
from PIL import Image
from prepared_folder import Folder, some
from test_sweep_page import trial

from ganlib import game_page, sweep_page, training_page
from ganlib.data_card import NearPair
from ganlib.game_page.page import Matches
from ganlib.playing import RECIPES, play
from ganlib.preference import Preference
from ganlib.sweep_page import Trial

pytestmark = needed

QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync",
    # The browser's own wishes too end on this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--enable-logging=stderr", "--v=0",
]  # fmt: skip


@dataclass
class Site:
    """A server of one folder on loopback, and what it was asked for."""

    folder: Path
    asked: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site")
    site.folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            """Not on the terminal."""

    handler = partial(Handler, directory=site.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def opened(address: str, profile: Path, *more: str) -> tuple[str, list[str]]:
    """The document as the browser understood it, and what it wrote on its console."""
    assert BROWSER is not None
    command = [BROWSER, *QUIET, f"--user-data-dir={profile}", *more, "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def card(folder: Path) -> str:
    made = Folder(folder, classes=["<script>document.title='caught'</script>", "dog"])
    made.keep(30).keep(30, label=1, width=640, height=333).keep(9, split="heldout").keep(9, split="heldout", label=1)
    made.refuse("broken", detail="<img src=/caught.png onerror=\"document.title='caught'\">", source="x" * 400)
    made.refuse("exact duplicate", duplicate_of="0.png", label=1)
    made.rows[50]["duplicate_of"] = "2.png"
    pair = NearPair("2.png", "50.png", some(1)[0], some(1)[0], 2, 0.97, True)
    return made.card(some(78), [pair])[0]


def test_the_card_opens_without_complaint_and_asks_for_nothing_but_itself(site: Site, tmp_path: Path) -> None:
    (site.folder / "data.html").write_text(card(tmp_path / "prepared"), encoding="utf-8")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert complaints == []
    assert site.asked == ["/data.html"]
    assert "<title>Data card: 78 pictures from image_folder</title>" in document
    assert "What was done" in document


def test_its_policy_stops_what_would_ask_or_act(site: Site, tmp_path: Path) -> None:
    bad = '<img src="/caught.png" alt=""><script>document.title = "caught"</script><p style="color: red">'
    page = card(tmp_path / "prepared").replace("<body>", f"<body>{bad}")
    (site.folder / "data.html").write_text(page, encoding="utf-8")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert "<title>caught</title>" not in document
    assert site.asked == ["/data.html"]
    assert sum("violates" in line for line in complaints) == 3


FRAME = """<iframe src="data.html" width="360" height="800"></iframe><script>
    addEventListener("load", () => {
      const inner = document.querySelector("iframe").contentDocument;
      inner.querySelectorAll("details").forEach(one => one.open = true);
      document.title = inner.documentElement.scrollWidth + " " + inner.images.length + " "
        + [...inner.images].every(one => one.complete && one.naturalWidth > 0);
    });</script>"""
"""A page that looks at another as a phone shows it."""


def test_nothing_of_it_sticks_out_of_a_narrow_screen(site: Site, tmp_path: Path) -> None:
    (site.folder / "data.html").write_text(card(tmp_path / "prepared"), encoding="utf-8")
    images = assert_it_fits(site, tmp_path / "profile")
    assert images == 2 * 12 + 2 * 4 + 3 + 1 + 2, "two sheets, means, a set of equal files, a pair"


def test_the_evaluation_opens_without_complaint_and_fits_a_narrow_screen(site: Site, tmp_path: Path) -> None:
    evaluation_page(tmp_path, whole())
    shutil.copy(next(tmp_path.glob("*.html")), site.folder / "data.html")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert complaints == []
    assert site.asked == ["/data.html"]
    assert "Nearest training pictures" in document
    assert_it_fits(site, tmp_path / "narrow")


LOOKS = """<iframe src="data.html" width="360" height="800"></iframe>
    <iframe src="data.html" width="1280" height="800"></iframe><script>
    const light = color => {
      const parts = color.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
        .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
      return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
    };
    addEventListener("load", () => {
      const found = [...document.querySelectorAll("iframe")].map(frame => {
        const inner = frame.contentDocument, sheet = inner.defaultView.getComputedStyle(inner.querySelector(".part"));
        inner.querySelectorAll("details").forEach(one => one.open = true);
        const letters = [...inner.querySelectorAll(".part .letter")].map(one => {
          const style = inner.defaultView.getComputedStyle(one);
          const both = [one instanceof inner.defaultView.SVGElement ? style.fill : style.color, sheet.backgroundColor];
          const [dark, bright] = both.map(light).sort((a, b) => a - b);
          return (bright + .05) / (dark + .05);
        });
        return [inner.documentElement.scrollWidth, Math.min(...letters), light(sheet.backgroundColor)].join(" ");
      });
      document.title = found.join(" ");
    });</script>"""
"""A page that says how wide another is on a phone and on a desk, how well its letters stand out, how bright it is."""


def test_the_comparison_opens_without_complaint_and_fits_a_narrow_screen(site: Site, tmp_path: Path) -> None:
    shown = [contestant(f"generator-of-a-long-name-{'x' * 90}-{number}", shift=number / 3) for number in range(6)]
    shown[1:] = [replace(one, preference=Preference(1200, 1100, 5, 12)) for one in shown[1:]]
    comparison_page(site.folder, shown)
    (site.folder / "compare.html").rename(site.folder / "data.html")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert complaints == []
    assert site.asked == ["/data.html"]
    assert "Same latents" in document
    assert "F beside A, blind: preferred in 1200 of 2300 votes, 52 % (95 % interval 50 to 54 %)" in document
    assert assert_it_fits(site, tmp_path / "narrow") == 6 * (6 + 2 * 3 + 2 * 4)


def test_the_sweep_opens_without_complaint_and_fits_a_narrow_screen(site: Site, tmp_path: Path) -> None:
    values = [("train.lr", 1e-4), ("network.of_a_very_long_name_indeed", "x" * 90)]
    trials = [trial(seed + rate, seed, **dict(values)) for seed in range(3) for rate in (0.1, 0.2)]
    sweep_page.write([*trials, Trial(dict(values), 9, problem="y" * 300)], "fid", html=site.folder / "data.html")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert complaints == []
    assert site.asked == ["/data.html"]
    assert "Settings, the best first" in document
    assert assert_it_fits(site, tmp_path / "narrow") == len(trials)


@pytest.mark.parametrize(("scheme", "bright"), [(0, False), (1, True)])
def test_the_comparison_reads_well_by_day_and_by_night(
    site: Site, tmp_path: Path, scheme: int, bright: bool
) -> None:  # fmt: skip
    comparison_page(site.folder, [contestant(f"g{number}", shift=number / 3) for number in range(6)])
    (site.folder / "compare.html").rename(site.folder / "data.html")
    (site.folder / "frame.html").write_text(f"<!DOCTYPE html><title></title>{LOOKS}", encoding="utf-8")
    chosen = f"--blink-settings=preferredColorScheme={scheme}"
    document, _ = opened(f"{site.address}/frame.html", tmp_path / "profile", "--hide-scrollbars", chosen)
    said = document.partition("<title>")[2].partition("</title>")[0].split()
    for width, (reach, contrast, light) in zip((360, 1280), (said[:3], said[3:]), strict=True):
        assert int(reach) <= width
        assert float(contrast) >= 4.5, "WCAG 2.2, 1.4.3"
        assert (float(light) > 0.5) == bright


@pytest.fixture(scope="module")
def games() -> Matches:
    """Of a line and of a plane, three rounds each."""
    return {
        layout: [next(iter(play(dataclasses.replace(recipe, rounds=3)))) for recipe in RECIPES[layout]]
        for layout in ("line", "ring")
    }


PLAYS = """<iframe src="data.html" width="900" height="800"></iframe><script>
    addEventListener("load", async () => {
      const inner = document.querySelector("iframe").contentDocument, said = [];
      const player = inner.querySelector(".player"), slider = player.querySelector("input");
      const button = player.querySelector("button");
      const look = () => said.push([
        slider.value, player.querySelectorAll(".now[data-frame='" + slider.value + "']").length,
        player.querySelectorAll(".now:not([data-frame='" + slider.value + "'])").length,
        player.querySelector("output").textContent, button.textContent,
      ].join("/"));
      look();
      slider.value = 1;
      slider.dispatchEvent(new Event("input"));
      look();
      slider.value = slider.max - 1;
      slider.dispatchEvent(new Event("input"));
      button.click();
      look();
      await new Promise(resolve => setTimeout(resolve, 1000));
      look();
      document.title = said.join(" | ");
    });</script>"""
"""A page that plays another: by hand, and with the button from the moment before the last one on."""


def played(site: Site, profile: Path) -> list[list[str]]:
    """(moment, parts of it that are seen, parts of others that are, its words, the button's) at four times."""
    (site.folder / "frame.html").write_text(f"<!DOCTYPE html><title></title>{PLAYS}", encoding="utf-8")
    document, complaints = opened(f"{site.address}/frame.html", profile, "--virtual-time-budget=5000")
    assert [line for line in complaints if "favicon" not in line] == []
    said = document.partition("<title>")[2].partition("</title>")[0]
    return [each.split("/") for each in said.split(" | ")]


def test_the_game_is_played_by_slider_and_button_and_fits_a_narrow_screen(
    site: Site, tmp_path: Path, games: Matches
) -> None:  # fmt: skip
    (site.folder / "data.html").write_text(game_page.page(games), encoding="utf-8")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert complaints == []
    assert site.asked == ["/data.html"]
    assert "Collapse, and its cure (ring)" in document
    last = len(games["line"][0].frames) - 1
    ends = f"round {games['line'][0].recipe.rounds}"
    assert played(site, tmp_path / "plays") == [
        [str(last), "1", "0", ends, "Play"], ["1", "1", "0", "round 1", "Play"],
        [str(last - 1), "1", "0", "round 2", "Pause"], [str(last), "1", "0", ends, "Play"],
    ]  # fmt: skip
    assert_it_fits(site, tmp_path / "narrow")


def test_the_training_is_looked_through_by_slider_and_button_and_fits_a_narrow_screen(
    site: Site, tmp_path: Path
) -> None:
    history = play_training(tmp_path / "training").history
    buffer = io.BytesIO()
    Image.new("RGB", (900, 300), "grey").save(buffer, format="PNG")
    grids = {seen: buffer.getvalue() for seen in (40, 80, 120)}
    training_page.write(history, grids, rules(), html=site.folder / "data.html")
    document, complaints = opened(f"{site.address}/data.html", tmp_path / "profile")
    assert complaints == []
    assert site.asked == ["/data.html"]
    assert "What is watched" in document
    assert played(site, tmp_path / "plays") == [
        ["2", "1", "0", "120 images", "Play"], ["1", "1", "0", "80 images", "Play"],
        ["1", "1", "0", "80 images", "Pause"], ["2", "1", "0", "120 images", "Play"],
    ]  # fmt: skip
    assert assert_it_fits(site, tmp_path / "narrow") == 3


def assert_it_fits(site: Site, profile: Path) -> int:
    """How many pictures the page has, all of which can be decoded; nothing of it is wider than a phone."""
    (site.folder / "frame.html").write_text(f"<!DOCTYPE html><title></title>{FRAME}", encoding="utf-8")
    document, complaints = opened(f"{site.address}/frame.html", profile, "--hide-scrollbars")
    width, images, decoded = document.partition("<title>")[2].partition("</title>")[0].split()
    assert int(width) <= 360
    assert decoded == "true", "every picture can be decoded"
    assert [line for line in complaints if "favicon" not in line] == []
    return int(images)
