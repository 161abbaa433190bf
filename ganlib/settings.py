"""Every number a user may turn, validated; `params.yaml` has the same keys. Needs no torch."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from .components import component, explain, keys_within
from .errors import UserError
from .schedules import Kimg, Schedulable, Schedule, largest

Positive = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


def _resolution(value: Any) -> Any:
    sides = value if isinstance(value, list | tuple) and len(value) == 2 else [value]
    if value is not None and not all(type(side) is int and side > 0 for side in sides):
        raise PydanticCustomError("resolution", "give pixels (64), [height, width], or leave it empty")
    return tuple(value) if isinstance(value, list) else value


Resolution = Annotated[Positive | tuple[Positive, Positive] | None, BeforeValidator(_resolution)]
"""Side, or (height, width), in pixels."""


@component
class Choice:
    """A component by name, with the options that its own file declares and checks."""

    name: Annotated[str, Field(min_length=1)]
    options: dict[str, Any] = field(default_factory=dict)


def _apart(value: Any) -> Any:
    """`{name: r1, gamma: 1}`, as people write it, with the name apart from the options."""
    if isinstance(value, Choice):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("choice", "it should be a section with a name, such as {name: ...}")
    options = {key: option for key, option in value.items() if key != "name"}
    return {**({"name": value["name"]} if "name" in value else {}), "options": options}


def _together(choice: Choice) -> dict[str, Any]:
    return {"name": choice.name, **choice.options}


Chosen = Annotated[Choice, BeforeValidator(_apart), PlainSerializer(_together)]


Channels = Literal["auto", 1, 2, 3, 4]


def _alpha(value: str) -> str:
    if re.fullmatch(r"keep|black|white|grey|#[0-9a-fA-F]{6}", value) is None:
        raise PydanticCustomError("alpha", "choose keep, white, black, grey or a colour such as '#80ff00'")
    return value


@component
class DataSettings:
    """Where pictures come from and what is made of them."""

    source: str = "digits"
    """A file of ganlib/datasets."""
    path: str | None = None
    """The directory or archive of the sources that read one."""
    watch: str = ".dvcignore"
    """A path whose change makes DVC prepare again; the default one never changes. Read by dvc.yaml alone."""
    download: bool = False
    """Whether a source that can fetch its files may do so."""
    variant: str | None = None
    """Which of its family's data sets `idx` or `cifar` reads, or which size `stacked_mnist` has; none: the first."""
    labels: str | None = None
    """folders, none, or a .json, .csv or .parquet file; none: `dataset.json` where there is one, else folders."""
    image_column: str | None = None
    """Column of a table with the pictures, or with their files' names."""
    label_column: str | None = None
    """Column of a table with the class."""
    layout: str | None = None
    """Of `gaussians`."""
    count: Positive | None = None
    """Pictures or points that `stacked_mnist` or `gaussians` draws."""
    resolution: Resolution = None
    """Side, or [height, width], in pixels; none: all pictures must have one size, which they keep."""
    fit: Literal["center_crop", "pad", "stretch", "none"] = "center_crop"
    """How a picture of another shape gets the resolution's; none: it is refused."""
    channels: Channels = "auto"
    """1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; auto: the fewest in which no picture loses anything."""
    alpha: Annotated[str, AfterValidator(_alpha)] = "white"
    """keep, or the colour that lies behind transparent pictures and around padded ones."""
    mirror: bool = False
    """Whether each picture is there a second time, left and right exchanged."""
    min_side: Positive = 8
    """Pixels; a picture with a shorter side is too small."""
    on_bad: Literal["error", "skip"] = "error"
    """What a file that cannot be used does: end the preparation, or be left out and counted."""
    min_images: Positive = 2
    """With fewer pictures left than this there is no data set."""
    near_duplicates: Literal["keep", "drop"] = "keep"
    """Whether pictures that look like an earlier one stay; they are reported either way."""
    heldout_share: Share = 0.2
    """Share of the pictures kept from training, for honest evaluation."""
    seed: Seed = 0
    """Which pictures those are; for sources that draw, what they draw."""


@component
class LatentSettings:
    """The noise that the generator turns into pictures."""

    dim: Positive = 64
    distribution: Literal["normal", "uniform"] = "normal"
    """normal: N(0, 1); uniform: on [-1, 1]."""


def _above_zero(value: Schedulable) -> Schedulable:
    ends = (value.start, value.end) if isinstance(value, Schedule) else (value,)
    if min(ends) <= 0:
        raise PydanticCustomError("above_zero", "it should be greater than 0")
    return value


def _above_zero_at_last(value: Schedulable) -> Schedulable:
    if (value.end if isinstance(value, Schedule) else value) <= 0:
        raise PydanticCustomError("above_zero", "it should be greater than 0")
    return value


def _below_one(value: Schedulable) -> Schedulable:
    if largest(value) >= 1:
        raise PydanticCustomError("below_one", "it should be less than 1")
    return value


@component
class TrainSettings:
    """The game: how long, how fast, and what is kept of it. Lengths count real images shown to D."""

    seed: Seed = 0
    kimg: Kimg = 120.0
    """Length of the training, in thousands of real images."""
    batch_size: Positive = 32
    """Real images of a step, over all processes."""
    discriminator_steps: Positive = 1
    """k of Algorithm 1 (Goodfellow et al. 2014): discriminator steps before each generator step."""
    lr: Annotated[Schedulable, AfterValidator(_above_zero)] = 1e-3
    """Adam's learning rate, of both players."""
    beta1: Momentum = 0.0
    beta2: Annotated[Schedulable, AfterValidator(_below_one)] = 0.99
    conditional: bool | None = None
    """Whether both players see the class; none means: where the data has classes."""
    packing: Positive = 1
    """Images that D judges at once, one on top of another (PacGAN, Lin et al. 2018)."""
    device_cache_gb: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 4.0
    """Pixels of at most so many GB (1e9 bytes) stay on a CUDA device; more are read from disk as they are needed."""
    ema_half_life_kimg: Annotated[Schedulable, AfterValidator(_above_zero_at_last)] = 10.0
    """Half-life of the averaged generator's memory (Karras et al. 2018); it is the one that gets sampled."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16: in the stages of highest resolution (Huang et al. 2024); auto: where CUDA computes in it natively."""
    tf32: bool = True
    """Whether CUDA may round the factors of float32 products to 10 bits, which is several times as fast."""
    deterministic: bool = False
    """Whether CUDA must give the same bits each time, at some cost in speed. A CPU always does."""
    penalty_route: Literal["auto", "exact", "autograd"] = "auto"
    """How the penalty's gradient is found: exact: without double backward; auto: so wherever the network allows it."""
    capture: bool = True
    """Whether whole steps are recorded once and replayed on CUDA."""
    processes: Positive = 1
    """Processes that share each batch, one for each device. Changes results by rounding alone."""
    log_every_kimg: Kimg = 2.0
    grid_every_kimg: Kimg = 20.0
    checkpoint_every_kimg: Kimg = 20.0
    evaluate_every_kimg: Kimg | None = None
    """Interval after which the averaged generator is scored, and the best one kept; none: the last one is kept."""
    evaluate_by: Literal["fid", "precision", "recall"] = "fid"
    """Which score decides, of generated pictures against the held-out ones."""
    evaluate_through: str = "random"
    """A file of ganlib/features that needs no stage before the training."""
    evaluate_samples: Annotated[int, Field(gt=3)] = 1000
    """Pictures of each generator that are looked at."""
    on_non_finite: Literal["rollback", "stop"] = "rollback"
    """rollback: once, to the last good checkpoint, with half the learning rate; stop: end with an error."""


@component
class ClassifierSettings:
    """The small classifier through which the default metrics look."""

    epochs: Positive = 12
    width: Positive = 32
    batch_size: Positive = 64
    lr: Rate = 5e-3
    seed: Seed = 0


@component
class SampleSettings:
    """What is drawn from the trained generator."""

    n: Positive = 2000
    seed: Seed = 0
    batch_size: Positive = 256
    grid_columns: Positive = 10
    interpolation_steps: Annotated[int, Field(ge=2)] = 10


@component
class EvaluateSettings:
    """How the samples are judged; every field is part of the protocol."""

    extractor: str = "classifier"
    """A file of ganlib/features."""
    variant: str | None = None
    """Which of its family's networks `dinov2` or `clip` looks through; none: the first."""
    weights: str | None = None
    """File of the extractor's weights; none: its own (downloaded once where it has to be)."""
    weights_sha256: str | None = None
    """What the file must hash to; none: what the extractor's authors published."""
    batch_size: Positive = 256
    leave_out: tuple[str, ...] = ()
    """Files of ganlib/metrics that are not computed."""
    isc_splits: Positive = 10
    kid_subsets: Positive = 50
    kid_subset_size: Positive = 200
    neighbours: Positive = 3
    """k of the k-nearest-neighbour balls in precision and recall (Kynkäänniemi et al. 2019)."""
    density_neighbours: Positive = 5
    """k of those in density and coverage (Naeem et al. 2020)."""
    infinity_points: Annotated[int, Field(ge=2)] = 15
    """Sample sizes through which FID is extrapolated to endlessly many (Chong & Forsyth 2020)."""
    copy_quantile: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    """Share of held-out pictures that count as close to a training picture: closer than that is taken for a copy."""
    copy_shift: Annotated[int, Field(ge=0)] = 1
    """Pixels by which a copy may be moved and still be found in pixels."""
    copy_cells: Positive = 10
    """Regions of feature space of the C_T statistic (Meehan et al. 2020)."""
    path_samples: Positive = 1000
    """Pairs of latents of the perceptual path length (Karras et al. 2019)."""
    path_epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-4
    path_similarity: Literal["extractor", "lpips-vgg16"] = "extractor"
    """What its distances are measured by; lpips-vgg16 is the published one, and fetches its weights."""
    seed: Seed = 0


@component
class PublishSettings:
    """Where the result is shown and under which name the generator is registered."""

    experiment: Annotated[str, Field(min_length=1)] = "ganlib"
    model: Annotated[str, Field(min_length=1, pattern=r"^[^/:]+$")] = "ganlib-digits"
    alias: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")] = "challenger"


Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


@component
class PromoteSettings:
    """What a generator must show to take the champion's place; `ganlib promote` alone reads it."""

    metric: Literal["fid", "fid_infinity", "kid", "class_fid", "precision", "recall", "density", "coverage"] = "fid"
    """The number that must be provably better."""
    blocks: Annotated[int, Field(ge=2, le=30)] = 5
    """Sets of latents; both generators are scored by each, and the differences are what is judged."""
    samples: Positive = 2000
    """Pictures in each."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1000
    """Of the first block; the others follow it."""
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Of every one-sided bound: a generator that is no better is promoted at most 1 - level of the time."""
    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """By how much it must be better, in the metric's own unit."""
    max_copies: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of its pictures that may be copies of training pictures."""
    worse_kid: Tolerance = 0.01
    """By how much each of these may be worse than the champion's; none: it is not looked at."""
    worse_recall: Tolerance = 0.05
    worse_accuracy: Tolerance = 0.02
    worse_class: Tolerance = 0.1
    """Of the accuracy in the class that is named rightly least often."""
    first_fid: Rate = 10.0
    """Where there is no champion: its FID may be so many times what as many held-out pictures score."""
    first_recall: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.25
    """Where there is no champion: the share of held-out pictures' recall that it must have."""


def _device(value: str) -> str:
    if re.fullmatch(r"auto|cpu|cuda(:\d+)?", value) is None:
        raise PydanticCustomError("device", "choose auto, cpu, cuda or cuda:N")
    return value


@component
class Settings:
    """All of params.yaml."""

    device: Annotated[str, AfterValidator(_device)] = "auto"
    """Where train, sample and evaluate compute. Not part of any result's identity: changing it reruns nothing."""
    workers: Positive | None = None
    """Processes that decode pictures; none: one for each core. Not part of any result's identity either."""
    data: DataSettings = field(default_factory=DataSettings)
    network: Chosen = field(default_factory=lambda: Choice(name="dcgan", options={"width": 32}))
    loss: Chosen = field(default_factory=lambda: Choice(name="relativistic"))
    penalty: Chosen = field(default_factory=lambda: Choice(name="r1_r2", options={"gamma": 0.05}))
    augmentation: Chosen = field(default_factory=lambda: Choice(name="none"))
    latent: LatentSettings = field(default_factory=LatentSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    sample: SampleSettings = field(default_factory=SampleSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    publish: PublishSettings = field(default_factory=PublishSettings)
    promote: PromoteSettings = field(default_factory=PromoteSettings)


def parse(values: Mapping[str, Any], *, where: str) -> Settings:
    """Settings from nested plain values; UserError holds one sentence for each thing wrong, led by `where`."""
    # As JSON, because pydantic's strict mode takes mappings for dataclasses and lists for tuples only there.
    text = json.dumps(values, default=str)
    try:
        return TypeAdapter(Settings).validate_json(text)
    except ValidationError as error:
        raise UserError(" ".join(f"{where}: {sentence}" for sentence in explain(error, known_keys))) from None


def plain(settings: Any) -> dict[str, Any]:
    """Settings, or one section of them, as nested plain values: what `parse` would read back."""
    values: dict[str, Any] = TypeAdapter(type(settings)).dump_python(settings, mode="json")
    return values


def known_keys(path: tuple[str, ...]) -> list[str]:
    """The parameters that the section at `path` has; () is the whole of params.yaml."""
    return keys_within(Settings, path)


def images_of(kimg: float) -> int:
    """A length in thousands of images as a whole number of images, at least one."""
    return max(1, math.floor(kimg * 1000 + 0.5))
