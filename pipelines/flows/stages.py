"""The stages of dvc.yaml, run one at a time, and what a failed one has to say."""

import errno
import json
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pipelines.stage import EXIT_RESUMABLE, OUT_OF_OUR_HANDS

from . import dvc_session
from .dvc_session import MARK
from .process import Child

REMEMBERED_LINES = 100
EXIT_BUG = 1
DVC_REMARKS = ("> ", "Running stage ", "Stage ", "WARNING: ")
PASSING = (
    OUT_OF_OUR_HANDS[errno.ENOSPC],
    OUT_OF_OUR_HANDS[errno.EDQUOT],
    "No space left on device",
    "MLflow store .* (does not answer|does not do its work|is in use by another process)",
    "failed to (connect|transfer|fetch|pull|update)|Connection|timed out",
)
"""What the sentences say where waiting may help; no mistake in params.yaml is among them."""
SILENCE = "It ended without a word; see the log."


class Failure(Exception):  # noqa: N818 - the noun is what people read
    """A child that did not end well: its own last sentence, and the exit code to pass on."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def may_pass(self) -> bool:
        """Whether the same may go well later: the store is away, the disk is full, somebody stopped a stage."""
        return self.code == EXIT_RESUMABLE or any(re.search(told, str(self)) for told in PASSING)


class Stages:
    """DVC in a folder, as a context manager; `say` gets every line as it is printed.

    Methods raise Failure. On leaving, whatever still runs is stopped; see `Child`.
    """

    def __init__(
        self, folder: Path, say: Callable[[str], None], *, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._folder, self._say, self._environment = folder, say, environment
        self._child = self._started()
        self._ended = False

    def _started(self) -> Child:
        # By its path, for the folder may hold another version of this project.
        session = [sys.executable, "-P", dvc_session.__file__]
        return Child(session, folder=self._folder, say=self._hear, environment=self._environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()

    def names(self) -> list[str]:
        """All stages, every one after those it depends on."""
        names = self._request("stages")
        assert isinstance(names, list)
        return names

    def changes(self) -> dict[str, Any]:
        """Of each stage, and each file of data that DVC holds, what is not as it was; nothing of those that are."""
        found = self._request("changes")
        assert isinstance(found, dict)
        return found

    def run(self, name: str, *, force: bool = False) -> None:
        """`dvc repro --single-item`: runs the stage where something that it depends on has changed, or forced."""
        self.dvc("repro", "--single-item", *(["--force"] if force else []), name)

    def dvc(self, *arguments: str) -> None:
        """Any command of DVC's."""
        self._request(list(arguments))

    def _request(self, wanted: list[str] | str) -> Any:
        if self._ended:  # as it does after a failure
            self._child.stop()
            self._child, self._ended = self._started(), False
        self._child.ask(json.dumps(wanted))
        tail: deque[str] = deque(maxlen=REMEMBERED_LINES)
        for line in self._child.read():
            if line.startswith(MARK):
                answer = json.loads(line.removeprefix(MARK))
                if isinstance(answer, int) and answer != 0:
                    self._ended = True
                    raise failure(tail)
                return answer
            self._say(line)
            tail.append(line)
        self._ended = True
        raise failure(tail)

    def _hear(self, line: str) -> None:
        """What is still said while it is being stopped; the exit code of that interests nobody."""
        if not line.startswith(MARK):
            self._say(line)


def run_command(
    command: list[str],
    *,
    folder: Path,
    say: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Runs another command to its end in the same way; its last lines. Failure where its exit code is not 0."""
    tail: deque[str] = deque(maxlen=REMEMBERED_LINES)
    with Child(command, folder=folder, say=say, environment=environment) as child:
        for line in child.read():
            say(line)
            tail.append(line)
        code = child.wait()
    if code != 0:
        raise Failure(sentence(tail), code)
    return list(tail)


def failure(lines: Iterable[str]) -> Failure:
    """What a failed `dvc repro` said: the stage's own sentence, and its own exit code (1 where DVC names none)."""
    lines = list(lines)
    named = [code for line in lines if (code := re.search(r"^ERROR: .*exited with (\d+)$", line))]
    return Failure(sentence(lines), int(named[-1][1]) if named else EXIT_BUG)


def sentence(lines: Iterable[str]) -> str:
    """What to show of all that a failed command printed.

    That is its last `error: …`; else the last line before DVC's own `ERROR: …`, as of a traceback; else DVC's, which
    may go on over several lines.
    """
    lines = [line for line in lines if not line.startswith(DVC_REMARKS)]
    by_dvc = max((number for number, line in enumerate(lines) if line.startswith("ERROR: ")), default=len(lines))
    told = [line for line in lines[:by_dvc] if line.startswith("error: ")]
    candidates = told[-1:] or lines[:by_dvc][-1:] or lines[by_dvc:] or [SILENCE]
    return re.sub("^error: ", "", " ".join(" ".join(candidates).split()), flags=re.IGNORECASE)
