"""A free port beforehand, an answer afterwards."""

import socket
import subprocess
import time

from ganlib.errors import UserError

HOST = "127.0.0.1"
HIGHEST = 65535
LOOKED_AT = 100
"""How far above a port that is taken another one is looked for."""


def listening(port: int, another: str) -> socket.socket:
    """A socket on the port, which nobody else can take any more; UserError where it cannot be had.

    another: the command that takes another port, up to its number.
    """
    if not 0 <= port <= HIGHEST:
        raise UserError(f"{port} is no port; choose one from 1 to {HIGHEST}: {another}{min(max(port, 1), HIGHEST)}.")
    try:
        listener = _bound(port)
    except OSError as error:
        raise UserError(
            f"Port {port} on {HOST} cannot be used ({error.strerror}); choose another: {another}{beside(port)}."
        ) from None
    return listener


def _bound(port: int) -> socket.socket:
    """OSError where somebody else has the port, or nobody may."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def require_free(port: int, another: str) -> None:
    """UserError where the port is taken; `another` is the command that takes another one, up to its number."""
    listening(port, another).close()


def beside(port: int) -> int:
    """The next port that is free, as is the one after it, where a second server may want to be."""
    for candidate in range(port + 1, min(port + LOOKED_AT, HIGHEST)):
        if _is_free(candidate) and _is_free(candidate + 1):
            return candidate
    return port - 1


def _is_free(port: int) -> bool:
    try:
        _bound(port).close()
    except OSError:
        return False
    return True


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
