"""Jobs of two processes that run a small script, for what is tested of launching."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
QUICK = "launching.Patience(saved=30.0, mistake=1.0, asked=1.0)"
BARE = """
import os, signal, sys, time
rank = int(os.environ["RANK"])

def ready():
    open(f"ready{rank}", "w").close()

def both_are_ready():
    ready()
    while not os.path.exists(f"ready{1 - rank}"):
        time.sleep(0.01)
"""
STAGE = (
    BARE
    + """
from ganlib.errors import PeerLost, UserError
from pipelines import launching, stage
stage.params.load = lambda: None

def saves_when_stopped(_):
    with stage.stop_signals() as stop:
        ready()
        while not stop():
            time.sleep(0.01)
    time.sleep(1.5 * (rank == 0))
    open(f"saved{rank}", "w").close()
    raise stage.Resumable("Everything is saved.")
"""
)


def script(folder: Path, body: str) -> str:
    (folder / "script.py").write_text(body)
    return (
        "import sys; from pipelines import launching\n"
        f"sys.exit(launching.train_in(2, (sys.executable, 'script.py'), {QUICK}))"
    )


def start(folder: Path, body: str, **environment: str) -> "subprocess.Popen[str]":
    inherited = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "DVC_STAGE")}
    return subprocess.Popen(
        [sys.executable, "-c", script(folder, body)], cwd=folder, text=True, start_new_session=True,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(job: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """(exit code, standard output, standard error); nobody may be left who still holds one of the two open."""
    try:
        output, said = job.communicate(timeout=30)
    finally:
        job.kill()
    return job.returncode, output, said


def family(job: "subprocess.Popen[str]", folder: Path, *, ready: int = 2) -> list[psutil.Process]:
    """The started processes in the order of their ranks, once so many have reported."""
    deadline = time.monotonic() + 30
    while len(list(folder.glob("ready*"))) < ready:
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return sorted(psutil.Process(job.pid).children(), key=lambda process: int(process.environ()["RANK"]))
