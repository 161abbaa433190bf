"""Nobody looks: retrainings wait for one another, are killed, ask, fail for a moment; and nothing is left behind."""

import base64
import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from flow_support import Project, Server, alive, gone_within

from pipelines.flows import tasks
from pipelines.flows.stages import Failure

NAMED = "import sys; from pipelines.flows import retrain, tasks; tasks.WAITS_SECONDS = (0.1, 0.2); "
STARTED: list["subprocess.Popen[bytes]"] = []
WORK = """
import os, time
from pathlib import Path
Path("pid.txt").write_text(str(os.getpid()))
while not Path("go.txt").exists():
    time.sleep(0.05)
Path("{name}.txt").write_text("made")
"""


def start(project: Project, environment: dict[str, str], name: str, **parameters: Any) -> "subprocess.Popen[bytes]":
    """The flow as a run of this name, in a session of its own; what it says is in NAME.log."""
    call = f"retrain.retrain.with_options(flow_run_name={name!r})(**{parameters!r}, return_state=True)"
    with (project.folder.parent / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", NAMED + call], cwd=project.folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """Whatever a test that fails has left at work."""
    yield
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()


def said(project: Project, name: str) -> str:
    return (project.folder.parent / f"{name}.log").read_text()


def until(holds: Callable[[], Any], seconds: float = 120) -> Any:
    """What it returns as soon as that is something."""
    ends = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < ends
        time.sleep(0.1)
    return found


def state_of(server: Server, name: str) -> tuple[str, str]:
    state = server.named(name)["state"]
    return state["type"], state["message"]


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """A beginning of names that no other test has."""
    return re.sub(r"\W+", "-", request.node.name)


def test_the_second_waits_and_says_where_and_does_not_fail(committed: Project, server: Server, unique: str) -> None:
    committed.script("first", WORK.format(name="first"))
    committed.commit("work")
    first = start(committed, server.environment, f"{unique}-1")
    stage = int(committed.inside.wait_for("pid.txt"))
    second = start(committed, server.environment, f"{unique}-2")
    until(lambda: "Waits in place 1 of the queue" in said(committed, f"{unique}-2"))
    assert f"behind {unique}-1 (process {first.pid})" in said(committed, f"{unique}-2")
    (committed.inside.folder / "go.txt").touch()
    for process in (first, second):
        process.wait(120)
    assert not alive(stage)
    assert state_of(server, f"{unique}-1")[0] == "COMPLETED"
    nothing = "Nothing to do: data, params and code are those of the last time."
    assert state_of(server, f"{unique}-2") == ("COMPLETED", nothing)
    assert committed.inside.ran() == ["middle", "last"]
    assert committed.git("status", "--porcelain") == ""


def test_after_everything_was_killed_the_next_clears_up_and_goes_on(
    committed: Project, server: Server, unique: str
) -> None:
    committed.script("first", WORK.format(name="first"))
    committed.commit("work")
    killed = start(committed, server.environment, f"{unique}-1")
    stage = int(committed.inside.wait_for("pid.txt"))
    # As when the power fails, but for the stage: nobody is left who would end it.
    for process in (*psutil.Process(killed.pid).children(recursive=True), psutil.Process(killed.pid)):
        if process.pid != stage:
            process.kill()
    killed.wait()
    assert alive(stage)
    assert state_of(server, f"{unique}-1")[0] == "RUNNING"
    committed.script("first", "from pathlib import Path\nPath('first.txt').write_text('made')\n")
    committed.commit("later")
    start(committed, server.environment, f"{unique}-2").wait(120)
    assert gone_within(0, stage)
    assert state_of(server, f"{unique}-1") == (
        "CRASHED", "Its process was killed; a later run has cleared up after it.",
    )  # fmt: skip
    assert state_of(server, f"{unique}-2")[0] == "COMPLETED", said(committed, f"{unique}-2")
    assert f"Ends what a killed retraining left behind: process {stage}." in said(committed, f"{unique}-2")


def test_who_asks_is_paused_and_promotes_when_a_person_resumes_it(
    committed: Project, server: Server, unique: str
) -> None:
    asking = start(committed, server.environment, unique, promote="ask")
    run = until(lambda: [run for run in server.last_runs(1) if run["name"] == unique and run["state_type"] == "PAUSED"])
    assert committed.inside.text("called.txt").splitlines()[-1] == "promote 2 --dry-run --json"
    assert not (committed.folder / ".ganlib/retrain/holder.json").exists(), "others may retrain meanwhile"
    server.post(f"flow_runs/{run[0]['id']}/resume")
    asking.wait(120)
    assert state_of(server, unique) == (
        "COMPLETED", "gan version 2 against version 1: promote. It is champion now.",
    )  # fmt: skip
    assert committed.inside.text("called.txt").splitlines()[-1] == "promote 2 --json"


@pytest.mark.parametrize(
    ("sentence", "code", "tries"),
    [
        ("The MLflow store http://host does not answer (refused).", 2, 4),
        ("data/x cannot be written: the disk is full; free some space and run again.", 2, 4),
        ("Stopped at 3 kimg; everything is saved.", 75, 4),
        ("train.lr: must be positive; it is -1.", 2, 1),
        ("KeyError: 'width'", 1, 1),
    ],
)
def test_only_what_may_pass_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, sentence: str, code: int, tries: int
) -> None:
    tried, heard, slept = [], [], []

    def work() -> None:
        tried.append(1)
        raise Failure(sentence, code)

    monkeypatch.setattr(tasks, "say", heard.append)
    monkeypatch.setattr(time, "sleep", slept.append)
    with pytest.raises(Failure, match=re.escape(sentence)):
        tasks.patiently(work)
    assert len(tried) == tries
    assert slept == list(tasks.WAITS_SECONDS[: tries - 1]) == sorted(slept)
    assert len(heard) == tries - 1


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """An address with a secret in it, and what arrived there."""
    arrived: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/s3cret", arrived
        listening.shutdown()


@pytest.mark.prove
def test_a_store_that_is_away_for_a_moment_costs_a_moment_and_a_message_says_how_it_ended(
    committed: Project, server: Server, unique: str, webhook: tuple[str, list[Any]], tmp_path: Path
) -> None:
    address, arrived = webhook
    away = tmp_path / "away"
    away.touch()
    environment = {**server.environment, "AWAY": str(away), "GANLIB_WEBHOOK_URL": address}
    start(committed, environment, unique).wait(120)
    assert state_of(server, unique)[0] == "COMPLETED"
    log = "\n".join(server.log_of(server.named(unique)))
    assert "does not answer (refused). That may pass: tried again in 0 s." in log
    (message,) = arrived
    assert message["text"].startswith("**gan version 2 against version 1: promote. It is champion now.**")
    assert "- fid holds: 2.5, beside 3, worse by -0.6 ... -0.4 (better)" in message["text"]
    everything = (
        log
        + said(committed, unique)
        + json.dumps([server.named(unique), server.of_run("artifacts", server.named(unique))])
    )
    assert "s3cret" not in everything


BLOCK = """
from prefect.blocks.notifications import CustomWebhookNotificationBlock as Block
import sys
Block(name="team", url=sys.argv[1], json_data={"subject": "{{subject}}", "text": "{{body}}"}).save("team")
"""


@pytest.mark.prove
def test_a_notification_block_hears_how_it_ended(
    committed: Project, server: Server, unique: str, webhook: tuple[str, list[Any]]
) -> None:
    address, arrived = webhook
    subprocess.run([sys.executable, "-c", BLOCK, address], env=server.environment, check=True)
    start(committed, server.environment, unique, notify="custom-webhook/team").wait(120)
    (message,) = arrived
    assert message["subject"] == "gan version 2 against version 1: promote. It is champion now."
    assert message["text"].startswith(f"**{message['subject']}**")
    ran = committed.inside.ran()
    start(committed, server.environment, f"{unique}-2", notify="slack-webhook/nobody", force=["last"]).wait(120)
    state, sentence = state_of(server, f"{unique}-2")
    assert state == "FAILED"
    assert sentence.startswith("notify names slack-webhook/nobody, which is no notification block of this Prefect ")
    assert committed.inside.ran() == ran, "said before anything is trained"


@pytest.mark.prove
def test_data_that_are_imported_follow_their_source_where_that_is_wanted(
    committed: Project, server: Server, unique: str, tmp_path: Path
) -> None:
    source = tmp_path / "elsewhere" / "pictures.txt"
    source.parent.mkdir()
    source.write_text("old")
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "import-url", str(source), "data.txt"], cwd=committed.folder, check=True)
    wiring = committed.folder / "dvc.yaml"
    wiring.write_text(wiring.read_text().replace("- first.py\n", "- first.py\n      - data.txt\n"))
    committed.script("first", "from pathlib import Path\nPath('first.txt').write_text(Path('data.txt').read_text())\n")
    committed.commit("imported")
    for number, (text, fetch, made) in enumerate(
        [("old", "update", "old"), ("new", "nothing", "old"), ("new", "update", "new"), ("new", "update", "new")]
    ):
        source.write_text(text)
        start(committed, server.environment, f"{unique}-{number}", fetch=fetch).wait(120)
        assert state_of(server, f"{unique}-{number}")[0] == "COMPLETED", said(committed, f"{unique}-{number}")
        assert committed.inside.text("first.txt") == made, number
    nothing = "Nothing to do: data, params and code are those of the last time."
    assert [state_of(server, f"{unique}-{number}")[1] == nothing for number in range(4)] == [False, True, False, True]
    assert committed.git("status", "--porcelain") == ""


@pytest.fixture
def web_remote(tmp_path: Path) -> Iterator[str]:
    """The address of a DVC remote over HTTP that asks for a password."""
    kept: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, code: int, content: bytes = b"") -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Basic {base64.b64encode(b'me:s3cret').decode('ascii')}":
                self.answer(401)
            elif self.path in kept:
                self.answer(200, kept[self.path])
            else:
                self.answer(404)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                content = b""
                while size := int(self.rfile.readline(), 16):
                    content += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                content = self.rfile.read(int(self.headers["Content-Length"]))
            kept[self.path] = content
            self.answer(200)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/store"
        listening.shutdown()


@pytest.mark.prove
def test_data_come_from_a_remote_over_http_whose_password_stays_where_it_is(
    committed: Project, server: Server, unique: str, web_remote: str
) -> None:
    def dvc(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", *words], cwd=committed.folder, check=True)

    (committed.folder / "data.txt").write_text("from afar")
    dvc("add", "data.txt")
    dvc("remote", "add", "--default", "web", web_remote)
    dvc("remote", "modify", "web", "auth", "basic")
    dvc("remote", "modify", "--local", "web", "user", "me")
    dvc("remote", "modify", "--local", "web", "password", "s3cret")
    dvc("push")
    wiring = committed.folder / "dvc.yaml"
    wiring.write_text(wiring.read_text().replace("- first.py\n", "- first.py\n      - data.txt\n"))
    committed.script("first", "from pathlib import Path\nPath('first.txt').write_text(Path('data.txt').read_text())\n")
    committed.commit("data")
    shutil.rmtree(committed.folder / ".dvc" / "cache")
    (committed.folder / "data.txt").unlink()
    start(committed, server.environment, unique, fetch="pull").wait(120)
    assert state_of(server, unique)[0] == "COMPLETED", said(committed, unique)
    assert committed.inside.text("first.txt") == "from afar"
    run = server.named(unique)
    assert "s3cret" not in said(committed, unique) + json.dumps([run, server.log_of(run), server.ask("artifacts")])
    assert committed.git("status", "--porcelain") == ""


@pytest.mark.prove
def test_a_disk_that_is_full_and_then_freed_is_tried_again(committed: Project, server: Server, unique: str) -> None:
    committed.script("first", (
        "import sys\nfrom pathlib import Path\nif not Path('freed.txt').exists():\n    Path('freed.txt').touch()\n"
        "    print('error: x cannot be written: the disk is full; free some space and run again.', file=sys.stderr)\n"
        "    sys.exit(2)\nPath('first.txt').write_text('made')\n"
    ))  # fmt: skip
    committed.commit("full")
    start(committed, server.environment, unique).wait(120)
    assert state_of(server, unique)[0] == "COMPLETED", said(committed, unique)
    assert said(committed, unique).count("That may pass") == 1


@pytest.mark.prove
def test_a_dirty_tree_is_trained_as_it_lies_there_where_that_is_wanted(
    committed: Project, server: Server, unique: str
) -> None:
    committed.script("first", "from pathlib import Path\nPath('first.txt').write_text('dirty')\n")
    for number, dirty in enumerate((False, True)):
        start(committed, server.environment, f"{unique}-{number}", dirty=dirty).wait(120)
        assert state_of(server, f"{unique}-{number}")[0] == "COMPLETED"
        assert committed.inside.text("first.txt") == ("dirty" if dirty else "made by first")
    assert "changes that are not committed (first.py)" in said(committed, f"{unique}-0")
    assert committed.git("status", "--porcelain") == "M first.py"


HOLD = """
import sys, time
from pathlib import Path
from pipelines.flows.slots import slot
name, mine, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
with slot(name, print):
    mine.write_text(str(time.time()))
    time.sleep(seconds)
    mine.with_suffix(".end").write_text(str(time.time()))
"""


def hold(server: Server, name: str, mine: Path, seconds: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", HOLD, name, str(mine), str(seconds)], env=server.environment)


@pytest.mark.parametrize("limited", [True, pytest.param(False, marks=pytest.mark.prove)])
def test_a_slot_is_held_by_one_at_a_time_where_there_is_such_a_limit(
    server: Server, tmp_path: Path, limited: bool
) -> None:
    name = f"slot-{limited}"
    if limited:
        server.post("v2/concurrency_limits/", name=name, limit=1)
    first = hold(server, name, tmp_path / "first", 4 if limited else 60)
    until((tmp_path / "first").exists)
    second = hold(server, name, tmp_path / "second", 0)
    assert second.wait(60) == 0
    assert (tmp_path / "first.end").exists() is limited
    first.kill()
    first.wait()


@pytest.mark.prove
def test_the_slot_of_a_killed_one_is_free_again_soon(server: Server, tmp_path: Path) -> None:
    server.post("v2/concurrency_limits/", name="killed", limit=1)
    first = hold(server, "killed", tmp_path / "first", 1000)
    until((tmp_path / "first").exists)
    first.kill()
    first.wait()
    began = time.monotonic()
    assert hold(server, "killed", tmp_path / "second", 0).wait(180) == 0
    assert time.monotonic() - began < 120


def family(process: "subprocess.Popen[bytes]") -> list[int]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    return []


@pytest.mark.prove
def test_one_command_serves_everything_and_ctrl_c_leaves_nothing_and_loses_nothing(
    committed: Project, tmp_path: Path
) -> None:
    from test_deployment import PREFECT_YAML, free_port, with_schedule

    committed.script("first", WORK.format(name="first"))
    with_schedule(PREFECT_YAML, committed.folder / "prefect.yaml", 20)
    committed.commit("often")
    port = free_port()
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "pipelines.flows.serve", "--port", str(port), "--query-seconds", "2"]
    with (tmp_path / "serve.log").open("wb") as log:
        serving = subprocess.Popen(command, cwd=committed.folder, env=environment, stdout=log, stderr=log)
    try:
        stage = int(committed.inside.wait_for("pid.txt", 400))
        everybody = family(serving)
        assert stage in everybody
        serving.send_signal(signal.SIGINT)
        assert serving.wait(60) == 0, (tmp_path / "serve.log").read_text()
        assert not [process for process in everybody if alive(process)]
        assert "Stopped; what was being trained goes on" in (tmp_path / "serve.log").read_text()
    finally:
        for process in family(serving):
            os.kill(process, signal.SIGKILL)
