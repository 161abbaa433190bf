"""What answers pages of ours: guarded, quiet, and over when its time has come."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from .guard import Guard

PATIENCE = 2
"""Seconds that answers under way get when it ends."""


def server_of(app: ASGIApp, port: int) -> uvicorn.Server:
    """The app, guarded, as it is to answer on this port."""
    config = uvicorn.Config(
        Guard(app, port), log_level="warning", access_log=False, server_header=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=PATIENCE,
    )  # fmt: skip
    return uvicorn.Server(config)


@contextmanager
def answering(app: ASGIApp, listener: socket.socket) -> Iterator[threading.Thread]:
    """Within it the app answers, in a thread; the listener is closed at the end."""
    server = server_of(app, listener.getsockname()[1])
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="pages", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
