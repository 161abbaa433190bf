"""MLflow's own pages over the store that the stages write to, and the desk beside them."""

import os
import signal
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ganlib.errors import UserError
from pipelines import tracking
from pipelines.loopback import HOST, listening, require_free, wait_for
from pipelines.loopback.ports import beside

START_SECONDS = 90.0
STOP_SECONDS = 10.0


def serve(port: int, pages_port: int | None, browser: bool | None) -> None:
    """Runs both servers until MLflow's ends or Ctrl-C; leaves no process behind. UserError where a port is taken.

    browser: whether the pages are to be opened in one; None where that is for this place to say.
    """
    from pipelines.desk.app import Desk
    from pipelines.loopback.serving import answering

    uri = tracking.tracking_uri()
    elsewhere = uri.startswith(("http://", "https://"))
    pages_port = beside(port) if pages_port is None else pages_port
    if not elsewhere:
        if pages_port == port:
            raise UserError(
                f"Port {port} is for MLflow's pages already; choose another: ganlib ui --pages-port {beside(port)}."
            )
        require_free(port, "ganlib ui --port ")
    listener = listening(pages_port, "ganlib ui --pages-port ")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    runs = without_password(uri) if elsewhere else f"http://{HOST}:{port}"
    own = f"http://{HOST}:{pages_port}"
    with suppress(KeyboardInterrupt), answering(Desk(Path.cwd().name, runs).app(), listener) as pages:
        if elsewhere:
            print(f"The runs are on the server at {tracking.shown(uri)}.")
            print(f"The project's own pages are at {own} (Ctrl-C ends them).", flush=True)
            opened([own], browser)
            pages.join()
        else:
            with _mlflow(port) as server:
                print(f"MLflow shows {tracking.shown(uri)} at {runs}.")
                print(f"The project's own pages are at {own} (Ctrl-C ends both).", flush=True)
                opened([runs, own], browser)
                server.wait()
        return  # by itself
    print("Stopped.")


@contextmanager
def _mlflow(port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server, once it answers; ended with whatever it started."""
    with tracking.opened() as store:  # made here, under the lock, where it is not there yet
        command = _command(port, store.uri, store.artifacts)
    # A session of its own, so that Ctrl-C reaches us alone and we end the server and its workers together.
    server = subprocess.Popen(command, start_new_session=True)
    try:
        wait_for(server, port, "MLflow's", START_SECONDS)
        yield server
    finally:
        _end(server)


def _command(port: int, uri: str, artifacts: str | None) -> list[str]:
    options = ["--host", HOST, "--port", str(port), "--workers", "1", "--backend-store-uri", uri]
    if artifacts:
        options += ["--artifacts-destination", artifacts]
    return [sys.executable, "-m", "mlflow", "server", *options]


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Ends the server and whatever it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def without_password(uri: str) -> str:
    """The address that a page may link to: nobody's name and password are in it."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def opened(addresses: Sequence[str], wanted: bool | None) -> threading.Thread | None:
    """Opens them in a browser, where that is wanted, in a thread: some browsers stay until they are closed."""
    if wanted is None:
        wanted = sys.stdout.isatty() and somebody_looks(os.environ)
    if not wanted:
        return None
    thread = threading.Thread(target=lambda: [webbrowser.open(one) for one in addresses], daemon=True)
    thread.start()
    return thread


def somebody_looks(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether there is a screen in front of this machine: no CI, nobody who is here by ssh, and a display."""
    if any(environment.get(name) for name in ("CI", "SSH_CONNECTION", "SSH_TTY")):
        return False
    return platform in ("darwin", "win32") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
