"""What the desk's addresses answer. They are a fixed list, and each file is read when it is asked for."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ganlib import desk_page
from ganlib.desk_page import Standing

from .. import trainings
from . import words
from .leaves import LEAVES

AS_A_FILE = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    # Browsers show nothing that is in a sandbox and asks for an opener of its own.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}
"""Of pages that were written as files: here, too, they are of no origin that could ask anybody for anything, whatever
they hold; their own policies are stricter still."""


@dataclass(frozen=True)
class Desk:
    """All that stands behind the page."""

    project: str
    runs: str
    """Where MLflow's pages are."""

    def app(self) -> Starlette:
        """Answers the page's requests, in threads."""
        answers: dict[str, Callable[[Request], Response]] = {
            "/": self.page,
            "/standing": lambda _: JSONResponse(told(self.standing())),
            desk_page.FRAME: self.newest,
            **{leaf.address: _reader(leaf.path) for leaf in LEAVES},
        }
        routes = [Route(path, answer) for path, answer in answers.items()]
        return Starlette(routes=routes, exception_handlers={HTTPException: _unanswered})

    def standing(self) -> Standing:
        """Now."""
        return words.standing(self.project, trainings.newest())

    def page(self, _: Request) -> Response:
        """The desk itself, which may show pages of its own server."""
        return HTMLResponse(desk_page.page(self.standing(), LEAVES, self.runs))

    def newest(self, _: Request) -> Response:
        """The page of the newest training."""
        found = trainings.newest()
        if not found:
            raise HTTPException(404, "Nothing has been trained here yet.")
        return _file(found[0].page)


def told(standing: Standing) -> dict[str, object]:
    """For the page's script."""
    return {**asdict(standing), "title": standing.title}


def _reader(path: Path) -> Callable[[Request], Response]:
    return lambda _: _file(path)


def _file(path: Path) -> Response:
    try:
        return HTMLResponse(path.read_bytes(), headers=AS_A_FILE)
    except OSError:
        raise HTTPException(404, "This page is not there; the desk says how to make it.") from None


def _unanswered(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)
