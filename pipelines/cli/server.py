"""MLflow's own pages over the store that the stages write to."""

import os
import signal
import subprocess
import sys

from pipelines import tracking
from pipelines.loopback import HOST, require_free, wait_for

START_SECONDS = 90.0
STOP_SECONDS = 10.0


def serve(port: int) -> None:
    """Runs the server until it ends or Ctrl-C; leaves no process behind. UserError where the port is taken."""
    uri = tracking.tracking_uri()
    if uri.startswith(("http://", "https://")):
        print(f"The runs are on the server at {tracking.shown(uri)}; open that.")
        return
    require_free(port, "ganlib ui --port ")
    with tracking.opened() as store:  # made here, under the lock, where it is not there yet
        command = _command(port, store.uri, store.artifacts)
    # A session of its own, so that Ctrl-C reaches us alone and we end the server and its workers together.
    server = subprocess.Popen(command, start_new_session=True)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        wait_for(server, port, "MLflow's", START_SECONDS)
        print(f"MLflow shows {tracking.shown(uri)} at http://{HOST}:{port} (Ctrl-C ends it).", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("Stopped.")
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
