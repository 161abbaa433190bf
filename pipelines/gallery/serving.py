"""The gallery's server: on loopback alone, until Ctrl-C."""

import signal
import socket
from contextlib import suppress

from starlette.applications import Starlette

from ganlib.gallery_page import Exhibit, page

from .. import comparison
from ..generators import Named
from ..loopback import HOST
from ..loopback.serving import server_of
from .app import Gallery
from .ballot import Ballot
from .reference import Opening
from .studio import MOST_FRAMES, MOST_PICTURES, Studio


def app_of(studio: Studio, reference: Opening) -> Starlette:
    """All that answers."""
    ballot = Ballot(studio) if len(studio.drawers) == 2 else None
    return Gallery(page_of(studio), studio, reference, ballot).app()


def serve(listener: socket.socket, studio: Studio, reference: Opening) -> None:
    """Answers until Ctrl-C or SIGTERM; says where."""
    port = listener.getsockname()[1]
    server = server_of(app_of(studio, reference), port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = " beside ".join(drawer.named.name for drawer in studio.drawers.values())
    print(f"The gallery shows {names} at http://{HOST}:{port} (Ctrl-C ends it).", flush=True)
    with suppress(KeyboardInterrupt):  # uvicorn ends in order, and then passes on what ended it
        server.run(sockets=[listener])
    print("Stopped.")


def page_of(studio: Studio) -> str:
    """The page about the studio's generators."""
    exhibits = [_exhibit(drawer.named) for drawer in studio.drawers.values()]
    channels, height, width = studio.known.image_shape
    counts = [count for count in (12, 24, 48, MOST_PICTURES) if count <= studio.most(MOST_PICTURES)]
    return page(
        exhibits,
        classes=studio.classes,
        size=(channels, height, width),
        counts=counts or [studio.most(MOST_PICTURES)],
        steps=max(2, studio.most(min(33, MOST_FRAMES))),
    )


def _exhibit(named: Named) -> Exhibit:
    known = named.description
    return Exhibit(named.name, comparison.facts(named), f"{known.latent_dim} {known.latent_distribution} numbers")
