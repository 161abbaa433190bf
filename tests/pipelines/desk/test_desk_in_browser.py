"""The desk as a person meets it, in a real browser; pictures of it are left in .cache/screenshots."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Server
from browsers import BROWSER, SCREENSHOTS, needed, watch
from desk_support import at_the_desk, draw, sign
from mlflow_project import free_port
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ganlib import desk_page
from pipelines import paths

pytestmark = needed
MODES = {"desk": (1280, "light"), "phone": (390, "light"), "dark": (1280, "dark")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one that this process is at, with two pictures; its project is the current folder."""
    project = tmp_path / "digits-of-mine"
    project.mkdir()
    monkeypatch.chdir(project)
    folder = sign("a" * 64)
    draw(folder, 2)
    paths.DATA_CARD.parent.mkdir()
    paths.DATA_CARD.write_text("<p>The data</p>")
    return folder


@pytest.fixture
def desk(training: Path) -> Iterator[Server]:
    with at_the_desk() as server:
        yield server


@pytest.fixture
def complaints() -> list[str]:
    """What a page wrote on its console, and whom it asked but the desk; empty in the end."""
    return []


def opened(browser: Browser, desk: Server, complaints: list[str], mode: str = "desk") -> Page:
    width, scheme = MODES[mode]
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    watch(page, desk.address, complaints)
    page.goto(desk.address)
    return page


def look(page: Page) -> None:
    """Lets the page ask at once, as it does when somebody comes back to it, and not in some seconds."""
    page.evaluate("dispatchEvent(new Event('focus'))")


@pytest.mark.parametrize("mode", MODES)
def test_the_desk_shows_what_is_trained_and_what_there_is(
    browser: Browser, desk: Server, complaints: list[str], mode: str
) -> None:
    page = opened(browser, desk, complaints, mode)
    expect(page.locator("#heading")).to_have_text("Being trained now")
    inside = page.frame_locator("#frame")
    expect(inside.locator("h1")).to_have_text("8,000 of 40,000 images so far")
    high = inside.locator("html").evaluate("html => html.offsetHeight")
    expect(page.locator("#frame")).to_have_css("height", f"{high}px")
    assert page.locator("html").evaluate("html => html.scrollWidth") <= MODES[mode][0], "nothing sticks out"
    assert inside.locator("html").evaluate("html => html.scrollWidth <= innerWidth"), "nor inside"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # All of it in sight at once, since what is not is drawn only when somebody comes near it.
    page.set_viewport_size(
        {"width": MODES[mode][0], "height": page.locator("html").evaluate("html => html.scrollHeight")}
    )
    page.wait_for_timeout(100)
    page.screenshot(path=SCREENSHOTS / f"desk-{mode}.png")
    page.context.close()
    assert complaints == []


def test_it_loads_the_page_of_the_training_anew_when_it_changed_and_only_then(
    browser: Browser, desk: Server, complaints: list[str], training: Path
) -> None:
    page = opened(browser, desk, complaints)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(desk.address)))
    inside = page.frame_locator("#frame")
    expect(inside.locator("h1")).to_contain_text("8,000 of")
    with page.expect_response("**/standing"):
        look(page)
    draw(training, 3)
    paths.EVALUATION_PAGE.write_text("<p>The numbers</p>")
    look(page)
    expect(inside.locator("h1")).to_contain_text("12,000 of")
    expect(page.locator("#sentence")).to_contain_text("12,000 of 40,000 images")
    expect(page).to_have_title("30%, digits-of-mine")
    assert asked.count(desk_page.FRAME) == 1
    assert set(asked) == {"/standing", desk_page.FRAME}
    page.get_by_role("link", name="Evaluation").click()
    expect(page.locator("p")).to_have_text("The numbers")
    page.reload()
    expect(page.locator("p")).to_have_text("The numbers")
    page.go_back()
    expect(page.locator("#heading")).to_have_text("Being trained now")
    page.context.close()
    assert complaints == []


def test_whoever_is_at_the_slider_does_not_lose_their_place(
    browser: Browser, desk: Server, complaints: list[str], training: Path
) -> None:
    page = opened(browser, desk, complaints)
    inside = page.frame_locator("#frame")
    slider = inside.locator("input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    expect(inside.locator("output")).to_have_text("4,000 images")
    draw(training, 3)
    page.evaluate("document.hasFocus = () => true")
    look(page)
    expect(page.locator("#newer")).to_be_visible()
    expect(inside.locator("output")).to_have_text("4,000 images")
    page.locator("#show-newer").press("Enter")
    expect(inside.locator("output")).to_have_text("12,000 images")
    expect(page.locator("#newer")).to_be_hidden()
    page.context.close()
    assert complaints == []


def test_it_says_that_the_server_is_gone_and_goes_on_when_it_is_back(
    browser: Browser, training: Path, complaints: list[str]
) -> None:
    port = free_port()
    with at_the_desk(port) as desk:
        page = opened(browser, desk, complaints)
        expect(page.frame_locator("#frame").locator("h1")).to_contain_text("8,000 of")
    look(page)
    expect(page.locator("#server-said")).to_contain_text("does not answer; is make ui still running")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(100)
    assert not asked
    draw(training, 3)
    with at_the_desk(port):
        look(page)
        expect(page.locator("#server-said")).to_be_empty()
        expect(page.frame_locator("#frame").locator("h1")).to_contain_text("12,000 of")
        page.context.close()
    assert all(re.search("ERR_CONNECTION_REFUSED", said) for said in complaints), complaints


CURIOUS = """<script>
  const said = [];
  const tried = (name, work) => Promise.resolve().then(work).then(() => said.push(name), () => {});
  Promise.all([
    tried("asked", () => fetch("/standing")),
    tried("asked elsewhere", () => fetch("http://127.0.0.1:9/", { mode: "no-cors" })),
    tried("looked around", () => parent.document.title + parent.location.href.length),
    tried("kept", () => localStorage.setItem("a", "b")),
    new Promise((done) => {
      const beacon = new Image();
      beacon.onload = beacon.onerror = done;
      beacon.src = "/data.html";
    }),
  ]).then(() => { document.title = "did: " + said; document.body.append("did: " + said); });
</script><body></body>"""


def test_a_page_can_do_here_no_more_than_as_a_file(
    browser: Browser, desk: Server, training: Path, complaints: list[str]
) -> None:
    paths.GAME_PAGE.write_text(CURIOUS)
    (training / "training.html").write_text(CURIOUS)
    page = opened(browser, desk, complaints)
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url.removeprefix(desk.address)))
    expect(page.frame_locator("#frame").locator("body")).to_have_text("did: ")
    page.get_by_role("link", name="Game").click()
    expect(page.locator("body")).to_have_text("did: looked around")  # at itself: here it is its own parent
    assert asked == ["/game.html"]
    page.context.close()
