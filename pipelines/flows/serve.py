"""Server, worker and schedules of this clone in one command: `python -m pipelines.flows.serve`, or `make serve`.

Everything listens on loopback alone. Ctrl-C ends it all: a training that is under way saves its checkpoint first, and
the next run goes on from there.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import psutil

from ganlib.errors import UserError
from pipelines.flows.slots import GPU
from pipelines.loopback import HOST, require_free, wait_for
from pipelines.stage import EXIT_MISTAKE

PORT = 4200
POOL = "ganlib"
WORKER = ("worker", "start", "--pool", POOL, "--name", "here", "--limit", "4")
"""Some, because a run that waits or asks has a process, and not many: after a pause all missed runs come at once."""
START_SECONDS = 120.0
SAVE_SECONDS = 20.0
"""Of a flow that is at work: its stage has 12 s of them."""
LEASES = "prefect.server.concurrency.lease_storage.filesystem"
"""Kept in memory, leases would be lost with the server, and their slots taken for ever."""


def serve(port: int, every_seconds: float) -> None:
    """Runs until Ctrl-C or SIGTERM; nothing that it started is left. UserError where it cannot start."""
    # SIGINT, too, which a shell lets what it puts into the background ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    require_free(port, "make serve PORT=")
    around = environment(port, every_seconds)
    with ExitStack() as running, suppress(KeyboardInterrupt):
        server = running.enter_context(_started("server", "start", "--host", HOST, "--port", str(port), around=around))
        wait_for(server, port, "Prefect's", START_SECONDS)
        _set_up(around)
        worker = running.enter_context(_started(*WORKER, around=around))
        print(f"Prefect's pages: http://{HOST}:{port}. Ctrl-C ends server and worker.", flush=True)
        while server.poll() is None and worker.poll() is None:
            time.sleep(0.5)
        raise UserError(f"Prefect's {'server' if worker.poll() is None else 'worker'} ended; its reason is above.")
    print("Stopped; what was being trained goes on from its checkpoint the next time.", flush=True)


def environment(port: int, every_seconds: float) -> dict[str, str]:
    """Of all commands of Prefect's: this server, and how often its worker asks it for runs.

    A password that the server asks for is told to those who ask the server, too.
    """
    asked = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    return {
        **({"PREFECT_API_AUTH_STRING": asked} if asked else {}),
        **os.environ,
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
        "PREFECT_WORKER_QUERY_SECONDS": str(every_seconds),
        "PREFECT_CLI_PROMPT": "false",
    }


def _set_up(around: Mapping[str, str]) -> None:
    """Work pool, GPU slot and the deployments of prefect.yaml; what is there already stays as it is."""
    _prefect("work-pool", "create", POOL, "--type", "process", around=around, there="already exists")
    _prefect("gcl", "create", GPU, "--limit", "1", around=around, there="already exists")
    _prefect("deploy", "--all", around=around)


def _prefect(*arguments: str, around: Mapping[str, str], there: str | None = None) -> None:
    """Runs a command of Prefect's; UserError with what it said where it fails, unless it says that it is `there`."""
    done = subprocess.run(_command(*arguments), env=around, capture_output=True, text=True, check=False)
    said = " ".join((done.stdout + done.stderr).split())
    if done.returncode != 0 and (there is None or there not in said):
        raise UserError(f"prefect {' '.join(arguments[:2])} failed: {said[-300:]}")


def _command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("prefect")), *arguments]


@contextmanager
def _started(*arguments: str, around: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A command of Prefect's in a session of its own, so that Ctrl-C reaches us alone; ended with all its children."""
    process = subprocess.Popen(_command(*arguments), env=around, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends flows first, which let their stages save their work, and what has started them last."""
    family = [psutil.Process(process.pid)] if process.poll() is None else []
    descendants = [child for parent in family for child in parent.children(recursive=True)]
    flows = [child for child in descendants if _is_flow(child)]
    for asked, seconds in ((flows, SAVE_SECONDS), ([*family, *descendants], 5.0)):
        for member in asked:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        psutil.wait_procs(asked, timeout=seconds)
    for member in [*descendants, *family]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


def _is_flow(process: psutil.Process) -> bool:
    """Whether it is the process of a flow run, as a worker starts it; the variable is its children's, too."""
    with suppress(psutil.Error):
        return "PREFECT__FLOW_RUN_ID" in process.environ() and "prefect" in " ".join(process.cmdline())
    return False


def main() -> NoReturn:
    """Exit codes: 0 after Ctrl-C, 2 for a mistake."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.flows.serve", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=PORT, help="on 127.0.0.1")
    parser.add_argument("--query-seconds", type=float, default=10.0, help="how often the worker asks for runs")
    options = parser.parse_args()
    try:
        serve(options.port, options.query_seconds)
    except UserError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        sys.exit(EXIT_MISTAKE)
    sys.exit(0)


if __name__ == "__main__":
    main()
