"""The store: found from every copy of the project, made once, and away without making anybody wait for long."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow_project import REPOSITORY, free_port

from pipelines.tracking import StoreError, main_folder, opened, shown, store, tracking_uri

GIT = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main"]
CREATE = """
from pipelines import tracking
from pipelines.lineage import Lineage
from pipelines.tracking import runs
with tracking.opened() as store:
    settings = {"network": {"name": "n"}, "loss": {"name": "l"}, "train": {"seed": 0}}
    lineage = Lineage(settings=settings, code={}, data="")
    print(runs.claim(store, store.experiment("e"), lineage, {}, training=False).info.run_id)
"""


def run(*command: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DVC_NO_ANALYTICS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "params.yaml").write_text("x: 1\n")
    run(*GIT, "init", "--quiet", cwd=folder)
    return folder


def commit(folder: Path) -> None:
    run(*GIT, "add", "--all", cwd=folder)
    run(*GIT, "commit", "--quiet", "--message=m", cwd=folder)


def test_an_ordinary_project_folder_is_its_own_main_folder(tmp_path: Path) -> None:
    assert main_folder(repository(tmp_path / "p")) == tmp_path / "p"
    assert main_folder(tmp_path) == tmp_path


def test_a_git_worktree_shares_the_store_of_its_main_checkout(tmp_path: Path) -> None:
    main = repository(tmp_path / "p")
    (main / "sub").mkdir()
    (main / "sub" / "dvc.yaml").touch()
    commit(main)
    run(*GIT, "worktree", "add", "--quiet", str(tmp_path / "elsewhere"), cwd=main)
    assert main_folder(tmp_path / "elsewhere") == main
    assert main_folder(tmp_path / "elsewhere" / "sub") == main / "sub"


def test_a_submodule_keeps_a_store_of_its_own(tmp_path: Path) -> None:
    commit(repository(tmp_path / "p"))
    outer = repository(tmp_path / "outer")
    run(*GIT, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "p"), "in", cwd=outer)
    assert main_folder(outer / "in") == outer / "in"


def test_an_experiment_that_dvc_runs_elsewhere_writes_to_the_store_of_the_main_folder(tmp_path: Path) -> None:
    main = repository(tmp_path / "p")
    dvc = [sys.executable, "-m", "dvc"]
    run(*dvc, "init", "--quiet", cwd=main)
    (main / "create.py").write_text(CREATE + "\nfrom pathlib import Path\nPath('where').write_text(str(Path.cwd()))")
    stage = f"stages:\n  a:\n    cmd: {sys.executable} create.py\n    params: [x]\n    outs: [where]\n"
    (main / "dvc.yaml").write_text(stage)
    (main / ".gitignore").write_text("/.ganlib/\n/mlflow.db\n/mlartifacts/\n/where\n")
    commit(main)
    run(*dvc, "exp", "run", "--temp", "--name", "elsewhere", "-S", "x=2", cwd=main)
    run(*dvc, "exp", "apply", "elsewhere", cwd=main)
    assert (main / "where").read_text().startswith(str(main / ".dvc" / "tmp")), "it ran in another folder"
    assert (main / "mlflow.db").is_file()
    assert not any(main.rglob("mlruns"))


def test_four_processes_at_once_make_one_store_and_one_run_of_a_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CREATE]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    started = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=180) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert all(err == b"" for _, err in said), "creating a store is quiet"


def test_a_store_whose_making_was_killed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    half = tmp_path / ".ganlib" / "mlflow.db.4711.partial"
    half.parent.mkdir()
    half.write_bytes(b"half")
    with opened() as store:
        assert store.client.search_experiments()[0].artifact_location.startswith((tmp_path / "mlartifacts").as_uri())
    assert [path.name for path in half.parent.iterdir()] == ["mlflow.db.lock"]


def test_the_environment_says_where_the_store_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example.org")
    assert tracking_uri() == "http://mlflow.example.org"


def test_a_password_is_never_shown() -> None:
    assert shown("https://me:secret@example.org:8443/x") == "https://me:***@example.org:8443/x"
    assert shown("sqlite:////p/mlflow.db") == "sqlite:////p/mlflow.db"


def test_a_closed_port_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{free_port()}")
    with (
        pytest.raises(StoreError, match=r"^The MLflow store http://me:\*\*\*@.* does not answer .*ganlib sync") as away,
        opened(),
    ):
        pass
    assert "secret" not in str(away.value)


@pytest.mark.timeout(30)
def test_a_server_that_never_answers_is_given_up(silent_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    with pytest.raises(StoreError, match="does not answer"), opened():
        pass


def test_a_database_of_another_kind_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(StoreError, match=r"does not do its work .*not a database"), opened() as store:
        store.experiment("e")


def test_whoever_is_second_with_a_tag_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAITS_SECONDS", (0.0, 0.0))
    taken = MlflowException('(psycopg2.errors.UniqueViolation) duplicate key value violates "registered_model_tag_pk"')
    answers = [taken, taken, "written"]

    def write() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert store.written(write) == "written"
    answers[:] = [taken] * 3
    with pytest.raises(MlflowException):
        store.written(write)
    answers[:] = [MlflowException("the disk is full"), "written"]
    with pytest.raises(MlflowException, match="the disk is full"):
        store.written(write)


@pytest.mark.parametrize("uri", ["bogus://x", "/nonexistent/dir"])
def test_a_store_of_no_known_kind_is_named_with_what_would_do(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    said = rf"^MLFLOW_TRACKING_URI is {uri}, which is no store that can be used here; set it to http"
    with pytest.raises(StoreError, match=said), opened() as there:
        there.client.search_registered_models()
