"""What a second process brings: `python benchmarks/weak_scaling.py`.

One process with a batch against two with twice the batch, a CPU core or a GPU each, in turns. Efficiency is the rate of
two over twice the rate of one. Writes benchmarks/results/weak_scaling-<device>.json.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import record
import torch
from train_speed import CASES, Engine, device_name

from ganlib import distributed
from pipelines import launching

SIZES = (1, 2)


def worker(name: str, kind: str, seconds: float, answer: Path) -> None:
    """Plays for so long as one of the team; the first process writes images a second."""
    with launching.member():
        if kind == "cpu":
            torch.set_num_threads(1)
        on = torch.device(f"cuda:{launching.local_rank()}" if kind == "cuda" else "cpu")
        team = distributed.join(kind)
        player = Engine(CASES[name], "engine", on, team)
        for _ in range(8 if kind == "cuda" else 2):
            player.round()
        team.barrier()
        began, rounds = time.perf_counter(), 0
        while not team.anyone(time.perf_counter() - began > seconds):
            player.round()
            rounds += 1
        if kind == "cuda":
            torch.cuda.synchronize()
        rate = rounds * player.table.rules.settings.batch_size / (time.perf_counter() - began)
        if team.rank == 0:
            answer.write_text(json.dumps(rate))
        distributed.leave(team)


def rate(name: str, kind: str, processes: int, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rate.json"
        command = (sys.executable, __file__, "--worker", name, str(answer), "--device", kind, "--seconds", str(seconds))
        code = launching.train_in(processes, command)
        assert code == 0, f"{processes} processes ended with {code}"
        found: float = json.loads(answer.read_text())
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--cases", nargs="*", default=["dcgan", "r3-quarter"], choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each turn")
    parser.add_argument("--worker", nargs=2, metavar=("CASE", "ANSWER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        worker(chosen.worker[0], chosen.device, chosen.seconds, Path(chosen.worker[1]))
        return
    there = torch.cuda.device_count() if chosen.device == "cuda" else len(os.sched_getaffinity(0))
    if there < max(SIZES):
        print(f"not measured: {there} {chosen.device} here, and two processes need two")
        return
    cases = {}
    for name in chosen.cases:
        rates: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(chosen.repeats):
            for size in SIZES:
                rates[size].append(rate(name, chosen.device, size, chosen.seconds))
        efficiency = statistics.median(two / one / 2 for one, two in zip(rates[1], rates[2], strict=True))
        medians = {size: round(statistics.median(values), 1) for size, values in rates.items()}
        cases[name] = {"images_per_s": medians, "efficiency": round(efficiency, 2)}
        print(name, cases[name], flush=True)
    figures = {
        "cases": cases,
        "batch_size_of_each_process": {name: CASES[name].batch_size[chosen.device] for name in chosen.cases},
        "repeats": chosen.repeats,
    }
    named = device_name(torch.device(chosen.device))
    record.write(f"weak_scaling-{chosen.device}", figures, ("torch",), device=named)


if __name__ == "__main__":
    main()
