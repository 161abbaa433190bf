"""How fast pictures are judged: `python benchmarks/evaluate_speed.py`, on a GPU where there is one.

So many generated pictures against as many real ones, through each extractor: torch_fidelity.calculate_metrics, and ours
with nothing known and with what an earlier evaluation left of the real ones; each in a process of its own, in turns,
on the same arrays and the same random weights. Ours gives intervals and a floor (at a tenth of the pictures) besides.
Imports and the reading of weights are not counted. Writes benchmarks/results/evaluate_speed-<device>.json.
"""

import argparse
import dataclasses
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import record
import torch
import torch_fidelity
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity import feature_extractor_inceptionv3 as inceptionv3
from torch_fidelity.feature_extractor_clip import CLIPVisual
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY
from train_speed import device_name

from ganlib import components, evaluation
from ganlib.feature_cache import FeatureCache
from ganlib.features import FeatureExtractor, open_extractor, registered_name
from ganlib.features._vgg import empty_network
from ganlib.features._vision_transformer import VisionTransformer
from ganlib.features.classifier import Architecture, Classifier, save_classifier
from ganlib.features.dinov2 import network_of
from ganlib.looking import Known
from ganlib.metrics import Evidence
from ganlib.moments import Moments, frechet_distance
from ganlib.prepared import Split
from ganlib.settings import EvaluateSettings

THEIRS, COLD, CACHED = "torch-fidelity", "ours, cold", "ours, reference cached"
WAYS = (THEIRS, COLD, CACHED)
EARLIER = "earlier"
"""Of some other pictures against the same real ones: what it leaves is what CACHED finds."""
SHAPE = (3, 32, 32)
MEASURED = {"fid": "fid", "inception_score": "isc", "kid": "kid", "precision_recall": "prc"}
"""Files of ganlib/metrics, and what torch-fidelity calls them."""
SETTINGS = EvaluateSettings(kid_subset_size=20)


@dataclasses.dataclass(frozen=True)
class Case:
    extractor: str
    variant: str | None
    theirs: str
    """torch-fidelity's name for the network."""
    layer: str
    counts: dict[str, int]
    """Pictures of each kind where --count says nothing: few enough for ten minutes in all on two CPU cores."""
    metrics: tuple[str, ...] = ("fid", "kid", "precision_recall")


CASES = {
    # Their network is ours, as there is none of theirs: what differs is all around it.
    "classifier": Case("classifier", None, "", "features", {"cpu": 10_000, "cuda": 10_000}, tuple(MEASURED)),
    "inception": Case("inception", None, "inception-v3-compat", "2048", {"cpu": 128, "cuda": 10_000}, tuple(MEASURED)),
    # Of 4096 features their FID takes minutes, and nobody measures it in them.
    "vgg16": Case("vgg16", None, "vgg16", "fc2_relu", {"cpu": 32, "cuda": 10_000}, ("kid", "precision_recall")),
    "random": Case("random", None, "vgg16", "fc2_relu", {"cpu": 32, "cuda": 10_000}, ("kid", "precision_recall")),
    # Within torch-fidelity's preprocessing stands our network, run as the code is that it would fetch.
    "dinov2": Case("dinov2", "vit-s-14", "dinov2-vit-s-14", "dinov2", {"cpu": 64, "cuda": 10_000}),
    "clip": Case("clip", "vit-b-32", "clip-vit-b-32", "clip", {"cpu": 64, "cuda": 10_000}),
}


class Pictures(Dataset):  # type: ignore[type-arg]
    """As torch-fidelity wants them."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> Tensor:
        return torch.from_numpy(self.pixels[i])


def pictures(count: int, seed: int) -> np.ndarray:
    """Coloured squares of several sizes, one over the other; the kinds differ in how bright they are."""
    random = np.random.default_rng(seed)
    layers = [np.kron(random.random((count, 3, side, side)), np.ones((32 // side, 32 // side))) for side in (2, 8, 32)]
    return (sum(layers) * (70 + 5 * seed)).astype(np.uint8)


def drawn(network: nn.Module) -> dict[str, Tensor]:
    """Weights with which nothing dies out on its way: the speed is that of the true ones."""
    random = torch.Generator().manual_seed(0)
    tensors = {}
    for name, empty in network.state_dict().items():
        if empty.ndim > 1:
            scale = math.sqrt(2 / empty[0].numel())
            tensors[name] = torch.randn(empty.shape, generator=random) * scale
        else:
            unit = name.endswith(("weight", "running_var", "gamma"))
            tensors[name] = torch.ones(empty.shape) if unit else torch.zeros(empty.shape)
    return tensors


def write_weights(case: Case, folder: Path) -> None:
    """`weights.pth` for both sides; the classifier as the pipeline leaves it."""
    if case.extractor == "classifier":
        torch.manual_seed(0)
        save_classifier(folder, Classifier(Architecture(SHAPE, 32, tuple("0123456789"))), data_digest="")
        return
    torch.save(drawn(_empty(case)), folder / "weights.pth")


def _empty(case: Case) -> nn.Module:
    if case.extractor == "inception":
        made = inceptionv3.FeatureExtractorInceptionV3
        with patch.object(inceptionv3, "load_state_dict_from_url"), patch.object(made, "load_state_dict"):
            return made(case.theirs, ["2048"])
    if case.extractor == "clip":
        visual = CLIPVisual(512, 224, 12, 768, 32)
        visual.text_projection = nn.Parameter(torch.zeros(1, 512))
        return visual
    return network_of(case.variant) if case.extractor == "dinov2" else empty_network()


class AsPublished(VisionTransformer):
    """DINOv2 as its authors' code runs it: all tokens go through the last block and the last normalisation."""

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embed(images)
        for block in self.blocks:
            tokens = block(tokens)
        features: Tensor = self.norm(tokens)[:, 0]
        return features


def their_extractor(case: Case, folder: Path) -> type:
    """A class, as torch-fidelity wants it, whose one instance is ready."""
    original = FEATURE_EXTRACTORS_REGISTRY[case.theirs]
    layers = [case.layer, "logits_unbiased"] if case.extractor == "inception" else [case.layer]
    path: str | None = str(folder / "weights.pth")
    tensors = torch.load(folder / "weights.pth", weights_only=True)
    network = network_of(case.variant) if case.extractor == "dinov2" else None
    if network is not None:
        network.load_state_dict(tensors, assign=True)
        network.fit_places(224)
        network.__class__ = AsPublished
        path = None
    archive = SimpleNamespace(state_dict=lambda: tensors)
    with patch("torch.hub.load", lambda *_: network), patch("torch.jit.load", lambda *_, **__: archive):
        ready = original(case.theirs, layers, feature_extractor_weights_path=path)

    class Ready(original):  # type: ignore[misc]
        def __new__(cls, *_: Any, **__: Any) -> Any:
            return ready  # an instance of the original, so that nothing is made anew

    return Ready


def our_extractor(case: Case, folder: Path, on: torch.device) -> FeatureExtractor:
    weights, digest = None, None
    if case.extractor not in ("classifier", "random"):
        weights = str(folder / "weights.pth")
        digest = sha256((folder / "weights.pth").read_bytes()).hexdigest()
    return open_extractor(
        case.extractor, "pictures", variant=case.variant, weights=weights, weights_sha256=digest, trained=folder,
        device=on,
    )  # fmt: skip


def their_turn(
    case: Case, folder: Path, generated: np.ndarray, real: np.ndarray, on: torch.device
) -> Callable[[], Any]:
    if case.extractor == "classifier":
        name = registered_name(our_extractor(case, folder, on))
    else:
        name = "ready"
        FEATURE_EXTRACTORS_REGISTRY[name] = their_extractor(case, folder)

    def turn(first: int | None = None) -> Any:
        return torch_fidelity.calculate_metrics(
            input1=Pictures(generated[:first]), input2=Pictures(real[:first]), feature_extractor=name,
            **{MEASURED[metric]: True for metric in case.metrics}, cuda=on.type == "cuda", cache=False, verbose=False,
            kid_subsets=SETTINGS.kid_subsets, kid_subset_size=SETTINGS.kid_subset_size,
        )  # fmt: skip

    return turn


def our_turn(
    case: Case, folder: Path, generated: np.ndarray, real: np.ndarray, on: torch.device, *, cached: bool
) -> Callable[[], Any]:
    extractor = our_extractor(case, folder, on)
    judge = evaluation.Judge(extractor, None, conditional=False, device=on)
    leave_out = tuple(name for name in components.names("metrics") if name not in case.metrics)
    settings = dataclasses.replace(SETTINGS, leave_out=leave_out)
    known = Known(FeatureCache(folder / "cache"), "real") if cached else None

    def look(pixels: np.ndarray, known: Known | None = None) -> Any:
        split = Split(pixels, np.full(len(pixels), -1))
        return evaluation.look(split, judge, name="pictures", batch_size=settings.batch_size, known=known)

    def turn(first: int | None = None) -> Any:
        kind = None if first else known
        seen, reference = look(generated[:first]), look(real[:first], kind)
        heldout = reference.spread(max(SETTINGS.kid_subset_size, len(reference) // 10))
        return evaluation.measure(Evidence(seen, reference, heldout), settings)

    return turn


def worker(case: Case, way: str, count: int, folder: Path, on: torch.device) -> None:
    """Says how many seconds one evaluation took, in a process that has imported and warmed up everything."""
    generated, real = pictures(count, 1), pictures(count, 2)
    if way == EARLIER:
        our_turn(case, folder, generated[: SETTINGS.kid_subset_size], real, on, cached=True)()
        return
    if way == THEIRS:
        turn = their_turn(case, folder, generated, real, on)
    else:
        turn = our_turn(case, folder, generated, real, on, cached=way == CACHED)
    turn(SETTINGS.kid_subset_size)
    began = time.perf_counter()
    results = turn()
    if on.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    found = {"precision": results["precision"]["value"] if way != THEIRS else float(results["precision"])}
    print(json.dumps({"seconds": seconds, **found}), flush=True)


def measure(name: str, count: int, on: torch.device, repeats: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    precisions = {}
    with tempfile.TemporaryDirectory() as folder:
        write_weights(CASES[name], Path(folder))

        def said_by(way: str) -> str:
            command = [sys.executable, __file__, "--worker", name, way, folder, "--count", str(count)]
            command += ["--device", str(on)]
            return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

        said_by(EARLIER)
        for _ in range(repeats):
            for way in WAYS:
                answer = json.loads(said_by(way).splitlines()[-1])
                seconds[way].append(answer["seconds"])
                precisions[way] = round(answer["precision"], 4)
    medians = {way: statistics.median(each) for way, each in seconds.items()}
    table = {
        "count": count,
        "seconds": {way: round(value, 3) for way, value in medians.items()},
        "times_as_fast": {way: round(medians[THEIRS] / medians[way], 2) for way in (COLD, CACHED)},
        "precision": precisions,  # the same everywhere but for `random`, whose weights are its own
    }
    print(f"{name:<11} {json.dumps(table)}", flush=True)
    return table


def matrices(features: int, count: int, repeats: int) -> dict[str, Any]:
    """Seconds of FID's matrix part: from features in memory to a distance, the reference's moments being known."""
    random = torch.Generator().manual_seed(0)
    one, other = (torch.randn(count, features, generator=random) * (1 + 0.1 * i) for i in range(2))
    real, known = Moments.of(other), fid_features_to_statistics(other)
    frechet_distance(Moments.of(one), real)
    ours, theirs = [], []
    for _ in range(repeats):
        began = time.perf_counter()
        moments = Moments.of(one)
        between = time.perf_counter()
        value = frechet_distance(moments, real)
        done = time.perf_counter()
        ours.append((between - began, done - between))
        began = time.perf_counter()
        statistics_of_one = fid_features_to_statistics(one)
        between = time.perf_counter()
        expected = fid_statistics_to_metric(statistics_of_one, known, False)["frechet_inception_distance"]
        theirs.append((between - began, time.perf_counter() - between))
    table = {
        "features": features,
        "count": count,
        "relative_difference": abs(value - expected) / abs(expected),
        **{
            way: {"moments": round(min(a for a, _ in turns), 3), "distance": round(min(b for _, b in turns), 3)}
            for way, turns in (("ours", ours), (THEIRS, theirs))
        },
    }
    print(f"matrices    {json.dumps(table)}", flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--count", type=int, help="pictures of each kind, for every case")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--features", type=int, default=2048, help="of FID's matrix part alone")
    parser.add_argument("--worker", nargs=3, metavar=("CASE", "WAY", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    on = torch.device(chosen.device)
    if chosen.worker:
        name, way, folder = chosen.worker
        worker(CASES[name], way, chosen.count, Path(folder), on)
        return
    cases = {
        name: measure(name, chosen.count or CASES[name].counts[on.type], on, chosen.repeats) for name in chosen.cases
    }
    alone = matrices(chosen.features, 10_000 if chosen.count is None else chosen.count, 3)
    figures = {"cases": cases, "fid_matrices": alone, "repeats": chosen.repeats, "picture": SHAPE}
    where = {"device": device_name(on), "threads": torch.get_num_threads()}
    record.write(f"evaluate_speed-{on.type}", figures, ("torch", "torch-fidelity", "numpy"), **where)


if __name__ == "__main__":
    main()
