"""Perceptual path length (Karras et al. 2019, section 4.1): how far pictures move when their latents hardly do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from .. import images
from ..bundle import Description
from ..components import component
from ..features import SHORT, FeatureExtractor
from ..looking import full_float32
from ..networks import Generator
from ..shapes import Images, Labels, Latents
from ..uncertainty import Estimate, groups_of, jackknife
from . import Absent, Behind, Counts, Evidence, Metric, Result, told

PAIRS_AT_ONCE = 32
"""Part of every result, in its last digits: a small epsilon brings out how kernels round at another shape."""
ROUNDED_EPSILON = 0.1
"""Step where pictures are rounded to 256 steps: at a much smaller one they differ by their rounding alone."""
DISCARDED = 1
"""Percentage of distances that are left out at either end, as the paper's authors do it."""
NOISE = {"normal": "normal", "uniform": "uniform_0_1"}
"""torch-fidelity's words for the distributions of latents; ours are uniform on [-1, 1]."""
WAY = {"normal": "slerp_any", "uniform": "lerp"}
"""Its words for the ways from one latent to another: along the sphere, along the line."""
LPIPS = "lpips-vgg16"
LPIPS_SIDE = 64
"""Pixels that pictures are brought to before LPIPS looks at them: torch-fidelity's choice."""
LPIPS_WEIGHTS = (
    "https://download.pytorch.org/models/vgg16-397923af.pth",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-vgg16-lpips.pth",
)


@component
class PathLength(Metric):
    """d(G(a), G(b)) / epsilon^2, where b is the share epsilon of the way from latent a to another, the class the same.

    d is LPIPS, the published one, or the squared distance of the extractor's features, in float64. Random pairs all
    along the way, as torch-fidelity takes them, and their mean without the ends of the distribution. Pictures are not
    rounded on their way to an extractor that takes floats; of any other they are, and epsilon is 0.1 at least.
    Generators compute in float32 throughout: in fewer bits no such step can be seen.
    """

    results: ClassVar[tuple[str, ...]] = ("path_length",)
    path_samples: Annotated[int, Field(gt=0)]
    path_epsilon: Annotated[float, Field(gt=0)]
    path_similarity: Literal["extractor", "lpips-vgg16"]
    seed: int
    """Draws the latents."""

    def obstacles(self, counts: Counts) -> list[str]:  # noqa: ARG002 - no pictures are needed
        """None: only the generator is looked at."""
        return []

    def measure(self, evidence: Evidence) -> dict[str, Result]:
        """`path_length`: value with its interval, and the `epsilon` that was taken. Real pictures have none."""
        behind = evidence.behind
        if behind is None or behind.generator is None or behind.description is None:
            raise Absent("no generator is at hand, whose paths these would be")
        view = view_of(behind, behind.description, self.path_similarity)
        epsilon = max(self.path_epsilon, ROUNDED_EPSILON) if view.rounds else self.path_epsilon
        lengths = self._lengths(behind.generator, behind.description, view, epsilon)
        if not np.isfinite(lengths).all():
            raise Absent("the lengths of the generator's paths are not all finite numbers")
        value = trimmed_mean(lengths)
        number = np.arange(len(lengths))
        groups = groups_of(len(lengths)) if len(lengths) > 1 else 0
        replicates = [trimmed_mean(lengths[number % groups != group]) for group in range(groups)]
        estimate = Estimate(value, lambda: jackknife(value, replicates, lowest=0.0), {"epsilon": epsilon})
        return {"path_length": told(estimate)}

    def _lengths(
        self, generator: Generator, description: Description, view: "View", epsilon: float
    ) -> Float[np.ndarray, " pairs"]:
        # Imported here: torch-fidelity brings torchvision, seconds that only an evaluation should pay.
        from torch_fidelity import GenerativeModelModuleWrapper
        from torch_fidelity.metric_ppl import KEY_METRIC_PPL_RAW, calculate_ppl

        distribution, classes = description.latent_distribution, len(description.classes)
        maker = Maker(generator, view.finish, uniform=distribution == "uniform")
        with in_float32(generator):
            found = calculate_ppl(
                1,
                input1=GenerativeModelModuleWrapper(maker, description.latent_dim, NOISE[distribution], classes),
                input1_model_num_samples=self.path_samples,
                input1_model_num_classes=classes,
                ppl_epsilon=epsilon,
                ppl_reduction="none",
                ppl_sample_similarity=view.similarity,
                ppl_sample_similarity_resize=LPIPS_SIDE,
                ppl_sample_similarity_dtype="float32",
                ppl_discard_percentile_lower=None,  # its own discarding asks numpy for what is gone from numpy 2.4
                ppl_discard_percentile_higher=None,
                ppl_z_interp_mode=WAY[distribution],
                batch_size=PAIRS_AT_ONCE,
                rng_seed=self.seed,
                cuda=False,  # the maker knows its device
                verbose=False,
            )
        lengths: Float[np.ndarray, " pairs"] = found[KEY_METRIC_PPL_RAW]
        return lengths


class View:
    """How pictures are made ready for a similarity of torch-fidelity's registry."""

    def __init__(self, similarity: str, finish: Callable[[Images], Tensor], *, rounds: bool = False) -> None:
        self.similarity = similarity
        self.finish = finish
        self.rounds = rounds


class Maker(nn.Module):
    """A generator in torch-fidelity's terms, on the device where it is."""

    def __init__(self, generator: Generator, finish: Callable[[Images], Tensor], *, uniform: bool) -> None:
        super().__init__()
        self.generator = generator
        self.finish = finish
        self.uniform = uniform

    def forward(self, latents: Latents, labels: Labels | None = None) -> Tensor:
        """What the similarity looks at. Uniform latents come on [0, 1]."""
        device = next(self.generator.parameters()).device
        latents = latents.to(device)
        if self.uniform:
            latents = 2 * latents - 1
        made: Images = self.generator(latents, None if labels is None else labels.to(device))
        return self.finish(made)


def view_of(behind: Behind, description: Description, similarity: str) -> View:
    """The similarity, registered with torch-fidelity, and how it wants its pictures. Absent where it cannot be had."""
    if similarity == LPIPS:
        if description.kind != "pictures" or description.image_shape[0] not in (1, 3):
            raise Absent(f"{LPIPS} looks at grey or RGB pictures and the generator makes none")
        fetch_lpips()
        return View(register_lpips(behind.device), lambda made: between(made, 0.0, 255.0).expand(-1, 3, -1, -1))
    name = register_similarity(behind.extractor)
    if description.kind == "points":
        return View(name, lambda made: made.float())
    if behind.extractor.unrounded is not None:
        darkest, brightest = behind.extractor.unrounded
        return View(name, lambda made: between(made, darkest, brightest))
    return View(name, images.to_pixels, rounds=True)


def between(made: Images, darkest: float, brightest: float) -> Images:
    """Pictures in [-1, 1] from `darkest` to `brightest`; values outside are clamped, as in files."""
    # Scaled about the middle: adding something to shift it first would round away the smallest steps.
    return made.float().clamp(-1, 1) * ((brightest - darkest) / 2) + (brightest + darkest) / 2


def register_similarity(extractor: FeatureExtractor) -> str:
    """Lets torch-fidelity compare pictures by the extractor's features; the similarity's name in its registry."""
    from torch_fidelity.sample_similarity_base import SampleSimilarityBase

    class Registered(SampleSimilarityBase):  # type: ignore[misc] # torch-fidelity has no types
        """The squared distance of features, in float64."""

        def __init__(self, name: str, **_: object) -> None:
            super().__init__(name)
            self.extractor = extractor

        def forward(self, ones: Tensor, others: Tensor) -> Tensor:
            gaps = self.extractor(ones)[0].double() - self.extractor(others)[0].double()
            squares: Tensor = gaps.square().sum(dim=1)
            return squares

    return _register(f"ganlib-{extractor.name}-{extractor.digest[:SHORT]}", Registered)


def register_lpips(device: torch.device) -> str:
    """torch-fidelity's own LPIPS, but on the device where the pictures are; its name in the registry."""
    from torch_fidelity import sample_similarity_lpips

    class OnDevice(sample_similarity_lpips.SampleSimilarityLPIPS):  # type: ignore[misc] # it has no types
        """Moves once its weights are there."""

        def __init__(self, name: str, **options: object) -> None:
            super().__init__(name, **options)
            self.to(device)

    return _register(f"ganlib-{LPIPS}", OnDevice)


def _register(name: str, similarity: type[nn.Module]) -> str:
    from torch_fidelity.registry import SAMPLE_SIMILARITY_REGISTRY, register_sample_similarity

    SAMPLE_SIMILARITY_REGISTRY.pop(name, None)  # the same weights, but on another device perhaps
    register_sample_similarity(name, similarity)
    return name


def fetch_lpips() -> None:
    """LPIPS's weights in torch's own download folder, where torch-fidelity looks for them.

    It unpickles whatever it finds there, so the files are read here as tensors and nothing else before it may.
    Absent where they cannot be fetched or hold anything else.
    """
    for url in LPIPS_WEIGHTS:
        path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                torch.hub.download_url_to_file(url, str(path), progress=False)
            torch.load(path, map_location="cpu", weights_only=True)
        except OSError as error:
            raise Absent(f"the weights of {LPIPS} could not be fetched from {url} ({error})") from None
        except Exception as error:  # whatever reading a foreign file may raise
            raise Absent(f"{path} does not hold the weights of {url}: {str(error).splitlines()[0]}") from None


@contextmanager
def in_float32(generator: Generator) -> Iterator[None]:
    """No stage of the generator computes in fewer bits, nor does a GPU shorten anything."""
    stages = generator.bfloat16_stages
    generator.bfloat16_stages = 0
    try:
        with full_float32():
            yield
    finally:
        generator.bfloat16_stages = stages


def trimmed_mean(lengths: Float[np.ndarray, " pairs"]) -> float:
    """The mean without what lies below the first percentile or above the last."""
    low = np.percentile(lengths, DISCARDED, method="lower")
    high = np.percentile(lengths, 100 - DISCARDED, method="higher")
    return float(lengths[(low <= lengths) & (lengths <= high)].mean())
