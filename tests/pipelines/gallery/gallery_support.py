"""The gallery as a person starts it, over a project with two registered generators, and requests to it."""

import http.client
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

from mlflow_project import free_port, wait_until

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
    process: "subprocess.Popen[str]"

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
def gallery(folder: Path, *models: str) -> Iterator[Server]:
    """Started by its command; ended whatever happens."""
    port = free_port()
    process = subprocess.Popen(
        [PROGRAM, "gallery", *models, "--port", str(port)], cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    server = Server(folder, port, process)
    try:
        wait_until(lambda: answers(server), seconds=120)
        yield server
    finally:
        process.kill()
        process.communicate()


def answers(server: Server) -> bool:
    """False until it does; fails where the command has ended."""
    assert server.process.poll() is None, server.process.communicate()
    try:
        return server.ask("/").status == 200
    except OSError:
        return False


def interrupted(server: Server) -> tuple[int, str, str]:
    """Exit code, output and complaints after Ctrl-C."""
    os.killpg(server.process.pid, signal.SIGINT)
    said, complained = server.process.communicate(timeout=30)
    return server.process.returncode, said, complained
