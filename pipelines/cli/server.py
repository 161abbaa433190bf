"""MLflow's own pages over the store that the stages write to."""

import os
import signal
import socket
import subprocess
import sys
import time

from ganlib.errors import UserError
from pipelines import tracking

HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 10.0


def serve(port: int) -> None:
    """Runs the server until it ends or Ctrl-C; leaves no process behind. UserError where the port is taken."""
    uri = tracking.tracking_uri()
    if uri.startswith(("http://", "https://")):
        print(f"The runs are on the server at {tracking.shown(uri)}; open that.")
        return
    _require_free(port)
    with tracking.opened() as store:  # made here, under the lock, where it is not there yet
        command = _command(port, store.uri, store.artifacts)
    # A session of its own, so that Ctrl-C reaches us alone and we end the server and its workers together.
    server = subprocess.Popen(command, start_new_session=True)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _wait_for(server, port)
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


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"Port {port} on {HOST} cannot be used ({error.strerror}); choose another: ganlib ui --port {port + 1}."
            ) from None


def _wait_for(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Until the port answers, which takes some ten seconds."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if server.poll() is not None:
            raise UserError(f"MLflow's server ended at once with exit code {server.returncode}; its reason is above.")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.2)
    raise UserError(f"MLflow's server did not answer within {START_SECONDS:.0f} s; is the machine very busy?")


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Ends the server and whatever it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
