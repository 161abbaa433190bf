"""What was made again beside what was registered: bytes, weights, environment, and how far their pictures differ."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from ganlib import evaluation, files, report
from ganlib.bundle import DESCRIPTION, GENERATOR
from ganlib.errors import UserError
from ganlib.settings import Settings

from .. import lineage, origin, packaging, scores
from ..generators import Named
from ..lineage import Lineage


def other_versions(facts: Mapping[str, str]) -> list[str]:
    """What is installed or built in here and is not what the run recorded."""
    here = {**lineage.versions(), "ganlib.cpu": lineage.machine("cpu")["ganlib.cpu"]}
    names = {name: name.removeprefix("ganlib.").removeprefix("version.") for name in here}
    return [
        f"{names[name]} {value} (then {facts[name]})" for name, value in here.items() if facts.get(name, value) != value
    ]


def device_here(recorded: str) -> tuple[str, list[str]]:
    """What `device` must be set to for the recorded one, and what is other here."""
    if not recorded.startswith("cuda"):
        return "cpu", []
    if torch.cuda.is_available():
        return "cuda", []
    return "cpu", [f"no CUDA device (then {recorded})"]


def other_lineage(then: Lineage, now: Lineage) -> list[str]:
    """The parts of the key that differ."""
    parts = {"settings": (then.settings, now.settings), "data": (then.data, now.data)}
    return [f"{name} of the training" for name, (old, new) in parts.items() if old != new]


def compare(named: Named, made: Path, settings: Settings, notes: list[str], say: Callable[[str], None]) -> bool:
    """Whether the bytes are the same; where not, says what is other: environment, weights, metrics."""
    content = files.sha256_of(made / GENERATOR)
    if content == named.content:
        say(f"reproduced: the same bytes (sha256 {content})")
        return True
    say(f"not the same bytes: sha256 {content}, and {named.name} has {named.content}")
    for line in [*notes, *weights(named, made), *distances(named, made, settings)]:
        say(f"  {line}")
    return False


def weights(named: Named, made: Path) -> list[str]:
    """The largest difference of one number, and where it is."""
    if named.digests.get(GENERATOR) == files.sha256_of(made / GENERATOR):
        return ["its files hold the bytes that were made: only the registry's tag says otherwise"]
    then, now = (load_file(folder / GENERATOR) for folder in (named.folder, made))
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in (then, now)]
    if shapes[0] != shapes[1]:
        return ["its networks have other tensors"]
    apart = {name: float((then[name].double() - now[name].double()).abs().max()) for name in then}
    most = max(apart, key=lambda name: apart[name])
    size = float(then[most].double().abs().max())
    return [f"weights: at most {apart[most]:.3g} apart, in {most} (its largest is {size:.3g})"]


def distances(named: Named, made: Path, settings: Settings) -> list[str]:
    """How both score, and their difference with its interval; or why nobody can say.

    Both are judged by the settings, data and extractor of this project, and draw by the version's own source.
    """
    wanted = lineage.read(named.folder).data
    if origin.prepared_digest(Path()) != wanted:
        return [f"no metrics: data/prepared here is not the data {wanted[:12]} that it was trained on"]
    try:
        bench = scores.open_bench(settings)
        reports = [scores.score(bench, each, seed=settings.sample.seed) for each in (twin_of(named, made), named)]
    except UserError as mistake:
        return [f"no metrics: {mistake}"]
    found = evaluation.differences(*reports)
    lines = []
    for name in ("fid", "kid", "precision", "recall"):
        if name in found:
            new, old = (next(row.value for row in report.rows({name: each[name]})) for each in reports)
            apart = report.Number(found[name].value, found[name].low, found[name].high)
            lines.append(f"{name}: {new} where it has {old}; difference {apart}")
    return lines


def twin_of(named: Named, made: Path) -> Named:
    """The new weights with the version's own source."""
    folder = made.parent / "twin"
    shutil.copytree(named.folder, folder, dirs_exist_ok=True)
    for name in (GENERATOR, DESCRIPTION):
        shutil.copyfile(made / name, folder / name)
    return replace(
        named,
        name="the new one",
        folder=folder,
        content=files.sha256_of(folder / GENERATOR),
        digests=packaging.digests_in(folder),
        registration=None,
    )
