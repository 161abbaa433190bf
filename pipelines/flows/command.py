"""A flow as a command that a person types: the server that it needs, Ctrl-C, and how it ends."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from prefect import State
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE

from pipelines import tracking
from pipelines.stage import EXIT_MISTAKE

from . import interrupts
from .address import why_no_answer
from .stages import Failure

EXIT_INTERRUPTED = 130


class Words(argparse.ArgumentParser):
    """What a command line says; what it cannot mean is told in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with 2."""
        self.exit(EXIT_MISTAKE, f"error: {message.rstrip('.')}. What it takes: {self.prog} --help.\n")


def run(flow: Callable[[], State[Any]], *, interrupted: str) -> State[Any]:
    """The state in which it ends.

    The process ends with 2 and a sentence where there is no server, and after Ctrl-C with 130 and the sentence
    `interrupted`.
    """
    interrupts.heard()
    try:
        if problem := _server():
            print(f"error: {problem}", file=sys.stderr)
            sys.exit(EXIT_MISTAKE)
        state = flow()
        if not state.is_cancelled():
            return state
    except KeyboardInterrupt:
        pass  # it ends like a flow that says itself that it was cancelled
    print(interrupted, file=sys.stderr)
    sys.exit(EXIT_INTERRUPTED)


def leave(state: State[Any]) -> NoReturn:
    """Ends the process as the flow ended: with 0, or after its sentence with the code of its Failure, or with 1."""
    if state.is_completed():
        sys.exit(0)
    print(f"error: {state.message}", file=sys.stderr)
    cause = state.result(raise_on_failure=False)
    sys.exit(cause.code if isinstance(cause, Failure) else 1)


def _server() -> str | None:
    """What is wrong with the server that is named; where none is, the one that Prefect starts for a process.

    A terminal sends Ctrl-C to all that was started from it, and that server must outlive it: a flow that cannot say how
    it ended asks for minutes and dies of it. A signal that is blocked when a process starts stays blocked in it.
    """
    if address := PREFECT_API_URL.value():
        problem = why_no_answer(address)
        return problem and f"PREFECT_API_URL is {tracking.shown(address)}, which {problem[0]}. {problem[1]}"
    if not PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value():
        return (
            "PREFECT_API_URL is not set, and PREFECT_SERVER_ALLOW_EPHEMERAL_MODE forbids a server for this command "
            "alone. Set one of them."
        )
    failed: list[Exception] = []

    def start() -> None:
        try:
            SubprocessASGIServer().start()
        except Exception as error:  # raised below, where somebody hears it
            failed.append(error)

    # In a thread, so that whoever waits for the server can be interrupted all the same.
    starting = threading.Thread(target=start, name="prefect server", daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    starting.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    starting.join()
    if failed:
        raise failed[0]
    return None
