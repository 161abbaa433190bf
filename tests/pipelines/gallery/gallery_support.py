"""Running galleries, in this process and as a person starts them, and requests to them."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mlflow_project import free_port, wait_until

from pipelines import params
from pipelines.gallery import serving
from pipelines.gallery.reference import Opening
from pipelines.gallery.studio import open_studio

PROGRAM = Path(sys.executable).with_name("ganlib")


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """Of what was refused: one sentence and nothing else."""
        (words,) = self.said.items()
        assert words[0] == "error"
        assert words[1].endswith("."), words
        assert "\n" not in words[1]
        return str(words[1])


@dataclass
class Server:
    """A running gallery."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """The target goes out as it stands, and so do the headers; a Host that is None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": f"127.0.0.1:{self.port}", **(headers or {})}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

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
    listener = serving.listening(0)
    port = listener.getsockname()[1]
    server = serving.server_of(studio, reference, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Server(Path.cwd(), port)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


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
    command = Command(folder, port, process)
    try:
        wait_until(command.answers, seconds=180)
        yield command
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
