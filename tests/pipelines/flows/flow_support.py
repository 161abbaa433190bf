"""What the tests of the flows share: a small project, and processes that end with their test."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from mlflow_project import free_port

from pipelines.flows import DEFAULTS

SERVER_SECONDS = 120
MISTAKE = """
import sys
print("error: the picture cat.png is broken; remove it.", file=sys.stderr)
sys.exit(2)
"""


class Project:
    """A folder with three stages whose scripts a test may replace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def script(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(text)

    def ran(self) -> list[str]:
        """The stages that have run, in their order."""
        return self.text("ran.txt").split()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    @property
    def inside(self) -> "Project":
        """The worktree where the flow runs what was committed."""
        return Project(self.folder / ".ganlib" / "retrain" / "tree")

    def text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def wait_for(self, name: str, seconds: float = 60) -> str:
        """The text of a file that a stage is about to write."""
        deadline = time.monotonic() + seconds
        while not self.text(name):
            assert time.monotonic() < deadline, f"{name} was not written within {seconds} s"
            time.sleep(0.05)
        return self.text(name)


class Server:
    """How to reach a Prefect server: by its commands, in `environment`, and by its API."""

    def __init__(self, api: str, home: Path) -> None:
        self.api = api
        self.home = home
        self.headers: dict[str, str] = {}
        self.environment = {
            **os.environ,
            **DEFAULTS,
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": api,
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_CLI_PROMPT": "false",
        }

    @classmethod
    def in_home(cls, home: Path) -> "Server":
        """On a free port of loopback, and not at work yet."""
        home.mkdir(parents=True, exist_ok=True)
        return cls(f"http://127.0.0.1:{free_port()}/api", home)

    @contextlib.contextmanager
    def at_work(self, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
        """With `more` in its environment."""
        port = str(urlsplit(self.api).port)
        command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        with background(command, self.home, self.environment | more) as process:
            self.wait_until_healthy(process)
            yield process

    def wait_until_healthy(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + SERVER_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.api}/health", timeout=5):
                return
            time.sleep(0.2)
        raise AssertionError((self.home / "output.txt").read_text())

    def ask(self, things: str, **query: Any) -> list[dict[str, Any]]:
        """What the API's `things/filter` answers."""
        found: list[dict[str, Any]] = self.post(f"{things}/filter", **query)
        return found

    def last_runs(self, count: int) -> list[dict[str, Any]]:
        """The flow runs that were started last, the latest first."""
        started = {"start_time": {"is_null_": False}}
        return self.ask("flow_runs", flow_runs=started, sort="START_TIME_DESC", limit=count)

    def named(self, name: str) -> dict[str, Any]:
        """The flow run of this name."""
        (run,) = self.ask("flow_runs", flow_runs={"name": {"any_": [name]}})
        return run

    def post(self, path: str, **body: Any) -> Any:
        """What the API answers to this."""
        request = urllib.request.Request(
            f"{self.api}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json", **self.headers}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def of_run(self, things: str, run: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        return self.ask(things, flow_runs={"id": {"any_": [run["id"]]}}, **query)

    def log_of(self, run: dict[str, Any]) -> list[str]:
        logs = self.ask("logs", logs={"flow_run_id": {"any_": [run["id"]]}}, sort="TIMESTAMP_ASC")
        return [log["message"] for log in logs]

    def prefect(self, *arguments: str, folder: Path) -> str:
        """What one of Prefect's commands prints."""
        command = [Path(sys.executable).with_name("prefect"), *arguments]
        done = subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextlib.contextmanager
def background(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A command of this interpreter's environment; it is gone, with all its children, when the block is left."""
    executable = Path(sys.executable).with_name(command[0])
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [executable, *command[1:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # Prefect starts flow runs in sessions of their own, so the group alone is not enough.
        family = [psutil.Process(process.pid)] if process.poll() is None else []
        family += [child for parent in family for child in parent.children(recursive=True)]
        for member in reversed(family):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        _, alive = psutil.wait_procs(family, timeout=5)
        for member in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)
