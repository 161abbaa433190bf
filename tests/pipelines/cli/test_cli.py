"""The `ganlib` command as people meet it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from asking import Server
from mlflow_project import Project, answers, free_port, only_run, publish, wait_until

from pipelines import paths, registry, trainings
from pipelines.cli import server


def ganlib(*arguments: str) -> "subprocess.CompletedProcess[str]":
    code = "import sys; from pipelines.cli import app; app(sys.argv[1:])"
    environment = {**os.environ, "COLUMNS": "200"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)


@pytest.fixture
def at_home(project: Project) -> Project:
    """With a params.yaml, as commands read it."""
    Path("params.yaml").write_text("network:\n  name: mlp\n  width: 1\npublish:\n  experiment: e\n  model: pictures\n")
    return project


def test_help_needs_neither_torch_nor_mlflow(tmp_path: Path) -> None:
    code = """
import sys
from typer.testing import CliRunner
from pipelines.cli import app
result = CliRunner().invoke(app, ["--help"])
assert result.exit_code == 0 and all(word in result.output for word in ("sync", "summary", "ui")), result.output
assert not {"torch", "mlflow", "pandas", "dvc", "prefect", "pydantic"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_sync_says_in_one_line_what_mlflow_has_now(at_home: Project) -> None:
    publish(at_home)
    done = ganlib("sync")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert "registered as pictures version 1 (challenger)" in done.stdout
    assert only_run()["status"] == "FINISHED"


@pytest.mark.timeout(60)
def test_sync_before_a_dead_store_is_one_sentence_and_exit_code_2(
    at_home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    done = ganlib("sync")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: The MLflow store http://127.0.0.1")
    assert done.stderr.count("\n") == 1


def test_a_typo_in_params_is_one_sentence(at_home: Project) -> None:
    Path("params.yaml").write_text("publsh:\n  experiment: e\n")
    done = ganlib("sync")
    assert done.returncode == 2
    assert done.stderr == "error: params.yaml: publsh is not a parameter; did you mean publish?\n"


def test_the_summary_says_where_to_look(at_home: Project) -> None:
    publish(at_home)
    synced = registry.sync(at_home.settings)
    done = ganlib("summary")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(at_home.folder / "reports" / "grid.png") in done.stdout
    assert "classifier-n2000-train-ab12: 2000 generated" in done.stdout
    assert re.search(r"^fid +12\.5 +13 +2$", done.stdout, re.MULTILINE)
    assert "Absent: kid, because too few pictures." in done.stdout
    assert (
        f"{synced.run_name}, http://127.0.0.1:5000/#/experiments/{synced.experiment_id}/runs/{synced.run_id}"
        in done.stdout
    )
    assert "pictures version 1 @challenger" in done.stdout
    assert done.stdout.partition("Next:")[2].rstrip().count("\n  ") == 3, "three commands worth typing"


def test_the_summary_tells_of_the_training_at_work_and_of_no_other(at_home: Project) -> None:
    for key, number in (("ours", os.getpid()), ("dead", -1)):
        folder = paths.checkpoints() / key
        folder.mkdir(parents=True)
        began = psutil.Process().create_time()
        sign = trainings.Sign(f"dcgan-{key}", "pictures", 40_000, socket.gethostname(), number, began, began)
        (folder / trainings.SIGN).write_text(json.dumps(asdict(sign)))
        (folder / f"{12_000:012d}.safetensors").touch()
    said = ganlib("summary").stdout
    assert re.findall(r"^at work +(.*) images, .*training.html$", said, re.MULTILINE) == [
        "dcgan-ours: 12,000 of 40,000"
    ]


def test_the_summary_does_without_a_store_and_without_results(
    at_home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("metrics/evaluate.json").unlink()
    Path("reports/grid.png").unlink()
    assert "has no run of this generator yet; make it: ganlib sync" in ganlib("summary").stdout
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    done = ganlib("summary")
    assert done.returncode == 0
    assert "does not answer" in done.stdout
    assert "make ui" in done.stdout


def test_a_port_in_use_is_one_sentence(at_home: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for given, option in (
            (["--port", port], "--port"),
            (["--port", free_port(), "--pages-port", port], "--pages-port"),
        ):
            done = ganlib("ui", *map(str, given))
            assert done.returncode == 2
            assert done.stderr.startswith(f"error: Port {port} on 127.0.0.1 cannot be used")
            assert f"ganlib ui {option} {port + 1}" in done.stderr
            assert done.stderr.count("\n") == 1


def test_one_port_for_two_servers_is_one_sentence(at_home: Project) -> None:
    done = ganlib("ui", "--port", "65535", "--pages-port", "65535")
    way = "choose another: ganlib ui --pages-port 65534."
    assert (done.returncode, done.stderr) == (2, f"error: Port 65535 is for MLflow's pages already; {way}\n")


def started(*options: str, ready: str) -> "subprocess.Popen[bytes]":
    """`ganlib ui`, which writes into the file log, once that says that it is ready."""
    command = [sys.executable, "-c", "from pipelines.cli import app; app()", "ui", *options]
    with Path("log").open("w") as log:
        ui = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: ready in Path("log").read_text() or ui.poll() is not None, seconds=120)
        assert ui.poll() is None, Path("log").read_text()
    except BaseException:
        ui.kill()
        raise
    return ui


def test_the_pages_show_the_store_of_the_stages_and_ctrl_c_leaves_no_process(at_home: Project) -> None:
    run_id = registry.sync(at_home.settings).run_id
    port, own = free_port(), Server(free_port())
    options = ("--port", str(port), "--pages-port", str(own.port), "--no-open")
    ui = started(*options, ready=f"{own.address} (Ctrl-C ends both)")
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"))
        page = f"http://127.0.0.1:{port}/get-artifact?path=reports/grid.png&run_uuid={run_id}"
        with urllib.request.urlopen(page, timeout=20) as answer:
            assert answer.read() == Path("reports/grid.png").read_bytes()
        assert f'href="http://127.0.0.1:{port}"' in own.ask("/").body.decode()
        family = psutil.Process(ui.pid).children(recursive=True)
        assert family
    finally:
        ui.send_signal(signal.SIGINT)
        code = ui.wait(60)
    assert code == 0
    assert psutil.wait_procs(family, timeout=20)[1] == []
    with pytest.raises(OSError, match="refused"):
        own.ask("/")


def test_where_a_server_shows_the_runs_the_pages_are_there_all_the_same_until_sigterm(
    at_home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somebody:secret@127.0.0.1:9/there")
    own = Server(free_port())
    ui = started("--pages-port", str(own.port), ready=f"{own.address} (Ctrl-C ends them)")
    try:
        page = own.ask("/").body.decode()
        assert 'href="http://127.0.0.1:9/there"' in page
        assert "secret" not in page + Path("log").read_text()
        assert psutil.Process(ui.pid).children() == []
    finally:
        ui.terminate()
        code = ui.wait(60)
    assert (code, Path("log").read_text().splitlines()[-1]) == (0, "Stopped.")


@pytest.mark.parametrize(
    ("environment", "platform", "looks"),
    [
        ({"DISPLAY": ":0"}, "linux", True), ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True), ({}, "linux", False),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False), ({"DISPLAY": "a:10", "SSH_TTY": "/dev/p"}, "linux", False),
        ({}, "darwin", True), ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "darwin", False),
    ],
)  # fmt: skip
def test_a_browser_is_opened_where_somebody_looks(environment: dict[str, str], platform: str, looks: bool) -> None:
    assert server.somebody_looks(environment, platform) is looks


@pytest.mark.parametrize(
    ("wanted", "terminal", "opens"), [(True, False, True), (None, False, False), (False, True, False)]
)
def test_a_browser_is_opened_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, wanted: bool | None, terminal: bool, opens: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(server.sys.stdout, "isatty", lambda: terminal)
    thread = server.opened(["http://a", "http://b"], wanted)
    if thread is not None:
        thread.join()
    assert opened == (["http://a", "http://b"] if opens else [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["circle"], "There is no layout 'circle'; choose line, ring or grid."),
        (
            ["-o", "game.txt"],
            "--output game.txt is no page; name a file that ends in .html, such as reports/game.html.",
        ),
        (["-o", "there.html"], "there is a file where the folder of films would be; name another --output."),
    ],
)
def test_a_game_that_cannot_be_played_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("")
    done = ganlib("game", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {said}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
