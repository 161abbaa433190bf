"""How fast games are played: `python benchmarks/train_speed.py`, on a GPU where there is one.

Each case is played by the engine in several ways and by a plain PyTorch loop of the same networks (plain_loop.py), each
in a process of its own, some rounds each in turn; medians of their rates, and the ratios within this one run. FLOPs
follow from the formulas 4 F_g + n F_d an image, F one forward. Writes benchmarks/results/train_speed-<device>.json.
"""

import argparse
import dataclasses
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
import record
import torch
from plain_loop import PlainLoop
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from ganlib import components, device
from ganlib.batches import RealImages
from ganlib.bundle import Description
from ganlib.distributed import Team
from ganlib.game import new_game
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.prepared import Split
from ganlib.rules import Rules
from ganlib.settings import TrainSettings
from ganlib.training import lay_table, play_round, ready

LATENT_DIM = 64
CLASSES = 10
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
"""Dense bfloat16 operations a second, of the makers' sheets; others are measured by a product of matrices."""


@dataclasses.dataclass(frozen=True)
class Case:
    network: str
    options: dict[str, Any]
    loss: str
    penalty: str
    batch_size: dict[str, int]
    side: int = 32


CASES = {
    "dcgan": Case("dcgan", {"width": 64}, "non_saturating", "none", {"cpu": 64, "cuda": 256}),
    "resnet": Case("resnet", {"width": 128}, "hinge", "none", {"cpu": 8, "cuda": 64}),
    "r3-quarter": Case("r3", {"width": 192}, "relativistic", "r1_r2", {"cpu": 8, "cuda": 512}),
    "r3": Case("r3", {"width": 768}, "relativistic", "r1_r2", {"cpu": 2, "cuda": 512}),
}
PLAIN = "plain loop"
WAYS: dict[str, dict[str, Any]] = {
    "engine": {},
    "engine, double backward": {"penalty_route": "autograd"},
    "engine, not captured": {"capture": False},
    "engine, float32": {"precision": "float32"},
    "engine, IEEE float32": {"precision": "float32", "tf32": False},
}


def ways(case: Case, kind: str) -> list[str]:
    """Those in which a case differs on such a device."""
    chosen = ["engine", PLAIN]
    if case.penalty != "none":
        chosen.append("engine, double backward")
    if kind == "cuda":
        chosen += ["engine, not captured", "engine, float32", "engine, IEEE float32"]
    return chosen


def data(case: Case) -> Split:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (4096, 3, case.side, case.side), dtype=np.uint8)
    return Split(pixels, random.integers(0, CLASSES, len(pixels)))


def description(case: Case) -> Description:
    names = tuple(str(i) for i in range(CLASSES))
    return Description(
        case.network, case.options, (3, case.side, case.side), LATENT_DIM, "normal", names, 0, (1,) * CLASSES
    )


class Engine:
    def __init__(self, case: Case, way: str, on: torch.device, team: Team = Team()) -> None:  # noqa: B008
        settings = TrainSettings(batch_size=team.size * case.batch_size[on.type], lr=2e-4, **WAYS[way])
        device.set_rounding(settings)
        rules = Rules(
            components.build(GanLoss, case.loss, {}, section="loss"),
            components.build(Penalty, case.penalty, {}, section="penalty"),
            settings,
        )
        game = new_game(description(case), settings, on)
        reals = RealImages(data(case), seed=0, conditional=True, device=on, cache_bytes=10**9)
        ready(game)
        self.table, _ = lay_table(game, rules, reals, team)

    def round(self) -> None:
        play_round(self.table)


def plain(case: Case, on: torch.device) -> PlainLoop:
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    torch.backends.cudnn.fp32_precision = "tf32"
    fit, pictures = description(case).fit, data(case)
    family = description(case).family()
    floats = TensorDataset(torch.from_numpy(pictures.pixels).float() / 127.5 - 1, torch.from_numpy(pictures.labels))
    return PlainLoop(
        (family.generator(fit), family.discriminator(fit)), floats, loss=case.loss,
        gamma=1.0 if case.penalty == "r1_r2" else 0.0, batch_size=case.batch_size[on.type], latent_dim=LATENT_DIM,
        device=on,
    )  # fmt: skip


class Counting(TorchDispatchMode):
    """Operations that reach a device's library: what a step waits for when it is small."""

    operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        return func(*args, **(kwargs or {}))


def launches(player: Engine | PlainLoop, on: torch.device) -> int:
    """Of a round: kernels and graphs launched on CUDA, operations dispatched on a CPU."""
    if on.type == "cpu":
        with Counting() as counting:
            player.round()
        return counting.operations
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        player.round()
        torch.cuda.synchronize()
    names = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx", "cudaGraphLaunch")
    return sum(event.count for event in profiler.key_averages() if event.key in names)


def worker(case: Case, way: str, on: torch.device) -> None:
    """Plays as many rounds as each line of its input says, and answers with the seconds they took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    player = plain(case, on) if way == PLAIN else Engine(case, way, on)
    for _ in range(8 if on.type == "cuda" else 2):
        player.round()
    why_not = player.table.recorder.why_not if isinstance(player, Engine) else None
    print(json.dumps({"launches": launches(player, on), "not_captured": why_not}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(int(line)):
            player.round()
        if on.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - began
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        if on.type == "cuda":
            memory = torch.cuda.max_memory_allocated()
        print(json.dumps({"seconds": seconds, "memory": memory}), flush=True)


def forward_flops(case: Case) -> tuple[int, int]:
    """F_g and F_d, operations of one forward of one image."""
    fit = description(case).fit
    family = description(case).family()
    label = torch.zeros(1, dtype=torch.int64)
    counts = []
    image, latents = torch.zeros(1, *fit.image_shape), torch.zeros(1, LATENT_DIM)
    for player, inputs in ((family.generator(fit), latents), (family.discriminator(fit), image)):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            player.eval()(inputs, label)
        counts.append(counter.get_total_flops())
    return counts[0], counts[1]


def flops(case: Case, way: str) -> int:
    """Of one real image's share of a round."""
    f_g, f_d = forward_flops(case)
    relativistic = case.loss == "relativistic"
    generators_step = 3 if relativistic else 2
    if way == PLAIN:  # weights of D get gradients in G's step too, also from its real images
        generators_step = 6 if relativistic else 3
    penalised = 12 if way in (PLAIN, "engine, double backward") else 8
    discriminators_step = penalised if case.penalty == "r1_r2" else 6
    return 4 * f_g + (discriminators_step + generators_step) * f_d


def matmul_rate(on: torch.device) -> float:
    """Operations a second of a product of matrices, on a GPU in bfloat16: what this machine can do at best."""
    size, dtype = (8192, torch.bfloat16) if on.type == "cuda" else (1536, torch.float32)
    a, b = (torch.randn(size, size, device=on, dtype=dtype) for _ in range(2))
    rates = []
    for _ in range(12):
        began = time.perf_counter()
        a @ b
        if on.type == "cuda":
            torch.cuda.synchronize()
        rates.append(2 * size**3 / (time.perf_counter() - began))
    return max(rates)


def measure(name: str, on: torch.device, *, repeats: int, seconds: float) -> dict[str, Any]:
    case = CASES[name]
    images = case.batch_size[on.type]
    workers = {way: start(name, way, on) for way in ways(case, on.type)}
    answers = {way: json.loads(worker.stdout.readline()) for way, worker in workers.items()}
    rounds = {way: max(1, round(seconds / ask(worker, 2)["seconds"] * 2)) for way, worker in workers.items()}
    turns: dict[str, list[float]] = {way: [] for way in workers}
    memory = {}
    for _ in range(repeats):
        for way, process in workers.items():
            answer = ask(process, rounds[way])
            turns[way].append(rounds[way] * images / answer["seconds"])
            memory[way] = answer["memory"]
    for process in workers.values():
        process.stdin.close()
        process.wait()
    peak = next((rate for mark, rate in PEAKS.items() if on.type == "cuda" and mark in device_name(on)), None)
    best = matmul_rate(on)
    table = {}
    for way, rates in turns.items():
        rate, work = statistics.median(rates), flops(case, way)
        ratios = [mine / theirs for mine, theirs in zip(rates, turns[PLAIN], strict=True)]
        table[way] = {
            "images_per_s": round(rate, 1),
            "times_the_plain_loop": round(statistics.median(ratios), 2),
            "gflop_per_image": round(work / 1e9, 3),
            "gflop_per_s": round(rate * work / 1e9, 1),
            "share_of_matmul": round(rate * work / best, 3),
            "launches_per_round": answers[way]["launches"],
            "peak_memory_mb": round(memory[way] / 1e6),
        }
        if peak is not None:
            table[way]["mfu"] = round(rate * work / peak, 3)
        if answers[way]["not_captured"]:
            table[way]["not_captured"] = answers[way]["not_captured"]
        print(f"{name:<11} {way:<24} {json.dumps(table[way])}", flush=True)
    return {"batch_size": images, "matmul_gflop_per_s": round(best / 1e9), "ways": table}


def start(name: str, way: str, on: torch.device) -> Any:
    command = [sys.executable, __file__, "--worker", name, way, "--device", str(on)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process: Any, rounds: int) -> dict[str, float]:
    process.stdin.write(f"{rounds}\n")
    process.stdin.flush()
    answer: dict[str, float] = json.loads(process.stdout.readline())
    return answer


def device_name(on: torch.device) -> str:
    return torch.cuda.get_device_name(on) if on.type == "cuda" else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    parser.add_argument("--worker", nargs=2, metavar=("CASE", "WAY"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    on = torch.device(chosen.device)
    if chosen.worker:
        worker(CASES[chosen.worker[0]], chosen.worker[1], on)
        return
    cases = {name: measure(name, on, repeats=chosen.repeats, seconds=chosen.seconds) for name in chosen.cases}
    figures = {"cases": cases, "repeats": chosen.repeats}
    where = {"device": device_name(on), "threads": torch.get_num_threads()}
    record.write(f"train_speed-{on.type}", figures, ("torch", "numpy"), **where)


if __name__ == "__main__":
    main()
