"""Perceptual path lengths are torch-fidelity's, and of generators whose paths are known they are those."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from ganlib import images
from ganlib.bundle import Description
from ganlib.features import FeatureExtractor
from ganlib.features.classifier import Architecture, Classifier
from ganlib.features.coordinates import Coordinates
from ganlib.metrics import Absent, Behind, Evidence, Result, Seen, path_length
from ganlib.metrics.path_length import Maker, PathLength, in_float32, register_similarity, trimmed_mean
from ganlib.networks import Generator
from ganlib.prepared import PreparedData, Split
from ganlib.uncertainty import difference

CPU = torch.device("cpu")
NOBODY = Seen("nobody", torch.zeros(2, 1), torch.zeros(2, 0))
METRIC = PathLength(path_samples=80, path_epsilon=1e-4, path_similarity="extractor", seed=5)


class Linear(Generator):
    """Pictures of 8 x 8, or points, that are a linear map of the latents, and of the class where there is one."""

    def __init__(self, latent_dim: int, shape: tuple[int, int, int], classes: int = 0, *, scale: float = 0.01) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(1)
        self.shape = shape
        numbers = int(np.prod(shape))
        self.map = torch.nn.Parameter(scale * torch.randn(max(1, classes), latent_dim, numbers, generator=draws))
        self.makes = "points" if shape[1:] == (1, 1) else "pictures"

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        of_class = self.map[torch.zeros(len(latents), dtype=torch.int64) if labels is None else labels]
        return torch.einsum("bl,bln->bn", latents, of_class).view(len(latents), *self.shape)


class Plain(FeatureExtractor):
    """Pixels as features, of pictures in 256 steps alone or of floats as well."""

    def __init__(self, unrounded: tuple[float, float] | None) -> None:
        super().__init__(name="plain", digest="0" * 64, preprocessing="none")
        self.__dict__["unrounded"] = unrounded

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        assert pixels.is_floating_point() == (self.unrounded is not None)
        return pixels.float().flatten(1), torch.empty(len(pixels), 0)


def described(shape: tuple[int, int, int], *, dim: int = 6, classes: int = 0, uniform: bool = False) -> Description:
    names = tuple(str(number) for number in range(classes))
    kind = "points" if shape[1:] == (1, 1) else "pictures"
    distribution = "uniform" if uniform else "normal"
    return Description("", {}, shape, dim, distribution, names, 0, (1,) * classes, kind)  # type: ignore[arg-type]


def evidence_of(generator: Generator | None, extractor: FeatureExtractor, description: Description) -> Evidence:
    nothing = Split(np.zeros((0, 1, 8, 8), np.uint8), np.zeros(0, np.int64))
    data = PreparedData(nothing, nothing, (), "")
    return Evidence(NOBODY, NOBODY, NOBODY, Behind(nothing, data, extractor, CPU, generator, description))


def measured(
    extractor: FeatureExtractor, description: Description, metric: PathLength = METRIC, **options: float
) -> Result:
    generator = Linear(description.latent_dim, description.image_shape, len(description.classes), **options).eval()
    return metric.measure(evidence_of(generator, extractor, description))["path_length"]


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    network = Classifier(Architecture((1, 8, 8), 6, ("a", "b", "c")), digest="c" * 64).train()
    with torch.no_grad():  # batch normalisation learns what pictures are like
        network(torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8))
    return network.eval().requires_grad_(False)


@pytest.fixture
def percentiles_of_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch-fidelity asks numpy for percentiles by a word that numpy 2.4 no longer knows."""
    real = np.percentile

    def percentile(values: np.ndarray, q: float, *, interpolation: str = "", method: str = "linear") -> np.ndarray:
        return cast("np.ndarray", real(values, q, method=cast("Any", interpolation or method)))

    monkeypatch.setattr(np, "percentile", percentile)


@pytest.mark.usefixtures("percentiles_of_old")
@pytest.mark.parametrize("classes", [0, 3])
def test_the_length_is_torch_fidelitys(classifier: Classifier, classes: int) -> None:
    import torch_fidelity

    description = described((1, 8, 8), classes=classes)
    generator = Linear(6, (1, 8, 8), classes, scale=0.1).eval()
    name = register_similarity(classifier)
    maker = Maker(generator, lambda made: made.clamp(-1, 1), uniform=False)
    theirs = torch_fidelity.calculate_metrics(
        input1=torch_fidelity.GenerativeModelModuleWrapper(maker, 6, "normal", classes),
        input1_model_num_samples=80, input1_model_num_classes=classes, ppl=True, ppl_epsilon=1e-4,
        ppl_sample_similarity=name, ppl_sample_similarity_dtype="float32", ppl_z_interp_mode="slerp_any",
        batch_size=path_length.PAIRS_AT_ONCE, rng_seed=5, cuda=False, verbose=False,
    )  # fmt: skip
    ours = METRIC.measure(evidence_of(generator, classifier, description))["path_length"]
    assert ours["value"] == pytest.approx(theirs["perceptual_path_length_mean"], rel=1e-9, abs=1e-9)
    assert ours["value"] > 0


def test_of_a_linear_map_of_points_the_length_is_known() -> None:
    """Of uniform latents on a line: |A (b - a)|^2, whatever the epsilon, with E[(b_i - a_i)^2] = 2/3 on [-1, 1]."""
    description = described((2, 1, 1), uniform=True)
    generator = Linear(6, (2, 1, 1), scale=1.0)
    truth = 2 / 3 * float(generator.map.detach().square().sum())
    metric = dataclasses.replace(METRIC, path_samples=2000, path_epsilon=0.01)
    result = measured(Coordinates(), description, metric, scale=1.0)
    assert result["value"] == pytest.approx(truth, rel=0.12)
    assert result["low"] < result["value"] < result["high"]
    smaller = measured(Coordinates(), description, dataclasses.replace(metric, path_epsilon=0.001), scale=1.0)
    assert smaller["value"] == pytest.approx(result["value"], rel=1e-3)


def test_the_interval_holds_what_more_pairs_say() -> None:
    description = described((2, 1, 1))
    many = measured(Coordinates(), description, dataclasses.replace(METRIC, path_samples=4000), scale=1.0)
    held = 0
    for seed in range(20):
        result = measured(Coordinates(), description, dataclasses.replace(METRIC, seed=seed), scale=1.0)
        held += result["low"] <= many["value"] <= result["high"]
    assert held >= 16


def test_pairs_are_the_same_for_two_generators_so_their_difference_is_sure() -> None:
    description = described((2, 1, 1))
    one, other = (measured(Coordinates(), description, scale=scale) for scale in (1.0, 0.97))
    _, low, high = difference(one["value"], other["value"], one["replicates"], other["replicates"])
    assert 0 < low < high
    assert one["low"] < other["high"]


def test_an_extractor_that_takes_floats_sees_the_smallest_step() -> None:
    seen = measured(Plain((-1.0, 1.0)), described((1, 8, 8)))
    assert seen["epsilon"] == METRIC.path_epsilon
    brighter = measured(Plain((0.0, 255.0)), described((1, 8, 8)))
    assert brighter["value"] == pytest.approx(127.5**2 * seen["value"], rel=0.01)


def test_where_pictures_are_rounded_the_step_is_larger_and_the_length_about_the_same() -> None:
    exact = measured(Plain((0.0, 255.0)), described((1, 8, 8)), scale=0.1)
    rounded = measured(Plain(None), described((1, 8, 8)), scale=0.1)
    assert rounded["epsilon"] == path_length.ROUNDED_EPSILON
    assert rounded["value"] == pytest.approx(exact["value"], rel=0.1)
    wide = measured(Plain(None), described((1, 8, 8)), dataclasses.replace(METRIC, path_epsilon=0.3), scale=0.1)
    assert wide["epsilon"] == 0.3


def test_every_picture_is_rounded_as_in_files() -> None:
    made = torch.linspace(-1.5, 1.5, 64).view(1, 1, 8, 8)
    unrounded = path_length.between(made, 0.0, 255.0)
    assert torch.equal(unrounded.round().to(torch.uint8), images.to_pixels(made))


def test_a_generator_computes_in_float32_and_then_as_before() -> None:
    generator = Linear(6, (1, 8, 8))
    generator.bfloat16_stages = 3
    with in_float32(generator):
        assert generator.bfloat16_stages == 0
    assert generator.bfloat16_stages == 3


@pytest.mark.parametrize("missing", ["behind", "generator"])
def test_without_a_generator_there_is_no_path(missing: str) -> None:
    evidence = evidence_of(None, Coordinates(), described((2, 1, 1)))
    if missing == "behind":
        evidence = dataclasses.replace(evidence, behind=None)
    with pytest.raises(Absent, match="no generator"):
        METRIC.measure(evidence)


def test_a_length_that_is_no_number_is_absent() -> None:
    generator = Linear(6, (2, 1, 1))
    torch.nn.init.constant_(generator.map, float("nan"))
    with pytest.raises(Absent, match="not all finite"):
        METRIC.measure(evidence_of(generator, Coordinates(), described((2, 1, 1))))


def test_of_one_pair_nothing_is_known_but_its_length() -> None:
    result = measured(Coordinates(), described((2, 1, 1)), dataclasses.replace(METRIC, path_samples=1))
    assert (result["low"], result["high"], result["replicates"]) == (0, None, [])


def test_the_ends_of_the_distribution_do_not_count() -> None:
    lengths = np.arange(1000.0)
    lengths[-1] = 1e9
    assert trimmed_mean(lengths) == pytest.approx(np.arange(9, 991).mean(), abs=1)
    assert trimmed_mean(np.full(3, 2.0)) == 2


def with_lpips(description: Description) -> Result:
    return measured(Coordinates(), description, dataclasses.replace(METRIC, path_similarity="lpips-vgg16"), scale=0.1)


def test_without_a_network_lpips_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(Absent, match=r"could not be fetched.*no route to host"):
        with_lpips(described((1, 8, 8)))


def test_a_file_that_is_not_its_weights_is_never_unpickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.save({"weights": pytest.approx(1)}, tmp_path / "checkpoints" / "vgg16-397923af.pth")  # an object, not tensors
    with pytest.raises(Absent, match="does not hold the weights"):
        with_lpips(described((1, 8, 8)))


@pytest.mark.parametrize("shape", [(2, 1, 1), (4, 8, 8)])
def test_lpips_looks_at_grey_and_coloured_pictures_alone(shape: tuple[int, int, int]) -> None:
    with pytest.raises(Absent, match="looks at grey or RGB pictures"):
        with_lpips(described(shape))


@pytest.mark.parametrize("channels", [1, 3])
def test_lpips_gets_unrounded_pictures_of_three_channels(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity.sample_similarity_base import SampleSimilarityBase

    class Stand(SampleSimilarityBase):  # type: ignore[misc] # torch-fidelity has no types
        def __init__(self, name: str, **options: Any) -> None:
            super().__init__(name)
            assert options["sample_similarity_dtype"] == "float32"

        def forward(self, ones: Tensor, others: Tensor) -> Tensor:
            assert ones.shape[1:] == (3, 8, 8)
            assert ones.dtype == torch.float32
            assert 0 <= ones.min() < 100 < ones.max() <= 255
            return (ones - others).square().mean(dim=(1, 2, 3))

    monkeypatch.setattr("torch_fidelity.sample_similarity_lpips.SampleSimilarityLPIPS", Stand)
    monkeypatch.setattr(path_length, "fetch_lpips", lambda: None)
    assert with_lpips(described((channels, 8, 8)))["value"] > 0
