"""A day that nobody looks at: `python benchmarks/recorded_day.py`; an hour, or shortened: `--minutes 20 --every 2`.

A clone of this checkout's HEAD is served by `make serve` on a schedule, with an MLflow server beside it. Its first
generator is trained briefly; then new pictures come, longer training is committed, a bad batch of pictures comes and
goes, a retraining is killed with all that belongs to it, the MLflow server is away for a while, and a run is cancelled.
Nobody promotes anything by hand. What each run decided, and the registry's history at the end, is written to
benchmarks/results/recorded_day.json and .md.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clones
import numpy as np
import psutil
import record
from PIL import Image
from ruamel.yaml import YAML
from sklearn.datasets import load_digits

PREFECT, MLFLOW = 4471, 5471
"""Ports on 127.0.0.1."""
SMALL = {
    "data.source": "image_folder", "data.resolution": 16, "network.width": 16, "train.batch_size": 16,
    "penalty.gamma": 0.5,
    "train.checkpoint_every_kimg": 1, "train.grid_every_kimg": 10, "classifier.epochs": 4, "classifier.width": 8,
    "sample.n": 400, "promote.samples": 400, "promote.blocks": 4, "evaluate.kid_subset_size": 100,
    "evaluate.leave_out": ["two_sample", "path_length", "density_coverage", "inception_score", "fid_infinity"],
}  # fmt: skip
FIRST = 5
"""How many times shorter the first training is than the later ones."""
STAGE = "pipelines.stages.train"
STATES = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED", "RUNNING")


@dataclass
class Day:
    """The clone, and what happened to it."""

    project: Path
    environment: dict[str, str]
    commit: str
    """What the clone is of."""
    pictures: int = 0
    events: list[dict[str, str]] = field(default_factory=list)

    def note(self, what: str) -> None:
        """One line of the record."""
        self.events.append({"at": datetime.now(UTC).strftime("%H:%M:%S"), "what": what})
        print(self.events[-1], flush=True)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.project, env=self.environment, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def change(self, settings: dict[str, Any], message: str) -> None:
        """Writes settings, by their dotted names, into params.yaml, and commits all that was changed."""
        clones.commit(self.project, settings, message)
        self.note(f"committed: {message}")

    def add_pictures(self, count: int) -> None:
        digits = load_digits()
        for number in range(self.pictures, self.pictures + count):
            folder = self.project / "pictures" / str(digits.target[number])
            folder.mkdir(parents=True, exist_ok=True)
            pixels = Image.fromarray((digits.images[number] * 15).astype(np.uint8))
            pixels.save(folder / f"{number}.png")
        self.pictures += count
        self.note(f"{count} new pictures; {self.pictures} in all")

    def ask(self, path: str, **body: Any) -> Any:
        """What Prefect's server answers."""
        return clones.ask(f"http://127.0.0.1:{PREFECT}/api", path, **body)

    def runs(self) -> list[dict[str, Any]]:
        """The retrainings, the earliest first."""
        flows = {"name": {"any_": ["retrain"]}}
        return list(self.ask("flow_runs/filter", flows=flows, sort="EXPECTED_START_TIME_ASC", limit=200))


def training(project: Path) -> psutil.Process | None:
    """The process that trains just now, below the worktree of the flow."""
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if STAGE in (process.info["cmdline"] or []) and Path(process.cwd()).is_relative_to(project):
                return process
    return None


def wait(until: Callable[[], Any], seconds: float) -> Any:
    """What it returns as soon as that is something; None where nothing comes in time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):  # a server that is starting, or busy
            if found := until():
                return found
        time.sleep(0.2)
    return None


@contextmanager
def started(command: list[str], day: Day, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    with (day.project.parent / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=day.project, env=day.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def mlflow_server(day: Day) -> list[str]:
    database = f"sqlite:///{day.project.parent / 'mlflow.db'}"
    files = (day.project.parent / "files").as_uri()
    options = ["--host", "127.0.0.1", "--port", str(MLFLOW), "--workers", "1", "--backend-store-uri", database]
    return [sys.executable, "-m", "mlflow", "server", *options, "--artifacts-destination", files]


def day_commit(project: Path) -> str:
    words = ["git", "rev-parse", "HEAD"]
    return subprocess.run(words, cwd=project, check=True, capture_output=True, text=True).stdout.strip()


def clone(folder: Path, every_minutes: float, kimg: float) -> Day:
    """This checkout's HEAD, small, with a schedule of its own, committed."""
    project = folder / "project"
    environment = clones.environment(
        PREFECT_HOME=str(folder / "prefect"), MLFLOW_TRACKING_URI=f"http://127.0.0.1:{MLFLOW}", OMP_NUM_THREADS="1"
    )
    clones.clone(project)
    day = Day(project, environment, day_commit(project))
    yaml = YAML()
    wishes = yaml.load(project / "prefect.yaml")
    wishes["deployments"][0]["schedules"] = [{"interval": 60 * every_minutes}]
    yaml.dump(wishes, project / "prefect.yaml")
    with (project / ".gitignore").open("a") as ignored:
        ignored.write("/pictures/\n")
    day.change({**SMALL, "data.path": "pictures", "data.watch": "pictures", "train.kimg": kimg / FIRST}, "a day")
    return day


def settled(day: Day, minutes: float) -> None:
    """Waits until a run that began after now has come to its end, and was not skipped."""
    since = datetime.now(UTC).isoformat()

    def done() -> bool:
        ended = [run for run in day.runs() if (run["start_time"] or "") > since and run["end_time"]]
        return any(run["state_name"] != "Skipped" for run in ended)

    wait(done, 60 * minutes)


def happen(day: Day, serving: "subprocess.Popen[bytes]", every: float, kimg: float) -> None:
    """The day's events, each when what was before it is over; `every` in minutes."""
    patience = 4 * every + 6
    settled(day, patience)
    day.add_pictures(200)
    settled(day, patience)
    day.change({"train.kimg": kimg}, f"train for {kimg:g} kimg")
    settled(day, patience)
    bad = day.project / "pictures" / "0" / "broken.png"
    bad.write_bytes(b"no picture")
    day.note("a bad batch: pictures/0/broken.png is no picture")
    settled(day, patience)
    bad.unlink()
    day.note("the bad batch is taken away")
    day.add_pictures(100)
    if process := wait(lambda: training(day.project), 60 * patience):
        time.sleep(1)
        kill(process, serving)
        day.note("killed: the flow that trains and all that it had started, with SIGKILL")
    settled(day, patience)


def kill(process: psutil.Process, serving: "subprocess.Popen[bytes]") -> None:
    """From the training up to the worker, which stays, as does the server."""
    doomed = [process]
    for parent in process.parents():
        if "worker" in parent.cmdline() or parent.pid == serving.pid:
            break
        doomed.append(parent)
    for one in reversed(doomed):
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()


def later(day: Day, every: float) -> None:
    """After the outage: a run is cancelled in the middle of its training."""
    patience = 4 * every + 6
    day.add_pictures(100)
    if wait(lambda: training(day.project), 60 * patience):
        (run,) = [run for run in day.runs() if run["state_type"] == "RUNNING"][:1]
        cancelling = {"type": "CANCELLING", "name": "Cancelling"}
        day.ask(f"flow_runs/{run['id']}/set_state", state=cancelling)
        day.note(f"cancelled: the run {run['name']}, at work")
        gone = wait(lambda: training(day.project) is None, 15)
        day.note("its training had ended within 15 s" if gone else "its training went on for more than 15 s")
    settled(day, patience)


def decided(day: Day) -> list[dict[str, str]]:
    """One row for each run that was more than planned."""
    return [
        {
            "run": run["name"],
            "due": run["expected_start_time"][11:19],
            "began": (run["start_time"] or "")[11:19],
            "seconds": f"{run['total_run_time']:.0f}",
            "state": run["state_name"],
            "said": (run["state"]["message"] or "").splitlines()[0] if run["state"]["message"] else "",
        }
        for run in day.runs()
        if run["state_type"] in STATES
    ]


def markdown(figures: dict[str, Any]) -> str:
    """The same for people."""

    def table(rows: list[dict[str, str]]) -> str:
        names = list(rows[0])
        lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in rows)]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    return "\n\n".join([
        "# A recorded day" + (", shortened" if figures["shortened"] else ""),
        f"A schedule of every {figures['every_minutes']:g} minutes for {figures['minutes']:.0f} minutes, by "
        f"`{figures['command']}`. Times are UTC.",
        "## What happened", table(figures["events"]),
        "## What each run decided", table(figures["runs"]),
        "## The registry at the end", f"```\n{figures['history']}\n{figures['models']}```",
    ]) + "\n"  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=2, help="minutes from run to run")
    parser.add_argument("--kimg", type=float, default=40, help="length of a training")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recorded-day-") as temporary:
        day = clone(Path(temporary), options.every, options.kimg)
        day.add_pictures(600)
        began = time.monotonic()
        command = [sys.executable, "-m", "pipelines.flows.serve", "--port", str(PREFECT), "--query-seconds", "5"]
        with started(command, day, "serve") as serving:
            with started(mlflow_server(day), day, "mlflow"):
                day.note("server, worker and schedule are started, and an MLflow server")
                happen(day, serving, options.every, options.kimg)
            day.note("outage: the MLflow server is stopped")
            day.add_pictures(100)
            time.sleep(60 * options.every)
            with started(mlflow_server(day), day, "mlflow"):
                day.note("the MLflow server is back")
                settled(day, 4 * options.every + 6)
                later(day, options.every)
                time.sleep(max(0.0, 60 * options.minutes - (time.monotonic() - began)))
                settled(day, 4 * options.every + 6)
                figures: dict[str, Any] = {
                    "command": " ".join(["python", *sys.argv]), "clone_of": day.commit, "every_minutes": options.every,
                    "minutes": (time.monotonic() - began) / 60, "shortened": options.minutes < 60,
                    "events": day.events, "runs": decided(day),
                    "history": day.run("ganlib", "history"), "models": day.run("ganlib", "models", "ganlib-digits"),
                }  # fmt: skip
    (record.RESULTS / "recorded_day.md").write_text(markdown(figures))
    record.write("recorded_day", figures, ("prefect", "dvc", "mlflow", "torch"))


if __name__ == "__main__":
    main()
