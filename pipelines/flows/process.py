"""A child process that is read line by line and never left behind."""

import codecs
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

INTERRUPT_SECONDS = 8.0
"""What a stage has to save its checkpoint after SIGINT."""
TERMINATE_SECONDS = 4.0
"""What is left of the group has to end after SIGTERM, before SIGKILL; both together stay below 15 s."""
POLL_SECONDS = 0.2
"""The longest silent wait: in a worker thread Prefect can only interrupt between two of them."""
PROGRESS_SECONDS = 10.0
"""A progress bar redraws itself ten times a second; the log gets one line in this time."""


class Lines:
    """Cuts a byte stream into lines; of a progress bar, which overwrites itself, only one now and then."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._next_progress = 0.0

    def feed(self, piece: bytes) -> list[str]:
        """The lines that this piece completes, without their ends; blank ones are dropped."""
        *whole, pending = (self._pending + self._decoder.decode(piece)).split("\n")
        lines = [_last_drawn(line) for line in whole]
        *drawn, self._pending = pending.split("\r")
        if any(drawn) and self._clock() >= self._next_progress:
            self._next_progress = self._clock() + PROGRESS_SECONDS
            lines.append(_last_drawn("\r".join(drawn)))
        return [line for line in lines if line]

    def rest(self) -> list[str]:
        """What stands there when the stream has ended without a line's end."""
        return self.feed(b"\n")


def _last_drawn(line: str) -> str:
    """What a terminal would show of a line that was overwritten."""
    states = [state.rstrip() for state in line.split("\r")]
    return next((state for state in reversed(states) if state), "")


class Child:
    """A command in a session of its own, so that it and all its children are reached by one signal.

    Use it as a context manager: however the block is left, by a cancelled flow, a timeout or Ctrl-C, nothing of
    the group is alive afterwards. SIGINT comes first because DVC then waits for the stage to save its work.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path,
        say: Callable[[str], None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._say = say
        self._lines = Lines()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=_with_interpreter(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, line: str) -> None:
        """Writes one line to the child's standard input."""
        assert self._process.stdin is not None
        # A child that is gone says so by the end of its output.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def read(self) -> Iterator[str]:
        """The child's lines, standard error among them, until its output ends."""
        while (lines := self._read(POLL_SECONDS)) is not None:
            yield from lines
        yield from self._lines.rest()

    def wait(self) -> int:
        """The exit code; call it when `read` has come to its end."""
        return self._process.wait()

    def _read(self, seconds: float) -> list[str] | None:
        """The lines that arrive within `seconds`; None where the output has ended."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        ready, _, _ = select.select([output], [], [], seconds)
        if not ready:
            return []
        piece = os.read(output, 1 << 16)
        return self._lines.feed(piece) if piece else None

    def stop(self) -> None:
        """Ends the whole group, politely first; a child that has ended by itself is left alone.

        Takes at most 12 s, and kills at once where it is itself interrupted.
        """
        try:
            if self._process.poll() is None:
                self._signal(signal.SIGINT)
                if not self._gone_within(INTERRUPT_SECONDS):
                    self._signal(signal.SIGTERM)
                    self._gone_within(TERMINATE_SECONDS)
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()

    def _signal(self, number: int) -> bool:
        """False where nothing of the group is left; macOS says so with EPERM."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _gone_within(self, seconds: float) -> bool:
        """Goes on reading, so that a stage which reports while it saves is not blocked by a full pipe."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            lines = self._read(POLL_SECONDS)
            for line in lines or []:
                self._say(line)
            if lines is None:
                time.sleep(0.05)
            self._process.poll()
            if not self._signal(0):
                return True
        return False


def _with_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """This interpreter first on PATH, for stages start as `python`, and lines sent as they are printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    return {**environment, "PATH": path, "PYTHONUNBUFFERED": "1"}
