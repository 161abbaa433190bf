"""Running galleries, in this process and as a person starts them, and requests to them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asking
import torch
from asking import Answer
from mlflow_project import free_port, wait_until

from pipelines import loopback, params
from pipelines.gallery import serving
from pipelines.gallery.reference import Opening
from pipelines.gallery.studio import open_studio
from pipelines.loopback.serving import answering

PROGRAM = Path(sys.executable).with_name("ganlib")


@dataclass
class Server(asking.Server):
    """A running gallery."""

    def vote(self, words: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """As the page votes; `headers` go before its own."""
        own = {"Origin": self.address, "Content-Type": "application/json"}
        return self.ask("/vote", {**own, **(headers or {})}, method="POST", body=json.dumps(words).encode())


@contextmanager
def in_this_process(*models: str) -> Iterator[Server]:
    """A gallery over the current folder, in a thread."""
    chosen, device = params.load(), torch.device("cpu")
    studio = open_studio(models, chosen, device)
    reference = Opening(chosen, [drawer.named for drawer in studio.drawers.values()], device)
    listener = loopback.listening(0, "")
    with answering(serving.app_of(studio, reference), listener):
        yield Server(listener.getsockname()[1])


@dataclass
class Command(Server):
    """A gallery that a person started."""

    process: "subprocess.Popen[str]"

    def interrupt(self) -> tuple[int, str, str]:
        """Exit code, output and complaints after Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        said, complained = self.process.communicate(timeout=30)
        return self.process.returncode, said, complained

    def answers(self) -> bool:
        """False until it does; fails where the command has ended."""
        assert self.process.poll() is None, self.process.communicate()
        try:
            return self.ask("/").status == 200
        except OSError:
            return False


@contextmanager
def started(folder: Path, *models: str) -> Iterator[Command]:
    """By its command; ended whatever happens."""
    port = free_port()
    process = subprocess.Popen(
        [PROGRAM, "gallery", *models, "--port", str(port)], cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    command = Command(port, process)
    try:
        wait_until(command.answers, seconds=180)
        yield command
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
