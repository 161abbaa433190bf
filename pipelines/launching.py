"""One training in several processes of this machine: started, watched and ended as if they were one.

The first process has the terminal: its progress bar and its sentences are the job's. The others are heard only where
one of them is the reason why the job failed.
"""

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ganlib.errors import PeerLost

from .stage import EXIT_RESUMABLE, cores

TRAINING = (sys.executable, "-m", "pipelines.stages.train")
EXIT_PEER_LOST = 76
"""How a started process says that another one left it: no reason of its own, so nobody is told."""

MEETING = "GANLIB_MEETING"
"""See ganlib.distributed, which is not imported here: it brings torch."""
LIFELINE = "GANLIB_LIFELINE"
"""Number of a pipe's end that a started process reads: it closes when the parent is gone, however that ended."""

POLL_SECONDS = 0.05
KEPT_BYTES = 1 << 16  # of what each process but the first says
GOES_ON = "the training goes on from its last checkpoint with the same command."
STOPPED = "Stopped; earlier outputs stay as they were. Run the same command again."


@dataclass(frozen=True)
class Patience:
    """How long others may go on after one process has ended in some way, in seconds."""

    mistake: float = 2.0
    """After a mistake or a bug: most often all make the same one, and the first process tells it."""
    asked: float = 20.0
    """From SIGTERM to SIGKILL: the first one may still be telling MLflow how it ended."""
    saved: float = 600.0
    """Instead, after one has stopped in good order: the first may still be writing what all have agreed to save."""


def under_a_launcher() -> bool:
    """Whether this process was started as one of several, by torchrun or from here."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def local_rank() -> int:
    """Which of the processes on this machine this one is, and so which of its CUDA devices is its own."""
    return int(os.environ.get("LOCAL_RANK", os.environ.get("RANK", "0")))


def train_in(processes: int, command: Sequence[str] = TRAINING, patience: Patience | None = None) -> int:
    """Runs so many copies of `command` as one job; its exit code, which is that of the process that failed first.

    1 where one was killed. SIGTERM and SIGINT to this process stop the job as they stop one process: the first asks
    all to save and end, which gives 75, a second one of the same kind does not wait for that. Nothing is left behind.
    """
    job = _Job(processes, patience or Patience())
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda number, _: job.stops.append(number))
        job.start(command)
        job.watch()
    finally:
        job.kill()
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
    return job.verdict()


def environment(rank: int, processes: int, *, meeting_port: int) -> dict[str, str]:
    """This process's environment with what torchrun would add; the cores are shared, if the user has not done that."""
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    unless_set = {"OMP_NUM_THREADS": str(max(1, cores() // processes)), "GLOO_SOCKET_IFNAME": loopback}
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
    told = {name: str(number) for name, number in (place | {"MASTER_PORT": meeting_port}).items()}
    return unless_set | dict(os.environ) | told | {"MASTER_ADDR": "127.0.0.1"}


@contextlib.contextmanager
def member() -> Iterator[None]:
    """What a process that `train_in` started does its work in; for any other process it changes nothing."""
    ours = end_with_parent()
    try:
        yield
    except PeerLost:
        if not ours:
            raise
        sys.exit(EXIT_PEER_LOST)


def end_with_parent() -> bool:
    """From now on this process, and what it has started, is killed when its parent is gone. False if not from here."""
    if (lifeline := os.environ.pop(LIFELINE, None)) is None:
        return False

    def wait(end: int) -> None:
        os.read(end, 1)
        os.killpg(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, args=(int(lifeline),), daemon=True).start()
    return True


@dataclass
class _Member:
    """One process of the job, in a session of its own: a terminal's Ctrl-C reaches it through the parent alone."""

    rank: int
    process: "subprocess.Popen[bytes]"
    said: bytes = b""
    ended_at: float = math.inf
    code: int = 0
    """-n where signal n killed it, but 75 where we had passed that signal on."""
    ended_by_us: bool = False

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._listen, daemon=True)
        self.reader.start()

    def _listen(self) -> None:
        with self.process.stderr or contextlib.nullcontext() as stream:
            while stream and (piece := os.read(stream.fileno(), KEPT_BYTES)):
                self.said = (self.said + piece)[-KEPT_BYTES:]

    def last_words(self) -> str:
        """What it said, each line after its rank; of a line that was drawn anew, the last state."""
        self.reader.join(timeout=1.0)  # not for ever: what it has started may hold the pipe open
        lines = [line.rstrip("\r").rpartition("\r")[2] for line in self.said.decode(errors="replace").split("\n")]
        return "".join(f"process {self.rank}: {line}\n" for line in lines if line.strip())


@dataclass
class _Job:
    """The processes, and what became of each."""

    processes: int
    patience: Patience
    members: list[_Member] = field(default_factory=list)
    lifeline: int = -1
    """The end of the pipe that only this process holds."""
    stops: list[int] = field(default_factory=list)
    passed_on: list[int] = field(default_factory=list)
    """Those of the received `stops` that the others know of."""
    asked_at: float = math.inf
    """When the rest was asked to end, after a failure."""

    def start(self, command: Sequence[str]) -> None:
        """Starts all. Where they meet is listened on before they start, at an address no other machine can reach."""
        lifeline, self.lifeline = os.pipe()
        with socket.create_server(("127.0.0.1", 0), backlog=self.processes) as meeting:
            for rank in range(self.processes):
                first = rank == 0
                told = {LIFELINE: str(lifeline), MEETING: str(meeting.fileno()) if first else ""}
                process = subprocess.Popen(
                    command,
                    env=environment(rank, self.processes, meeting_port=meeting.getsockname()[1]) | told,
                    pass_fds=(lifeline, meeting.fileno()) if first else (lifeline,),
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=None if first else subprocess.DEVNULL,
                    stderr=None if first else subprocess.PIPE,
                )
                self.members.append(_Member(rank, process))
        os.close(lifeline)

    def watch(self) -> None:
        """Returns when all have ended, by themselves or because one of them failed."""
        while any(member.ended_at == math.inf for member in self.members):
            time.sleep(POLL_SECONDS)
            self._pass_on()
            now = time.monotonic()
            for member in self.members:
                if member.ended_at == math.inf and (code := member.process.poll()) is not None:
                    stopped = code in (-signal.SIGTERM, -signal.SIGINT) and bool(self.passed_on)
                    member.code = EXIT_RESUMABLE if stopped else code
                    member.ended_at, member.ended_by_us = now, self.asked_at < now
            failed = self._failed()
            if self.asked_at == math.inf and any(now >= each.ended_at + self._time_to_follow(each) for each in failed):
                self.asked_at = now
                self._send(signal.SIGTERM)
            in_good_order = all(each.code == EXIT_RESUMABLE for each in failed)
            if now >= self.asked_at + (self.patience.saved if in_good_order else self.patience.asked):
                self._send(signal.SIGKILL)

    def _time_to_follow(self, failed: _Member) -> float:
        """Seconds in which the others should end, too, before they are asked to."""
        if failed.code == EXIT_RESUMABLE:
            return self.patience.saved if self.passed_on else self.patience.asked
        speaks_for_all = failed.rank == 0 and failed.code != EXIT_PEER_LOST
        return 0.0 if failed.code < 0 or speaks_for_all else self.patience.mistake

    def _pass_on(self) -> None:
        """The first signal, always as SIGTERM, and later ones where they repeat an earlier one."""
        for number in self.stops[len(self.passed_on) :]:
            if not self.passed_on or number in self.passed_on:
                self._send(signal.SIGTERM)
            self.passed_on.append(number)

    def kill(self) -> None:
        """Leaves nothing behind, of a process that was killed neither what it had started."""
        for member in self.members:
            if member.process.returncode is None or member.process.returncode < 0:
                _kill(member)
                member.process.wait()
        os.close(self.lifeline)

    def verdict(self) -> int:
        """The job's exit code; says what nobody has said yet."""
        reasons = {EXIT_RESUMABLE: 1, EXIT_PEER_LOST: 2}  # what is no reason for others to fail comes last
        culprit = min(self._failed(), key=lambda each: (reasons.get(each.code, 0), each.ended_at), default=None)
        if culprit is None:
            return 0
        first = self.members[0]
        code, name = culprit.code, f"Process {culprit.rank} of {self.processes}"
        if code < 0:
            words = "" if code in (-signal.SIGKILL, -signal.SIGTERM) else culprit.last_words()
            words += f"{name} was killed by signal {-code}; {GOES_ON}\n"
        elif code == EXIT_PEER_LOST:
            words = f"{name} lost the others, which did not say why; {GOES_ON}\n"
        elif first.process.returncode == code and (code == EXIT_RESUMABLE or not first.ended_by_us):
            words = ""  # the first process has said it
        else:
            words = f"{STOPPED}\n" if code == EXIT_RESUMABLE else culprit.last_words()
        print(words, end="", file=sys.stderr, flush=True)
        return 1 if code < 0 or code == EXIT_PEER_LOST else code

    def _failed(self) -> list[_Member]:
        return [member for member in self.members if member.code and not member.ended_by_us]

    def _send(self, number: signal.Signals) -> None:
        for member in self.members:
            if member.ended_at == math.inf:
                _kill(member) if number == signal.SIGKILL else member.process.send_signal(number)


def _kill(member: _Member) -> None:
    """With all that it has started; macOS says with EPERM that there is nobody left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(member.process.pid, signal.SIGKILL)
