"""The gallery as a person meets it: started by its command, clicked through in a real browser, ended by Ctrl-C.

The tests of this file follow one another over one gallery. Pictures of the page are left in .cache/screenshots.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_project import SETTINGS, SLOW, publish_both, with_bench
from browsers import BROWSER, SCREENSHOTS, needed, watch
from gallery_support import Command, started
from mlflow_project import project_in
from playwright.sync_api import Browser, Page, expect, sync_playwright
from typer.testing import CliRunner

from pipelines.cli import app

pytestmark = needed


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Iterator[Command]:
    """A gallery of two registered versions; its project is the current folder, and is compared by few metrics."""
    folder = tmp_path_factory.mktemp("gallery") / "project"
    with pytest.MonkeyPatch.context() as patch:
        publish_both(with_bench(project_in(folder, patch, empty_database)))
        quick = {**SETTINGS["evaluate"], "leave_out": SLOW}  # type: ignore[dict-item]
        Path("params.yaml").write_text(json.dumps({**SETTINGS, "evaluate": quick}))
        with started(folder, "1", "2") as command:
            yield command


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What a page wrote on its console, and whom it asked but the gallery; empty in the end."""
    return []


@pytest.fixture(params=[(1280, "light"), (390, "light"), (1280, "dark")], ids=["desk", "phone", "dark"])
def page(request: pytest.FixtureRequest, two: Command, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """Opened at a desk, on a phone, and by night."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    watch(page, two.address, complaints)
    page.goto(two.address)
    expect(page.locator("#wall button")).to_have_count(24)
    yield page
    assert page.locator("html").evaluate("html => html.scrollWidth") <= width, "nothing sticks out"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"gallery-{request.node.callspec.id}.png", full_page=True)
    context.close()
    assert complaints == []


def shown(page: Page, places: str) -> list[str]:
    """The addresses of the pictures there, each of which says what it is and could be decoded."""
    images = page.locator(f"{places} img")
    told = images.evaluate_all("all => all.map(one => [one.src, one.alt, one.complete && one.naturalWidth > 0])")
    assert told, places
    assert all(alt and decoded for _, alt, decoded in told), told
    return [address for address, _, _ in told]


def test_the_gallery_is_walked_through(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("pictures version 1 and pictures version 2 (challenger)")
    first = shown(page, "#wall")
    page.fill("#seed", "5")
    expect(page.locator("#samples-said")).to_contain_text("of seed 5")
    assert shown(page, "#wall") != first
    page.select_option("#label", label="two")
    expect(page.locator("#wall .name").first).to_have_text("two")
    page.locator("#truncation").fill("0.3")
    expect(page.locator("#samples-said")).to_contain_text("truncation 0.3")
    expect(page.locator("#truncation-said")).to_have_text("0.3")

    wall = page.locator("#wall button")
    wall.nth(2).click()
    expect(page.locator("#chosen-said")).to_have_text("Chosen: picture 2 of seed 5, class two, truncation 0.3.")
    page.click("#pin-start")
    wall.nth(7).click()
    page.click("#pin-end")
    expect(page.locator("#between-said")).to_have_text(re.compile("From picture 2 .* to picture 7 .* in 33 frames"))
    assert len(shown(page, "#strips")) == 2 * 9
    before = shown(page, "#film")
    page.fill("#frame", "20")
    assert shown(page, "#film") != before
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Stop")
    page.click("#play")

    page.click("#nearest-B")
    expect(page.locator("#found h3")).to_have_count(2)
    assert len(shown(page, "#found li")) == 2 * 6
    expect(page.locator("#nearest-said")).to_contain_text("Found in")

    for choice in ("left", "right", "neither"):
        expect(page.locator("#vote-left")).to_be_enabled()
        shown(page, "#ballot")
        said = page.locator("#vote-said").text_content()
        page.click(f"#vote-{choice}")
        expect(page.locator("#vote-said")).not_to_have_text(said or "-")
        expect(page.locator("#vote-said")).to_contain_text("kept in the registry")
    page.click("#show-result")
    expect(page.locator("#result")).to_contain_text("A beside B, blind: preferred in")


def test_what_is_kept_is_what_is_seen(two: Command, browser: Browser, complaints: list[str], tmp_path: Path) -> None:
    page = browser.new_page()
    watch(page, two.address, complaints)
    page.goto(two.address)
    expect(page.locator("#wall button")).to_have_count(24)
    for link, name in (("png", "A-seed0.png"), ("zip", "A-seed0.zip")):
        with page.expect_download() as begun:
            page.click(f"#keep-{link}-A")
        assert begun.value.suggested_filename == name
        begun.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes() == two.ask(f"/pictures.{link}?seed=0&count=24").body
    page.close()
    assert complaints == []


def test_keys_are_enough(two: Command, browser: Browser, complaints: list[str]) -> None:
    page = browser.new_page()
    watch(page, two.address, complaints)
    page.goto(two.address)
    page.locator("#wall button").first.focus()
    for key in ("ArrowRight", "ArrowRight", "s", "End", "e"):
        page.keyboard.press(key)
    expect(page.locator("#between-said")).to_contain_text("From picture 2 of seed 0, class two to picture 23")
    page.keyboard.press("Home")
    page.keyboard.press("n")
    expect(page.locator("#found .asked")).to_contain_text("picture 0 of seed 0, class zero")
    page.keyboard.press("PageDown")
    expect(page.locator("#samples-said")).to_contain_text("Pictures 24 to 47")
    expect(page.locator("#wall button").first).to_be_focused()
    expect(page.locator("#vote-left")).to_be_enabled()
    said = votes(two)
    page.focus("#vote-left")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#vote-said")).to_contain_text("kept in the registry")
    assert votes(two) == said + 1
    page.close()
    assert complaints == []


def votes(two: Command) -> int:
    """All that were given."""
    sentence = two.ask("/result").said["sentence"]
    decided = re.search(r"of (\d+) vote", sentence)
    unsure = re.search(r"(\d+) could not tell", sentence)
    return sum(int(found[1]) for found in (decided, unsure) if found)


def test_a_mistake_is_told_on_the_page(two: Command, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(two.address)
    page.fill("#seed", "-1")
    expect(page.locator("#samples-said.wrong")).to_contain_text("A seed is a whole number from 0 to")
    page.close()


def test_compare_tells_what_people_said(two: Command) -> None:
    assert two.ask("/question").status == 200
    assert votes(two) > 0
    told = two.ask("/result").said["sentence"]
    done = CliRunner().invoke(app, ["compare", "2", "1"])
    assert done.exit_code == 0, done.output
    # The gallery's A is the comparison's B.
    assert told.replace("A beside B", "B beside A") in " ".join(done.output.split())
    page = Path("reports/compare.html").read_text(encoding="utf-8")
    assert "What people say" in page
    assert told.replace("A beside B", "B beside A") in page


def test_ctrl_c_ends_it_in_order(two: Command) -> None:
    code, said, complained = two.interrupt()
    assert (code, complained) == (0, "")
    assert said.endswith("Stopped.\n")
    with pytest.raises(OSError, match="refused"):
        two.ask("/")
