"""A server that asks for a password: everything works with it, nothing without, and it is written nowhere."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest
from flow_support import Project, Server
from mlflow_project import free_port
from test_deployment import PREFECT_YAML, with_schedule

PASSWORD = "s3cret-of-the-server"
ENDS = ("COMPLETED", "FAILED", "CRASHED")


@pytest.mark.prove
def test_a_server_with_a_password_retrains_and_keeps_it_to_itself(committed: Project, tmp_path: Path) -> None:
    with_schedule(PREFECT_YAML, committed.folder / "prefect.yaml", 20)
    committed.commit("often")
    port, auth, log = free_port(), f"user:{PASSWORD}", tmp_path / "serve.log"
    server = Server(f"http://127.0.0.1:{port}/api", tmp_path)
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "home"), "PREFECT_SERVER_API_AUTH_STRING": auth}
    command = [sys.executable, "-m", "pipelines.flows.serve", "--port", str(port), "--query-seconds", "2"]
    with log.open("wb") as output:
        serving = subprocess.Popen(command, cwd=committed.folder, env=environment, stdout=output, stderr=output)
    try:
        committed.inside.wait_for("called.txt", 400)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            server.last_runs(1)
        server.headers["Authorization"] = f"Basic {base64.b64encode(auth.encode()).decode('ascii')}"
        ends = time.monotonic() + 200
        while not (over := [run for run in server.last_runs(9) if run["state_type"] in ENDS]):
            assert time.monotonic() < ends, log.read_text()
            time.sleep(1)
        assert {run["state_type"] for run in over} == {"COMPLETED"}
        told = [server.ask(kind) for kind in ("flow_runs", "artifacts", "deployments", "work_pools", "logs")]
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(60)
    assert all(told), "there is something to look through"
    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and PASSWORD in _text(path)]
    assert PASSWORD not in json.dumps(told) + log.read_text()
    assert written == []


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")
