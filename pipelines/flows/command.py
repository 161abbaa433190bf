"""A flow as a command that a person types: the server that it needs, and Ctrl-C."""

import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from prefect import State
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL

from .stages import Failure

EXIT_INTERRUPTED = 130


def run(flow: Callable[[], State[Any]], *, interrupted: str) -> State[Any]:
    """The state in which it ends; after Ctrl-C the process does, with 130 and the sentence `interrupted`."""
    try:
        _start_server()
        state = flow()
        if not state.is_cancelled():
            return state
    except KeyboardInterrupt:
        pass
    print(interrupted, file=sys.stderr)
    sys.exit(EXIT_INTERRUPTED)


def leave(state: State[Any]) -> NoReturn:
    """Ends the process as the flow ended: with 0, or after its sentence with the code of its Failure, or with 1."""
    if state.is_completed():
        sys.exit(0)
    print(f"error: {state.message}", file=sys.stderr)
    cause = state.result(raise_on_failure=False)
    sys.exit(cause.code if isinstance(cause, Failure) else 1)


def _start_server() -> None:
    """Where none is named, the one that Prefect starts for a process.

    A terminal sends Ctrl-C to all that was started from it, and this server must outlive it: a flow that cannot say how
    it ended asks for minutes and dies of it. A signal that is blocked when a process starts stays blocked in it.
    """
    if PREFECT_API_URL.value():
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        SubprocessASGIServer().start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
