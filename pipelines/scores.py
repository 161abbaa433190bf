"""Generators scored alike: each by the same latents, classes, reference pictures, extractor and settings; and once.

A score is kept by (generator, source, what it was scored by), so that asking again costs nothing.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from ganlib import evaluation, files, sampling
from ganlib.bundle import DESCRIPTION
from ganlib.device import choose
from ganlib.errors import UserError
from ganlib.feature_cache import FeatureCache
from ganlib.metrics import Counts
from ganlib.networks import Generator
from ganlib.prepared import STORED_AS, PreparedData, Split, open_prepared
from ganlib.settings import EvaluateSettings, Settings, plain
from ganlib.shapes import Images, Labels, Latents

from . import lineage, packaging, paths, stage
from .generators import Drawer, Named, open_drawer

if TYPE_CHECKING:
    from torch import nn

Report = dict[str, Any]
"""As reports/evaluation.json."""

ARITHMETIC = (
    "evaluation", "looking", "moments", "neighbours", "balls", "distances", "pixel_distance", "uncertainty",
    "sampling", "latents", "randomness", "images", "datasets/gaussians",
)  # fmt: skip
"""Files of ganlib that, beside its metrics and features, decide a score: an edit of one scores anew."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all are scored by."""

    data: PreparedData
    judge: evaluation.Judge
    """Without players: a discriminator has an opinion of its own generator only, and each generator takes its turn."""
    settings: EvaluateSettings
    samples: int
    """Pictures of each generator and seed."""

    @property
    def device(self) -> torch.device:
        """Where generators draw and networks look."""
        return self.judge.device

    @property
    def words(self) -> dict[str, Any]:
        """All that a score depends on beside generator and seed."""
        left_out = evaluation.NOT_OF_THE_PROTOCOL - {"leave_out"}
        known = self.judge.classifier
        return {
            "data": self.data.digest,
            "extractor": [self.judge.extractor.name, self.judge.extractor.digest, self.judge.extractor.preprocessing],
            "classifier": None if known is None else known.digest,
            "samples": self.samples,
            "settings": {name: value for name, value in plain(self.settings).items() if name not in left_out},
            "code": _code(),
            "torch_fidelity": version("torch-fidelity"),
        }


def open_bench(settings: Settings, *, samples: int | None = None, device: torch.device | None = None) -> Bench:
    """By params.yaml's `evaluate`, against data/prepared; UserError where something is missing or cannot work."""
    chosen = settings.evaluate
    on = choose(settings.device) if device is None else device
    data = open_prepared(paths.PREPARED)
    count = settings.sample.n if samples is None else samples
    evaluation.check(chosen, Counts(count, len(data.train), len(data.heldout)))
    return Bench(data, evaluation.open_judge(data, chosen, paths.CLASSIFIER, on), chosen, count)


class Lent(Generator):
    """A generator that runs its own source, as one of this project's networks."""

    def __init__(self, generator: "nn.Module") -> None:
        super().__init__()
        self.generator = generator

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """As the generator itself."""
        made: Images = self.generator(latents, labels)
        return made


def score(bench: Bench, named: Named, *, seed: int) -> Report:
    """What `evaluate` finds in `bench.samples` pictures of this seed; from the kept scores where it is known.

    UserError where the generator makes something else than the data hold.
    """
    check(bench, named)
    words = {"content": named.content, "drawn_by": drawn_by(named), "seed": seed, **bench.words}
    kept = paths.main_folder() / paths.STATE / "scores" / f"{lineage.digest_of(words)}.json"
    if kept.is_file():
        report: Report = json.loads(kept.read_text(encoding="utf-8"))
        return report
    drawer = open_drawer(named, bench.device)
    judge = dataclasses.replace(bench.judge, generator=Lent(drawer.generator), description=named.description)
    with drawn(bench, drawer, seed=seed) as samples:
        evidence = evaluation.gather(
            samples, bench.data, judge, batch_size=bench.settings.batch_size, cache=FeatureCache(paths.features())
        )
        protocol = evaluation.protocol(evidence, bench.data, bench.judge.extractor, bench.settings, sample_seed=seed)
        report = {"protocol": protocol, **evaluation.measure(evidence, bench.settings)}
    files.write_text(kept, json.dumps(report, allow_nan=False) + "\n")
    return report


def drawn_by(named: Named) -> dict[str, str]:
    """sha256 of all that, beside the weights, decides which pictures a generator draws: description and source.

    The same for a version as for the folder that was registered, as long as the project's source stays as it was.
    """
    if named.digests:
        return {path: named.digests[path] for path in named.digests if path == DESCRIPTION or path.startswith("code/")}
    source = packaging.code_digests(named.description.network)
    return {DESCRIPTION: files.sha256_of(named.folder / DESCRIPTION)} | {
        path: digest for path, digest in source.items() if path.startswith("code/")
    }


def check(bench: Bench, named: Named) -> None:
    """UserError where the generator cannot be compared with the prepared data."""
    check_fits(bench.data, named)


def check_fits(data: PreparedData, named: Named) -> None:
    """UserError where the generator makes something else than the prepared data hold."""
    known = named.description
    if (known.image_shape, known.kind) != (data.image_shape, data.kind):
        raise UserError(
            f"{named.name} makes {known.kind} of shape {known.image_shape}, and data/prepared holds {data.kind} of "
            f"shape {data.image_shape}; prepare the data that it was trained on, or name another generator."
        )
    if known.classes and known.classes != data.classes:
        raise UserError(
            f"{named.name} knows the classes {shown(known.classes)}, and data/prepared has {shown(data.classes)}; "
            f"prepare the data that it was trained on, or name another generator."
        )


def shown(classes: tuple[str, ...]) -> str:
    """The first of them."""
    return ", ".join(classes[:10]) + (", ..." if len(classes) > 10 else "") if classes else "none"


def labels_for(bench: Bench, named: Named, seed: int, indices: Sequence[int]) -> Labels | None:
    """The class of each index, by the training pictures' shares: the same for all; none where it knows no classes."""
    if not named.description.classes:
        return None
    shares = np.bincount(bench.data.train.labels[bench.data.train.labels >= 0], minlength=len(bench.data.classes))
    return sampling.sample_labels(seed, indices, tuple(int(share) for share in shares))


@contextmanager
def drawn(bench: Bench, drawer: Drawer, *, seed: int) -> Iterator[Split]:
    """The pictures of a seed on disk, memory-mapped, for as long as the block lasts."""
    count, known = bench.samples, drawer.named.description
    labels = labels_for(bench, drawer.named, seed, range(count))
    place = paths.main_folder() / paths.STATE / "samples"
    files.remove_leftovers(place)
    with files.scratch_folder(place) as folder:
        pixels = np.lib.format.open_memmap(
            folder / "images.npy", mode="w+", dtype=STORED_AS[known.kind], shape=(count, *known.image_shape)
        )
        first = 0
        with tqdm(total=count, desc=f"{drawer.named.name}, seed {seed}", unit="img", **stage.bar_manners()) as bar:
            for batch in drawer.pictures(drawer.noise(seed, range(count)), labels):
                pixels[first : first + len(batch)] = batch.numpy()
                first += len(batch)
                bar.update(len(batch))
        yield Split(pixels, np.full(count, -1) if labels is None else labels.numpy())


def _code() -> str:
    """Digest of the arithmetic behind a score."""
    root = Path(evaluation.__file__).parent
    sources = [
        *(root / f"{name}.py" for name in ARITHMETIC),
        *sorted(root.glob("metrics/*.py")),
        *sorted(root.glob("features/*.py")),
    ]
    return lineage.digest_of({str(path.relative_to(root)): files.sha256_of(path) for path in sources})
