"""How fast pictures become training data, and in how much memory: `python benchmarks/prepare.py [DATA]`.

DATA holds `cifar10-jpg/train.zip` (JPEGs of 32 x 32) and `mnist/` (the four gzipped IDX files). Every preparation runs
in a process of its own on one core or on two, in turns with what it is compared with: a plain loop that opens each
JPEG with Pillow, and the mere reading of MNIST's files. Then preparations of 10,000 and 100,000 pictures, and with
`--million` one of 1,000,000, for their memory. Times include the start of worker processes, not that of Python.
Writes benchmarks/results/prepare.json.
"""

import argparse
import gzip
import io
import multiprocessing
import os
import resource
import statistics
import struct
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401 - pyarrow loads it at its first array, and imports are not what is timed
import psutil
import record
from PIL import Image

from ganlib.datasets import build_source
from ganlib.preparation import prepare
from ganlib.settings import DataSettings

TURNS = 5
SAMPLE_EVERY_S = 0.25


def plain_loop(archive: Path, part: int = 0, parts: int = 1) -> dict[str, float]:
    """What anybody would write."""
    began = time.perf_counter()
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".jpg")][part::parts]
        for name in names:
            np.asarray(Image.open(io.BytesIO(opened.read(name))).convert("RGB"))
    return {"seconds": time.perf_counter() - began, "pictures": len(names)}


def two_plain_loops(archive: Path) -> dict[str, float]:
    """Half of the pictures in each of two processes: what two cores of this machine have over one."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=plain_loop, args=(archive, part, 2)) for part in (0, 1)]
    began = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return {"seconds": time.perf_counter() - began, "pictures": plain_loop_count(archive)}


def plain_loop_count(archive: Path) -> int:
    with zipfile.ZipFile(archive) as opened:
        return sum(name.endswith(".jpg") for name in opened.namelist())


def read_bytes(folder: Path) -> dict[str, float]:
    """MNIST's files, gunzipped and thrown away."""
    began = time.perf_counter()
    for file in sorted(folder.glob("*.gz")):
        with gzip.open(file) as stream:
            stream.read()
    return {"seconds": time.perf_counter() - began, "pictures": 70_000}


def preparation(options: dict[str, Any], processes: int) -> dict[str, float]:
    settings = DataSettings(**options)
    peaks = {"main": 0, "worker": 0}
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(peaks, done))
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        watcher.start()
        began = time.perf_counter()
        prepared = prepare(build_source(settings), settings, Path(folder) / "prepared", processes=processes)
        seconds = time.perf_counter() - began
        done.set()
        watcher.join()
    megabytes = {f"{name}_peak_mb": round(value / 1e6) for name, value in peaks.items()}
    return {"seconds": seconds, "pictures": prepared.description["source"]["files"], **megabytes}


def watch(peaks: dict[str, int], done: threading.Event) -> None:
    """Resident memory of this process and of its largest child; looked at so seldom that it costs nothing."""
    this = psutil.Process()
    while not done.wait(SAMPLE_EVERY_S):
        peaks["main"] = max(peaks["main"], this.memory_info().rss)
        for child in this.children(recursive=True):
            try:
                peaks["worker"] = max(peaks["worker"], child.memory_info().rss)
            except psutil.Error:
                continue
    peaks["main"] = max(peaks["main"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def apart(function: Callable[..., dict[str, float]], *arguments: Any, cores: int) -> dict[str, float]:
    """In a fresh process that may use so many cores."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(function, arguments, cores, theirs))
    process.start()
    theirs.close()
    result: dict[str, float] = ours.recv()
    process.join()
    return result


def _run(function: Callable[..., dict[str, float]], arguments: tuple[Any, ...], cores: int, pipe: Any) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    pipe.send(function(*arguments))


def in_turns(**candidates: Callable[[], dict[str, float]]) -> dict[str, dict[str, float]]:
    """The median of each over TURNS rounds."""
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in candidates}
    for _ in range(TURNS):
        for name, candidate in candidates.items():
            rounds[name].append(candidate())
    medians = {}
    for name, results in rounds.items():
        seconds = statistics.median(result["seconds"] for result in results)
        peaks = {key: max(result[key] for result in results) for key in results[0] if key.endswith("_mb")}
        pictures = results[0]["pictures"]
        medians[name] = {"seconds": round(seconds, 3), "pictures_per_s": round(pictures / seconds), **peaks}
        print(name, medians[name], flush=True)
    return medians


def noise_pngs(count: int) -> Iterator[bytes]:
    """Grey pictures of 16 x 16, every one another."""
    rng = np.random.default_rng(0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0))
    for _ in range(count):
        rows = b"".join(b"\0" + row.tobytes() for row in rng.integers(0, 256, (16, 16), np.uint8))
        yield start + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def growth(folder: Path, counts: list[int]) -> dict[str, dict[str, float]]:
    results = {}
    for count in counts:
        archive = folder / f"{count}.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            for number, content in enumerate(noise_pngs(count)):
                opened.writestr(f"{number % 10}/{number:07}.png", content)
        result = apart(preparation, {"source": "image_folder", "path": str(archive)}, 2, cores=2)
        results[f"{count}"] = {**result, "seconds": round(result["seconds"], 1)}
        print(count, results[f"{count}"], flush=True)
        archive.unlink()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, default=record.ROOT.parent / "shared/data")
    parser.add_argument("--million", action="store_true", help="also a million pictures: some minutes, 2 GB of disk")
    arguments = parser.parse_args()
    archive, mnist = arguments.data / "cifar10-jpg/train.zip", arguments.data / "mnist"
    jpegs, idx = {"source": "image_folder", "path": str(archive)}, {"source": "idx", "path": str(mnist)}
    cifar = in_turns(
        plain_loop_one_core=lambda: apart(plain_loop, archive, cores=1),
        plain_loops_two_cores=lambda: apart(two_plain_loops, archive, cores=2),
        prepare_one_core=lambda: apart(preparation, jpegs, 1, cores=1),
        prepare_two_cores=lambda: apart(preparation, jpegs, 2, cores=2),
    )
    digits = in_turns(
        reading_the_bytes=lambda: apart(read_bytes, mnist, cores=1),
        prepare_one_core=lambda: apart(preparation, idx, 1, cores=1),
        prepare_two_cores=lambda: apart(preparation, idx, 2, cores=2),
    )
    plain = cifar["plain_loop_one_core"]["pictures_per_s"]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        sizes = growth(Path(folder), [10_000, 100_000, *([1_000_000] if arguments.million else [])])
    figures = {
        "cifar10_jpeg_zip": cifar,
        "over_plain_loop": {
            "one_core": round(cifar["prepare_one_core"]["pictures_per_s"] / plain, 2),
            "two_cores": round(cifar["prepare_two_cores"]["pictures_per_s"] / plain, 2),
            "two_plain_loops_on_two_cores": round(cifar["plain_loops_two_cores"]["pictures_per_s"] / plain, 2),
        },
        "mnist_idx_gz": digits,
        "over_reading_the_bytes": {
            name: round(digits[f"prepare_{name}"]["seconds"] / digits["reading_the_bytes"]["seconds"], 2)
            for name in ("one_core", "two_cores")
        },
        "growth_two_cores": sizes,
        "turns": TURNS,
    }
    record.write("prepare", figures, ("pillow", "simplejpeg", "numpy", "pandas", "pyarrow"))


if __name__ == "__main__":
    main()
