"""What the tests of pages in a real browser share: which browser, and what it complains of."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needed = pytest.mark.skipif(BROWSER is None, reason=f"no browser is installed; one of {', '.join(NAMES)} would do")
SCREENSHOTS = Path(__file__).parents[1] / ".cache" / "screenshots"
expect.set_options(timeout=60_000)  # a busy machine is no failed law


def watch(page: Page, address: str, complaints: list[str]) -> None:
    """Notes what the page writes on its console, and whom it asks but the server at this address."""
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((f"{address}/", "data:")) else complaints.append(asked.url),
    )
