"""What a retraining costs beside its stages: `python benchmarks/flow.py`.

In a fresh clone of this checkout's HEAD, with a small game and a Prefect server: the whole command where there is
nothing to do, and all stages forced, by the flow and by `dvc repro` in turns. What the last two tasks of a flow take,
publishing and comparing with the champion, counts apart: `dvc repro` does neither. Writes
benchmarks/results/flow.json.
"""

import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import clones
import record

TURNS = 3
STAGES = ("prepare", "train", "classifier", "sample", "evaluate", "publish")
SMALL = {
    "network.width": 4, "train.kimg": 4, "classifier.epochs": 2, "classifier.width": 8, "sample.n": 400,
    "promote.samples": 400, "promote.blocks": 2, "evaluate.kid_subset_size": 100,
    "evaluate.leave_out": ["two_sample", "path_length", "density_coverage", "inception_score", "fid_infinity"],
}  # fmt: skip
RETRAIN = (sys.executable, "-m", "pipelines.flows.retrain", "--promote", "never")


class Clone:
    """A committed project, and the server that its flows tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.api = f"http://127.0.0.1:{free.getsockname()[1]}/api"
        self.environment = clones.environment(PREFECT_HOME=str(folder / "prefect"), PREFECT_API_URL=self.api)
        clones.clone(self.folder)
        clones.commit(self.folder, SMALL, "small")

    def timed(self, *command: str) -> tuple[float, float]:
        """(seconds, seconds of a core, its children's with them)."""
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.perf_counter() - began, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def after_the_stages(self) -> float:
        """Seconds that the last retraining took to publish and to compare."""
        (run,) = clones.ask(self.api, "flow_runs/filter", sort="START_TIME_DESC", limit=1)
        tasks = clones.ask(self.api, "task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
        return sum(float(task["total_run_time"]) for task in tasks if task["name"] in ("sync", "compare"))

    @contextmanager
    def serving(self) -> Iterator[None]:
        port = self.api.rpartition(":")[2].partition("/")[0]
        command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, env=self.environment, **quiet)  # type: ignore[call-overload]
        try:
            for _ in range(600):
                with suppress(OSError), urllib.request.urlopen(f"{self.api}/health", timeout=5):
                    break
                time.sleep(0.2)
            yield
        finally:
            server.terminate()
            server.wait(30)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        clone = Clone(Path(temporary))
        with clone.serving():
            clone.timed(*RETRAIN)
            nothing = [clone.timed(*RETRAIN) for _ in range(TURNS)]
            print("nothing to do:", nothing, flush=True)
            forced = []
            for _ in range(TURNS):
                flow = clone.timed(*RETRAIN, *(word for name in STAGES for word in ("--force", name)))[0]
                after = clone.after_the_stages()
                alone = clone.timed("dvc", "repro", "--force")[0]
                forced.append({"flow": flow, "sync_and_compare": after, "dvc_repro": alone})
                print(forced[-1], flush=True)
    added = [turn["flow"] - turn["sync_and_compare"] - turn["dvc_repro"] for turn in forced]
    figures = {
        "nothing_to_do_s": round(statistics.median(wall for wall, _ in nothing), 1),
        "nothing_to_do_core_s": round(statistics.median(core for _, core in nothing), 1),
        "forced_s": [{name: round(value, 1) for name, value in turn.items()} for turn in forced],
        "flow_over_dvc_repro_s": round(statistics.median(added), 1),
        "turns": TURNS,
    }
    record.write("flow", figures, ("prefect", "dvc", "mlflow", "torch"))


if __name__ == "__main__":
    main()
