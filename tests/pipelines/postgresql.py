"""MLflow as a team runs it: PostgreSQL behind it, a password before it."""

import base64
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow_project import free_port, serving

USER = "admin"


@dataclass(frozen=True)
class Address:
    """Where a server is, and what it asks for."""

    uri: str
    password: str

    @property
    def environment(self) -> dict[str, str]:
        """Of whoever speaks to it."""
        words = {"URI": self.uri, "USERNAME": USER, "PASSWORD": self.password}
        return {f"MLFLOW_TRACKING_{name}": value for name, value in words.items()}


def program(name: str) -> str | None:
    """On the path, or where Debian puts it."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(kept[-1]) if kept else shutil.which(name)


def unprivileged() -> dict[str, Any]:
    """How to start PostgreSQL, which refuses to be run by root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of an empty database of its own, on loopback."""
    initdb, server = program("initdb"), program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    who = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="ganlib-postgres-", dir="/tmp"))
    try:
        if who:
            os.chown(folder, who["user"], who["group"])
        data, port = folder / "data", free_port()
        common: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}, **who}
        made = [initdb, "-D", data, "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(made, check=True, capture_output=True, **common)
        options = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "fsync=off"]
        with (folder.with_suffix(".log")).open("wb") as log:
            running = subprocess.Popen([server, *options], stdout=log, stderr=log, **common)
        try:
            _wait_for(running, port)
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            running.terminate()
            running.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".log").unlink(missing_ok=True)


def _wait_for(running: "subprocess.Popen[bytes]", port: int) -> None:
    import psycopg2

    for _ in range(600):
        assert running.poll() is None, "PostgreSQL ended"
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres").close()
            return
        time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start in time")


@pytest.fixture(scope="session")
def postgres_server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A real MLflow server on it, which asks for a password."""
    folder, password = tmp_path_factory.mktemp("postgres-server"), secrets.token_hex(16)
    words = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": f"sqlite:///{folder}/auth.db",
        "admin_username": USER,
        "admin_password": password,
        # Otherwise the password is hashed anew for each request, which takes a second or more of a core.
        "auth_cache_ttl_seconds": "600",
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    settings = folder / "auth.ini"
    settings.write_text("[mlflow]\n" + "".join(f"{name} = {value}\n" for name, value in words.items()))
    environment = {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
    }
    with serving(folder, postgres, "--app-name", "basic-auth", **environment) as (uri, _):
        _first_answer(f"{uri}/api/2.0/mlflow/registered-models/search?max_results=1", password)
        yield Address(uri, password)


def _first_answer(page: str, password: str) -> None:
    """The first one takes longer than ganlib waits for any: stores are opened for it."""
    asked = urllib.request.Request(page)
    asked.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode())
    urllib.request.urlopen(asked, timeout=180).close()
