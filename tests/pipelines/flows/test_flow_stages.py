"""DVC's stages one at a time: in order, once, and with their own last words."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from flow_support import MISTAKE, Project, alive, gone_within

from pipelines.flows.stages import Failure, Stages, failure, run_command, sentence

DVC = "ERROR: failed to reproduce 'train': failed to run: python -m train, exited with"
PRELUDE = ["Running stage 'train':", "> python -m train"]

WORK = """
import os, time
from pathlib import Path
try:
    Path("pid.txt").write_text(str(os.getpid()))
    print("working")
    time.sleep(100)
except KeyboardInterrupt:
    Path("saved.txt").write_text("saved")
"""


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ([*PRELUDE, "loading", "error: it is broken.", f"{DVC} 2"], "it is broken."),
        ([*PRELUDE, "error: it is broken.", "one more line", f"{DVC} 2"], "it is broken."),
        ([*PRELUDE, "Traceback", "KeyError: 'width'", f"{DVC} 1"], "KeyError: 'width'"),
        ([*PRELUDE, f"{DVC} -9"], f"{DVC} -9".removeprefix("ERROR: ")),
        (["WARNING: odd", "ERROR: x is busy, blocked by:", "  (PID 3): dvc"], "x is busy, blocked by: (PID 3): dvc"),
        ([], "It ended without a word; see the log."),
    ],
)
def test_the_stage_has_the_last_word_and_dvc_where_it_has_none(printed: list[str], said: str) -> None:
    assert sentence(printed) == said


@pytest.mark.parametrize(("dvc", "code"), [(f"{DVC} 2", 2), (f"{DVC} 75", 75), (f"{DVC} -9", 1), ("killed", 1)])
def test_the_stages_own_exit_code_is_passed_on(dvc: str, code: int) -> None:
    assert failure([*PRELUDE, dvc]).code == code


def test_stages_run_in_order_and_again_only_when_forced(project: Project) -> None:
    heard: list[str] = []
    with Stages(project.folder, heard.append) as stages:
        assert stages.names() == ["first", "middle", "last"]
        for forced in ("", "", "middle"):
            for name in stages.names():
                stages.run(name, force=name == forced)
    assert project.ran() == ["first", "middle", "last", "middle"]
    assert [line for line in heard if line.endswith("speaks")] == [f"{name} speaks" for name in project.ran()]


def test_a_failed_stage_speaks_for_itself(project: Project) -> None:
    project.script("first", MISTAKE)
    with Stages(project.folder, print) as stages, pytest.raises(Failure) as failed:
        stages.run("first")
    assert (str(failed.value), failed.value.code) == ("the picture cat.png is broken; remove it.", 2)


def test_a_broken_dvc_yaml_is_said_in_dvcs_words(project: Project) -> None:
    (project.folder / "dvc.yaml").write_text("stages:\n  first:\n    cmd: python first.py\n    nonsense: true\n")
    with Stages(project.folder, print) as stages, pytest.raises(Failure, match=r"dvc\.yaml"):
        stages.names()


@pytest.mark.timeout(60)
def test_a_stage_cannot_read_what_is_meant_for_dvc(project: Project) -> None:
    project.script("first", "import sys; assert sys.stdin.read() == ''; open('first.txt', 'w').write('read')")
    with Stages(project.folder, print) as stages:
        stages.run("first")
    assert project.text("first.txt") == "read"


def test_an_interrupted_flow_lets_its_stage_save_and_ends_it(project: Project) -> None:
    def interrupt(line: str) -> None:
        if line == "working":
            raise KeyboardInterrupt

    project.script("first", WORK)
    with contextlib.suppress(KeyboardInterrupt), Stages(project.folder, interrupt) as stages:
        stages.run("first")
    assert gone_within(5, int(project.text("pid.txt")))
    assert project.text("saved.txt") == "saved"


def test_a_flow_killed_outright_leaves_no_stage_behind(project: Project) -> None:
    project.script("first", WORK)
    flow = (
        "from pathlib import Path; from pipelines.flows.stages import Stages\n"
        "with Stages(Path(), print) as stages: stages.run('first')"
    )
    with subprocess.Popen([sys.executable, "-c", flow], cwd=project.folder) as process:
        pid = int(project.wait_for("pid.txt"))
        assert alive(pid)
        process.kill()
    assert gone_within(20, pid)
    assert project.text("saved.txt") == "saved"


def test_another_command_is_heard_and_its_failure_told(tmp_path: Path) -> None:
    heard: list[str] = []
    run_command([sys.executable, "-c", "print('synced')"], folder=tmp_path, say=heard.append)
    assert heard == ["synced"]
    with pytest.raises(Failure, match="no store there") as failed:
        run_command(
            [sys.executable, "-c", MISTAKE.replace("the picture", "no store there; the picture")],
            folder=tmp_path,
            say=print,
        )
    assert failed.value.code == 2
