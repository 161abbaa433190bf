"""Servers that are started here and listen on this machine alone: a free port beforehand, an answer afterwards."""

import socket
import subprocess
import time

from ganlib.errors import UserError

HOST = "127.0.0.1"


def require_free(port: int, another: str) -> None:
    """UserError where the port is taken; `another` is the command that takes another one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"Port {port} on {HOST} cannot be used ({error.strerror}); choose another: {another}."
            ) from None


def wait_for(server: "subprocess.Popen[bytes]", port: int, whose: str, seconds: float) -> None:
    """Until the port answers, which takes some ten seconds; UserError where it does not in time, or never will."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if server.poll() is not None:
            raise UserError(f"{whose} server ended at once with exit code {server.returncode}; its reason is above.")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.2)
    raise UserError(f"{whose} server did not answer within {seconds:.0f} s; is the machine very busy?")
