"""One process that runs `dvc` commands as they arrive: `python -m pipelines.flows.dvc_session`.

Starting DVC costs more than a second and an unchanged stage a thirtieth of one, so a flow starts it once. Each line
of standard input is JSON: a list, the arguments of one `dvc` command, or the name of a question. After what DVC and the
stage print comes one line that starts with `MARK`: the exit code, or the answer to the question.
The process ends after the first command that fails, and with its parent.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TextIO

from pipelines.flows import interrupts

if TYPE_CHECKING:
    from dvc.repo import Repo

MARK = "\x1e"
"""ASCII's record separator: no stage prints it by chance."""
SAVE_SECONDS = 8.0


def main() -> None:
    """Serves until standard input ends or a command fails."""
    interrupts.heard()
    # A stage must not read what is meant for us.
    requests = os.fdopen(os.dup(sys.stdin.fileno()))
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    queue: SimpleQueue[str | None] = SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_receive, args=(requests, queue, busy), daemon=True).start()
    while (request := queue.get()) is not None:
        busy.set()
        arguments = json.loads(request)
        answer = _dvc(arguments) if isinstance(arguments, list) else _asked(QUESTIONS[arguments])
        busy.clear()
        failed = isinstance(answer, int) and answer != 0
        if failed:
            # The flow will now ask us to end, which is what we are doing.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.flush()
        # On a line of its own whatever the stage printed last; the reader drops the blank one.
        print(f"\n{MARK}{json.dumps(answer)}", flush=True)
        if failed:
            return


def _receive(requests: TextIO, queue: "SimpleQueue[str | None]", busy: threading.Event) -> None:
    for line in requests:
        queue.put(line)
    queue.put(None)
    if busy.is_set():
        # The flow was killed without a chance to stop us: nobody else would ever stop the stage.
        os.killpg(0, signal.SIGINT)
        time.sleep(SAVE_SECONDS)
        os.killpg(0, signal.SIGKILL)


def _dvc(arguments: list[str]) -> int:
    from dvc.cli import main as dvc

    return int(dvc(arguments))


def _asked(question: Callable[["Repo"], Any]) -> Any:
    """What is answered, or an exit code after DVC's reason."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return question(repo)
    except DvcException as error:
        print(f"ERROR: {error}", flush=True)
        return 255


def _stages(repo: "Repo") -> list[str]:
    """The stages' names, every one after those it depends on, exactly as `dvc repro` would go through them."""
    from dvc.repo.reproduce import plan_repro

    return [stage.addressing for stage in plan_repro(repo.index.graph)]


def _changes(repo: "Repo") -> Any:
    """As `dvc status --json` has it: of each stage that is out of date, what differs from the last time."""
    return repo.status()


QUESTIONS: dict[str, Callable[["Repo"], Any]] = {"stages": _stages, "changes": _changes}


if __name__ == "__main__":
    # SIGINT is how the flow asks us to end.
    with contextlib.suppress(KeyboardInterrupt):
        main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
