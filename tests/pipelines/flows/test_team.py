"""A team: PostgreSQL behind both servers, a DVC remote, two workers in two clones; what one began the other ends."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from flow_support import Server, background
from mlflow_project import serving
from ruamel.yaml import YAML

from ganlib.files import sha256_of
from pipelines.flows import DEFAULTS

sys.path.append(str(Path(__file__).parents[2] / "end_to_end"))
from projects import Project, copy_of_project

GENERATOR = "models/gan/generator.safetensors"
WAIT_SECONDS = 900


@pytest.fixture
def team(postgres: str, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A Prefect server and the address of an MLflow server, each with a database of its own."""
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        for name in ("prefect", "mlflow"):
            connection.cursor().execute(f"CREATE DATABASE {name}")
    base = postgres.rpartition("/")[0]
    server = Server.in_home(tmp_path / "prefect")
    database = base.replace("postgresql://", "postgresql+asyncpg://") + "/prefect"
    (tmp_path / "mlflow").mkdir()
    with ExitStack() as running:
        running.enter_context(server.at_work(PREFECT_API_DATABASE_CONNECTION_URL=database))
        uri, _ = running.enter_context(serving(tmp_path / "mlflow", f"{base}/mlflow"))
        yield server, uri


def clone(origin: Project, folder: Path, remote: Path, name: str) -> Project:
    """A checkout of the same repository with a work pool of its own."""
    subprocess.run(["git", "clone", "-q", origin.folder, folder], check=True)
    made = Project(folder)
    made.dvc("remote", "add", "--local", "--default", "team", str(remote))
    (folder / ".ganlib").mkdir()
    (folder / ".ganlib/checkpoints").symlink_to(remote.parent / "checkpoints")
    yaml = YAML()
    wishes = yaml.load(folder / "prefect.yaml")
    wishes["deployments"] = wishes["deployments"][:1]
    wishes["deployments"][0] |= {"name": name, "schedules": [], "work_pool": {"name": name}}
    wishes["deployments"][0]["parameters"] |= {"fetch": "pull", "promote": "never"}
    yaml.dump(wishes, folder / "prefect.yaml")
    return made


def until_state(server: Server, run: str, *wanted: str) -> dict[str, Any]:
    ends = time.monotonic() + WAIT_SECONDS
    while (found := server.post("flow_runs/filter", flow_runs={"id": {"any_": [run]}})[0])["state_type"] not in wanted:
        assert time.monotonic() < ends, found["state"]
        time.sleep(0.5)
    return dict(found)


def kill_family(process: "subprocess.Popen[bytes]") -> None:
    for one in (*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)):
        one.kill()
    process.wait()


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_what_one_worker_began_another_ends(team: tuple[Server, str], tmp_path: Path) -> None:
    server, mlflow = team
    origin = copy_of_project(tmp_path / "origin")
    shutil.copy(Path(__file__).parents[3] / "prefect.yaml", origin.folder)
    origin.set({"train.kimg": 20, "train.checkpoint_every_kimg": 0.2, "sample.n": 200})
    remote = tmp_path / "remote"
    (tmp_path / "checkpoints").mkdir()
    # Pictures that DVC holds: of the clones each has to get them from the remote.
    origin.run("python", "-c", "from pathlib import Path; Path('held').mkdir(); Path('held/a.txt').write_text('a')")
    for words in (["remote", "add", "--local", "--default", "team", str(remote)], ["add", "held"], ["push"]):
        origin.dvc(*words)
    for words in (["add", "-A"], ["commit", "-qm", "team"]):
        assert origin.run("git", *words).returncode == 0
    alone = copy_of_project(tmp_path / "alone")
    alone.set({"train.kimg": 20, "train.checkpoint_every_kimg": 0.2, "sample.n": 200})
    alone.dvc("repro", "train")
    around = {
        **{key: value for key, value in server.environment.items() if not key.startswith("MLFLOW_")}, **DEFAULTS,
        "MLFLOW_TRACKING_URI": mlflow, "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    first, second = (clone(origin, tmp_path / name, remote, name) for name in ("first", "second"))
    runs = {}
    for project in (first, second):
        name = project.folder.name
        server.prefect("work-pool", "create", name, "--type", "process", folder=project.folder)
        server.prefect("deploy", "--all", folder=project.folder)
        (deployment,) = [each for each in server.ask("deployments") if each["name"] == name]
        runs[name] = server.post(f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})["id"]
    with background(
        ["prefect", "worker", "start", "--pool", "first"], first.folder.parent / "prefect", around
    ) as worker:
        ends = time.monotonic() + WAIT_SECONDS
        while not list((tmp_path / "checkpoints").glob("*/*.safetensors")):
            assert time.monotonic() < ends, (tmp_path / "prefect/output.txt").read_text()
            time.sleep(0.05)
        kill_family(worker)
    assert not (first.folder / ".ganlib/retrain/tree" / GENERATOR).exists(), "it was killed too late to count"
    with background(["prefect", "worker", "start", "--pool", "second"], tmp_path / "mlflow", around):
        ended = until_state(server, runs["second"], "COMPLETED", "FAILED", "CRASHED")
    assert ended["state_type"] == "COMPLETED", ended["state"]
    log = "\n".join(server.log_of(ended))
    assert "Resumed at" in log
    tree = second.folder / ".ganlib/retrain/tree"
    assert sha256_of(tree / GENERATOR) == sha256_of(alone.folder / GENERATOR)
    assert (tree / "held/a.txt").read_text() == "a"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": mlflow}
    code = (
        "import mlflow\n"
        "print([r.info.status for r in mlflow.search_runs(search_all_experiments=True, output_format='list')])"
    )
    listed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert listed.stdout.strip() == "['FINISHED']"
