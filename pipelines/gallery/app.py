"""What the gallery's addresses answer. None of them leads to a file: every answer is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ganlib.errors import UserError

from . import developing, wishes
from .ballot import Ballot
from .reference import Opening, Reference, Space
from .studio import MOST_FRAMES, MOST_IN_A_FILE, Studio
from .wishes import from_query

LONGEST_BODY = 1024
"""Bytes of a vote."""
TYPES = {".png": "image/png", ".zip": "application/zip", ".gif": "image/gif", ".mp4": "video/mp4"}


@dataclass(frozen=True)
class Gallery:
    """All that stands behind the page."""

    page: str
    studio: Studio
    reference: Opening
    ballot: Ballot | None
    """None with one generator."""

    def app(self) -> Starlette:
        """Answers the page's requests, in threads."""
        answers: dict[str, Callable[[Request], Response]] = {
            "/": lambda _: HTMLResponse(self.page),
            "/pictures": self.pictures,
            "/pictures.png": self.sheet,
            "/pictures.zip": self.archive,
            "/between": self.between,
            "/between.png": self.strip,
            "/between.gif": self.film,
            "/between.mp4": self.film,
            "/nearest": self.nearest,
        }
        if self.ballot is not None:
            answers |= {"/question": self.question, "/result": self.result}
        routes = [Route(path, answer) for path, answer in answers.items()]
        if self.ballot is not None:
            routes.append(Route("/vote", self.vote, methods=["POST"]))
        return Starlette(routes=routes, exception_handlers={UserError: _refused, HTTPException: _unanswered})

    def pictures(self, request: Request) -> Response:
        """Pictures of every generator, with what each is."""
        wish = from_query(wishes.Wall, request.query_params)
        indices = self._indices(wish)
        labels = [self.studio.label(index, wish.label) for index in indices]
        drawn = {
            letter: self.studio.pictures(letter, wish.seed, indices, wish.label, wish.truncation)
            for letter in self.studio.drawers
        }
        return JSONResponse(
            {
                "indices": list(indices),
                "labels": labels,
                "names": [self.studio.named(label) for label in labels],
                "pictures": {letter: developing.addresses(pixels) for letter, pixels in drawn.items()},
            }
        )

    def sheet(self, request: Request) -> Response:
        """A sheet of one generator."""
        wish = from_query(wishes.Sheet, request.query_params)
        indices = self._indices(wish)
        pixels = self.studio.pictures(wish.who, wish.seed, indices, wish.label, wish.truncation)
        turns = 1 if wish.label is not None else max(1, len(self.studio.classes))
        names = [self.studio.named(self.studio.label(wish.first + turn, wish.label)) for turn in range(turns)]
        return _file(developing.sheet(pixels, names), f"{wish.who}-seed{wish.seed}", ".png")

    def archive(self, request: Request) -> Response:
        """Pictures of one generator, a file each."""
        wish = from_query(wishes.Archive, request.query_params)
        indices = self._indices(wish)
        pixels = self.studio.pictures(wish.who, wish.seed, indices, wish.label, wish.truncation)
        labels = [self.studio.label(index, wish.label) for index in indices]
        return _file(developing.archive(pixels, indices, labels), f"{wish.who}-seed{wish.seed}", ".zip")

    def _indices(self, wish: wishes.Wall) -> range:
        most = self.studio.most(MOST_IN_A_FILE)
        if wish.count > most:
            raise UserError(f"count is {wish.count}; of pictures of this size ask for at most {most}.")
        return range(wish.first, wish.first + wish.count)

    def between(self, request: Request) -> Response:
        """The frames of a film, of every generator."""
        wish = from_query(wishes.Way, request.query_params)
        self._check_steps(wish)
        ways = {
            letter: self.studio.way(letter, wish.start, wish.end, wish.steps, wish.truncation)
            for letter in self.studio.drawers
        }
        return JSONResponse({"frames": {letter: developing.addresses(frames) for letter, frames in ways.items()}})

    def strip(self, request: Request) -> Response:
        """A way in a row."""
        return _file(developing.strip(self._way(request)), "between", ".png")

    def film(self, request: Request) -> Response:
        """A way as a film."""
        suffix = request.url.path[-4:]
        return _file(developing.film(self._way(request), suffix), "between", suffix)

    def _way(self, request: Request) -> Any:
        wish = from_query(wishes.Film, request.query_params)
        self._check_steps(wish)
        return self.studio.way(wish.who, wish.start, wish.end, wish.steps, wish.truncation)

    def _check_steps(self, wish: wishes.Way) -> None:
        most = max(2, self.studio.most(MOST_FRAMES))
        if wish.steps > most:
            raise UserError(f"steps is {wish.steps}; of pictures of this size ask for at most {most}.")

    def nearest(self, request: Request) -> Response:
        """The training pictures that one picture is nearest to."""
        wish = from_query(wishes.One, request.query_params)
        pixels = self.studio.pictures(wish.who, wish.seed, [wish.index], wish.label, wish.truncation)
        reference = self.reference.result()
        spaces: list[dict[str, Any]] = [_found(space, reference, pixels) for space in reference.spaces]
        spaces += [{"name": name, "absent": reason} for name, reason in reference.absent]
        other = f"{' and '.join(reference.other_data)} learned from other data than data/prepared holds now."
        return JSONResponse(
            {
                "picture": developing.addresses(pixels)[0],
                "spaces": spaces,
                "note": other if reference.other_data else "",
            }
        )

    def question(self, request: Request) -> Response:
        """Two pictures, and a token to answer with."""
        assert self.ballot is not None
        from_query(wishes.Nothing, request.query_params)
        asked = self.ballot.ask()
        return JSONResponse(
            {
                "question": asked.token,
                "number": asked.number,
                "name": asked.name,
                "left": developing.addresses(asked.left)[0],
                "right": developing.addresses(asked.right)[0],
            }
        )

    def result(self, request: Request) -> Response:
        """What was said so far, and whether it is kept."""
        assert self.ballot is not None
        from_query(wishes.Nothing, request.query_params)
        said = self.ballot.preference
        return JSONResponse({"sentence": said.sentence("A", "B"), "not_kept": self.ballot.not_kept})

    async def vote(self, request: Request) -> Response:
        """Takes an answer, in a body that no other site's form can send."""
        assert self.ballot is not None
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415, "A vote is a JSON object; its content-type is application/json.")
        wish = wishes.from_body(wishes.Vote, await _body(request))
        count = await run_in_threadpool(self.ballot.answer, wish.question, wish.choice)
        return JSONResponse({"votes": count, "not_kept": self.ballot.not_kept})


def _found(space: Space, reference: Reference, pixels: Any) -> dict[str, Any]:
    distances, positions = (found[0].tolist() for found in space.find(pixels))
    train = reference.data.train
    shown = developing.addresses(train.pixels[positions])
    names = [reference.data.classes[label] if label >= 0 else "" for label in train.labels[positions].tolist()]
    rows = zip(positions, names, distances, shown, strict=True)
    return {
        "name": space.name,
        "through": space.through,
        "nearer": space.nearer(distances[0]),
        "heldout": len(space.heldout),
        "found": [
            {"position": position, "name": name, "distance": distance, "picture": picture}
            for position, name, distance, picture in rows
        ],
    }


def _file(content: bytes, name: str, suffix: str) -> Response:
    disposition = f'attachment; filename="{name}{suffix}"'
    return Response(content, media_type=TYPES[suffix], headers={"Content-Disposition": disposition})


async def _body(request: Request) -> bytes:
    """HTTPException as soon as it is too long."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"A vote has at most {LONGEST_BODY} bytes.")
    return body


def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


def _unanswered(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)
