"""A small classifier trained on the prepared pictures: it knows what digits are, which Inception does not."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from tqdm import tqdm

from .. import files, images, uncompiled
from ..components import component
from ..errors import UserError
from ..prepared import PreparedData, Split
from ..randomness import Purpose, stream
from ..settings import ClassifierSettings
from ..shapes import Images, Labels, Pixels
from . import ClassLogits, ExtractorLoader, FeatureExtractor, Features, checked_weights
from ._pictures import in_pieces
from ._stacked import digits_of, is_stacked, single_digits, triples

DESCRIPTION = "classifier.json"
WEIGHTS = "classifier.safetensors"
PREPROCESSING = "none: pictures at their own size and channels, scaled to [-1, 1]"
ON_CPU = 1 << 15
"""Pixels in one forward pass that sees features: what more of them leave behind is asked for anew at each layer."""
EVALUATION_ROWS = 256
"""Pictures in one forward pass when accuracies are counted."""


@dataclass(frozen=True)
class Architecture:
    """All that is needed, beside the weights, to build the network."""

    image_shape: tuple[int, int, int]
    """(channels, height, width) of the pictures it learned from."""
    width: int
    """Half the number of features."""
    classes: tuple[str, ...]

    @property
    def stacked(self) -> bool:
        """Whether one network of 10 digits looks at each channel alone: 1000 triples leave too few examples of each."""
        return is_stacked(self.classes, self.image_shape[0])


class Classifier(FeatureExtractor):
    """3x3 convolutions, halving while the shorter side has 8 pixels or more, then the mean over places.

    The features are those means, 2 * width of them: 64 by default, few enough that the covariance of some hundred
    held-out pictures has full rank. Of stacked digits they are those of the three channels in turn, and a class's logit
    is the sum of its digits' log-probabilities: as PacGAN names modes (Lin et al. 2018).
    """

    unrounded = (-1.0, 1.0)

    def __init__(self, architecture: Architecture, *, digest: str = "") -> None:
        super().__init__(name="classifier", digest=digest, preprocessing=PREPROCESSING)
        channels, height, width = architecture.image_shape
        channels, classes = (1, 10) if architecture.stacked else (channels, len(architecture.classes))
        wide = max(1, architecture.width // 2)
        features = 2 * architecture.width
        layers: list[nn.Module] = _convolution(channels, wide)
        side = min(height, width)
        while side >= 8:
            narrow, wide, side = wide, min(2 * wide, features), side // 2
            layers += _convolution(narrow, wide, stride=2)
        layers += _convolution(wide, features)
        self.architecture = architecture
        self.to_features = nn.Sequential(*layers)
        self.to_logits = nn.Linear(features, classes)

    def forward(self, pixels: Pixels | Images) -> tuple[Features, ClassLogits]:
        """See `FeatureExtractor.forward`. Any size of picture will do; the channels must be those it learned."""
        known, given = self.architecture.image_shape[0], pixels.shape[1]
        if given != known:
            raise UserError(
                f"the classifier knows pictures of {known} channels and got {given}; set data.channels to {known} "
                f"or train another: dvc repro classifier."
            )
        return in_pieces(self._look, pixels, on_cpu=max(1, ON_CPU // pixels.shape[2:].numel()))

    def _look(self, pixels: Pixels | Images) -> tuple[Features, ClassLogits]:
        if not self.architecture.stacked:
            return self.see(pixels)
        features, logits = self.see(pixels.flatten(0, 1).unsqueeze(1))
        return features.reshape(len(pixels), -1), triples(logits)

    def see(self, pixels: Pixels | Images) -> tuple[Features, ClassLogits]:
        """What the network that is trained sees: of stacked digits single ones, in one channel."""
        unit = pixels if pixels.is_floating_point() else images.to_unit_range(pixels)
        # A plain mean: adaptive pooling adds up in no fixed order when it is differentiated on a GPU.
        features: Features = self.to_features(unit).mean(dim=(2, 3))
        return features, self.to_logits(features)


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def why_untrainable(data: PreparedData) -> str | None:
    """The reason why no classifier can be trained on the data; None where one can."""
    if data.kind != "pictures":
        return f"the data are {data.kind}"
    if not data.classes:
        return "the data has no classes"
    if len(np.unique(_labelled(data.train).labels)) < 2:
        return "the training pictures are all of one class"
    return None


def train(data: PreparedData, settings: ClassifierSettings, *, device: torch.device) -> Classifier:
    """A classifier of the training pictures, on `device`; the same again on the same machine.

    AdamW under a rising and falling learning rate, with pictures shifted by up to a twelfth of their side and
    never flipped: a mirrored digit is another sign or none. Of stacked digits an epoch has as many single digits as
    there are pictures, at random.
    """
    split = _labelled(data.train)
    pictures = len(split)
    split = single_digits(split) if is_stacked(data.classes, data.image_shape[0]) else split
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(settings.seed, Purpose.CLASSIFIER).integers(2**63)))
        network = Classifier(Architecture(data.image_shape, settings.width, data.classes))
    network.to(device).train()
    per_epoch = max(1, pictures // settings.batch_size)
    steps = settings.epochs * per_epoch
    uncompiled.lighten_optimisers()
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.lr, weight_decay=0.01)
    with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False):
        batches = _batches(split, settings, pictures)
        for done, (pixels, labels) in enumerate(tqdm(batches, "classifier", steps, unit="batch", disable=None)):
            optimiser.param_groups[0]["lr"] = settings.lr * rate_share(done, steps)
            _, logits = network.see(pixels.to(device))
            loss = F.cross_entropy(logits, labels.to(device))
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            uncompiled.step(optimiser)
    return network.eval().requires_grad_(False)


def rate_share(step: int, steps: int) -> float:
    """Share of the learning rate at a step: up in a straight line over the first fifth, then down a half cosine."""
    rising = max(1, steps // 5)
    if step < rising:
        return (step + 1) / rising
    return (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2


def _batches(split: Split, settings: ClassifierSettings, per_epoch: int) -> Iterator[tuple[Pixels, Labels]]:
    """Every epoch in an order of its own; what does not fill a batch waits for the next epoch."""
    furthest = min(split.pixels.shape[2:]) // 12
    size = min(settings.batch_size, per_epoch)
    for epoch in range(settings.epochs):
        random = stream(settings.seed, Purpose.CLASSIFIER, epoch + 1)
        order = random.permutation(len(split))
        for first in range(0, per_epoch - size + 1, size):
            rows = np.sort(order[first : first + size])  # sorted: memory-mapped reads go forward
            down, right = (int(shift) for shift in random.integers(-furthest, furthest + 1, size=2))
            pixels = torch.from_numpy(np.array(split.pixels[rows]))
            yield _shifted(pixels, down, right), torch.from_numpy(split.labels[rows])


def _shifted(pixels: Pixels, down: int, right: int) -> Pixels:
    """The pictures moved by whole pixels; the edge that comes into view repeats the old one."""
    height, width = pixels.shape[2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return pixels[:, :, rows][:, :, :, columns]


def accuracy(network: Classifier, split: Split) -> float | None:
    """Share of the labelled pictures that the network names rightly; None where none has a label."""
    return accuracies(network, split)["accuracy"]


def accuracies(network: Classifier, split: Split) -> dict[str, float | None]:
    """`accuracy` over whole pictures and, of stacked digits, `digit_accuracy` over the single ones.

    Held-out triples of digits are new, but not their digits: those of the training triples are among them.
    """
    labelled = _labelled(split)
    device = next(network.parameters()).device
    named = [np.empty(0, np.int64)]
    for first in range(0, len(labelled), EVALUATION_ROWS):
        _, logits = network(torch.from_numpy(np.array(labelled.pixels[first : first + EVALUATION_ROWS])).to(device))
        named.append(logits.argmax(dim=1).cpu().numpy())
    found, truth = np.concatenate(named), labelled.labels
    shares = {"accuracy": found == truth}
    if network.architecture.stacked:
        shares["digit_accuracy"] = digits_of(found) == digits_of(truth)
    return {name: float(right.mean()) if len(truth) else None for name, right in shares.items()}


def _labelled(split: Split) -> Split:
    known = split.labels >= 0
    return split if known.all() else Split(split.pixels[known], split.labels[known])


def save_classifier(folder: Path, network: Classifier, *, data_digest: str) -> None:
    """Writes weights and description into an existing folder, byte for byte the same each time."""
    weights = save({key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()})
    values = {**asdict(network.architecture), "data": data_digest, "sha256": sha256(weights).hexdigest()}
    files.write_bytes(folder / WEIGHTS, weights)
    files.write_text(folder / DESCRIPTION, json.dumps(values, indent=2) + "\n")


def save_absence(folder: Path, reason: str) -> None:
    """Writes into an existing folder that there is no classifier, and why."""
    files.write_text(folder / DESCRIPTION, json.dumps({"absent": reason}, indent=2) + "\n")


@component
class ClassifierLoader(ExtractorLoader):
    """The pipeline's own classifier, or the one whose `.safetensors` `weights` names, its `.json` beside it."""

    weights: str | None = None
    weights_sha256: str | None = None

    def load(self, trained: Path) -> FeatureExtractor:
        """See `ExtractorLoader.load`."""
        path = trained / WEIGHTS if self.weights is None else Path(self.weights)
        architecture = _read_architecture(path.with_suffix(".json"))
        content, digest = checked_weights(path, self.weights_sha256)
        network = Classifier(architecture, digest=digest)
        try:
            tensors: dict[str, Tensor] = load(content)
            network.load_state_dict(tensors)
        except (SafetensorError, RuntimeError):
            raise UserError(
                f"{path} does not hold the weights that {path.with_suffix('.json').name} describes; "
                f"train it again: dvc repro -f classifier."
            ) from None
        return network


def _read_architecture(path: Path) -> Architecture:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; train the classifier first: dvc repro classifier.") from None
    if "absent" in values:
        raise UserError(
            f"evaluate.extractor is classifier but there is none, because {values['absent']} (so says {path}); "
            f"set evaluate.extractor to inception or random."
        )
    channels, height, width = values["image_shape"]
    return Architecture((channels, height, width), values["width"], tuple(values["classes"]))
