"""What the pipeline costs beside its work: `python benchmarks/pipeline.py`.

Runs the default pipeline once in a fresh clone of this checkout's HEAD and splits every stage's time into starting,
working and DVC's share; then times `dvc repro` with nothing to do against `dvc repro` on an empty pipeline, the two
taken in turns. Writes benchmarks/results/pipeline.json.
"""

import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import clones
import record

TURNS = 9


def seconds(folder: Path, *command: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=clones.environment(),
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return time.perf_counter() - began, done.stdout


def stages(project: Path) -> dict[str, dict[str, float]]:
    """Seconds of each stage: all, to start, at work, and what DVC adds."""
    split = {}
    for name in ("prepare", "train", "classifier", "sample", "evaluate", "publish"):
        whole, output = seconds(project, "dvc", "repro", "--single-item", name)
        said = re.search(rf"{name}: ([\d.]+) s to start, ([\d.]+) s at work", output)
        assert said, output
        start, work = float(said[1]), float(said[2])
        parts = {"whole": whole, "start": start, "work": work, "dvc": whole - start - work}
        split[name] = {part: round(value, 1) for part, value in parts.items()}
        print(name, split[name], flush=True)
    return split


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        project, empty = Path(temporary) / "project", Path(temporary) / "empty"
        clones.clone(project)
        split = stages(project)
        empty.mkdir()
        for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
            seconds(empty, *command)
        (empty / "dvc.yaml").write_text("stages: {}\n")
        pairs = [
            (seconds(project, "dvc", "repro", "publish")[0], seconds(empty, "dvc", "repro")[0]) for _ in range(TURNS)
        ]
    differences = [ours - theirs for ours, theirs in pairs]
    figures = {
        "stages_s": split,
        "noop_s": round(statistics.median(ours for ours, _ in pairs), 2),
        "empty_pipeline_s": round(statistics.median(theirs for _, theirs in pairs), 2),
        "noop_over_empty_s": round(statistics.median(differences), 2),
        "turns": TURNS,
    }
    record.write("pipeline", figures, ("torch", "dvc", "mlflow"))


if __name__ == "__main__":
    main()
