"""What would be refused late is refused early."""

import os

import numpy as np
import pytest
import torch

from ganlib.errors import UserError
from ganlib.prepared import PreparedData, Split
from ganlib.settings import Settings, parse
from pipelines import preflight


def data(side: int = 8, *, heldout: int = 300, classes: tuple[str, ...] = ("a", "b")) -> PreparedData:
    def split(count: int) -> Split:
        labels = np.arange(count, dtype=np.int64) % 2 if classes else np.full(count, -1, dtype=np.int64)
        return Split(np.zeros((count, 1, side, side), dtype=np.uint8), labels)

    return PreparedData(split(400), split(heldout), classes, "digest")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"loss": {"name": "hinj"}}, r"loss\.name is 'hinj'; choose one of"),
        ({"network": {"name": "dcgan", "widht": 3}}, r"network\.widht is not a parameter of dcgan; did you mean width"),
        ({"penalty": {"name": "r1", "gamma": "x"}}, r"penalty\.gamma is 'x'"),
        ({"data": {"resolution": 17}}, r"data\.resolution gives 17x17 pixels"),
        ({"data": {"resolution": [16, 17]}}, r"data\.resolution gives 16x17 pixels"),
        ({"evaluate": {"extractor": "inceptoin"}}, r"evaluate\.extractor is 'inceptoin'; choose one of"),
    ],
)
def test_before_pictures_are_prepared(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        preflight.before_preparing(parse(values, where="p"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"evaluate": {"kid_subset_size": 301}}, r"evaluate\.kid_subset_size is 301"),
        ({"sample": {"n": 5}}, r"sample\.n|5 generated"),
        ({"evaluate": {"weights": "nowhere.safetensors"}}, r"nowhere\.safetensors is no file; set evaluate\.weights"),
    ],
)
def test_before_a_training_is_paid_for(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        preflight.before_training(parse(values, where="p"), data())


def test_pictures_without_classes_need_another_extractor() -> None:
    with pytest.raises(UserError, match="the data has no classes; set it to inception"):
        preflight.before_training(parse({}, where="p"), data(classes=()))


def points(dimensions: int = 2) -> PreparedData:
    random = np.random.default_rng(0)

    def split(count: int) -> Split:
        coordinates = random.normal(size=(count, dimensions, 1, 1)).astype(np.float32)
        return Split(coordinates, np.arange(count, dtype=np.int64) % 2)

    return PreparedData(split(400), split(300), ("a", "b"), "digest")


POINTS = {"data": {"source": "gaussians"}, "network": {"name": "mlp"}, "evaluate": {"extractor": "coordinates"}}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"network": {"name": "dcgan"}}, r"^network\.name is dcgan, which does not make points.* set it to mlp\.$"),
        ({"evaluate": {"extractor": "classifier"}}, r"^evaluate\.extractor is classifier, .* set it to coordinates\.$"),
        ({"evaluate": {"extractor": "inception"}}, r"^evaluate\.extractor is inception, .* set it to coordinates\.$"),
    ],
)
def test_points_need_networks_and_extractors_for_points(values: dict[str, object], sentence: str) -> None:
    settings = parse({**POINTS, **values}, where="p")
    with pytest.raises(UserError, match=sentence):
        preflight.before_preparing(settings)
    with pytest.raises(UserError, match=sentence):
        preflight.before_training(settings, points())


def test_settings_of_pictures_are_named_where_there_are_points() -> None:
    data = {"source": "gaussians", "resolution": 16, "channels": 1, "mirror": True}
    sentence = (
        r"data\.resolution is 16 and data\.channels is 1 and data\.mirror is True but data\.source gaussians "
        r"gives points, .* set data\.resolution to null, data\.channels to auto, data\.mirror to False\."
    )
    with pytest.raises(UserError, match=sentence):
        preflight.before_preparing(parse({**POINTS, "data": data}, where="p"))


def test_pictures_need_no_coordinates() -> None:
    with pytest.raises(
        UserError,
        match=r"^evaluate\.extractor is coordinates, .* to classifier, clip, dinov2, inception, random or vgg16\.$",
    ):
        preflight.before_preparing(parse({"evaluate": {"extractor": "coordinates"}}, where="p"))


@pytest.mark.parametrize("channels", [2, 4])
def test_inception_and_transparency_are_told_apart_before_a_training(channels: int) -> None:
    transparent = PreparedData(
        Split(np.zeros((400, channels, 8, 8), dtype=np.uint8), np.arange(400, dtype=np.int64) % 2),
        Split(np.zeros((300, channels, 8, 8), dtype=np.uint8), np.arange(300, dtype=np.int64) % 2),
        ("a", "b"),
        "digest",
    )
    with pytest.raises(UserError, match=rf"got {channels} channels; set data\.channels to 1 or 3 and data\.alpha to a"):
        preflight.before_training(parse({"evaluate": {"extractor": "inception"}}, where="p"), transparent)
    preflight.before_training(parse({}, where="p"), transparent)


PACKED = {"packing": 2, "conditional": False}
BATCHY = {"name": "dcgan", "discriminator_norm": "batch"}
CONTRADICTIONS = {
    "packs do not fill a batch": (
        {"train": {"batch_size": 32, "packing": 3, "conditional": False}},
        r"train\.batch_size is 32, which train\.packing \(3\) does not divide; set it to 33\.",
    ),
    "packs do not fill a process's share": (
        {"train": {**PACKED, "batch_size": 30, "processes": 2}},
        r"train\.batch_size is 30, which train\.packing \(2\) times train\.processes \(2\) does not divide; "
        r"set it to 32\.",
    ),
    "processes have no equal share": (
        {"train": {"batch_size": 3, "processes": 2}},
        r"train\.batch_size is 3, which train\.processes \(2\) does not divide; set it to 4\.",
    ),
    "a batch smaller than a pack": (
        {"train": {**PACKED, "batch_size": 1}},
        r"train\.batch_size is 1, which train\.packing \(2\) does not divide; set it to 2\.",
    ),
    "packs with labels": (
        {"train": {"packing": 2, "conditional": True}},
        r"train\.packing is 2 but train\.conditional is true, .* set train\.conditional to false, or train\.packing to "
        r"1\.",
    ),
    "a penalty and batch statistics": (
        {"network": BATCHY},
        r"penalty\.name is r1_r2 but D has batch normalisation, .* set network\.discriminator_norm to none, or "
        r"penalty\.name to none\.",
    ),
    "another penalty and batch statistics": (
        {"network": BATCHY, "penalty": {"name": "wgan_gp"}},
        r"penalty\.name is wgan_gp but D has batch normalisation, .*",
    ),
    "the exact route between the two": (
        {"penalty": {"name": "wgan_gp"}, "train": {"penalty_route": "exact"}},
        r"train\.penalty_route is exact but penalty\.name is wgan_gp, which has no exact route; set "
        r"train\.penalty_route to auto\.",
    ),
    "the exact route to nowhere": (
        {"penalty": {"name": "none"}, "train": {"penalty_route": "exact"}},
        r"train\.penalty_route is exact but penalty\.name is none, .* set train\.penalty_route to auto\.",
    ),
    "the exact route through attention": (
        {"network": {"name": "resnet", "width": 4, "attention": 8}, "train": {"penalty_route": "exact"}},
        r"train\.penalty_route is exact but network\.name resnet has no exact route with these options: .* two "
        r"operands .*; set train\.penalty_route to auto\.",
    ),
    "an unknown augmentation": (
        {"augmentation": {"name": "adaa"}},
        r"augmentation\.name is 'adaa'; choose one of: ada, diffaugment, none\.",
    ),
    "another one's option": (
        {"augmentation": {"name": "diffaugment", "blit": 1}},
        r"augmentation\.blit is not a parameter of diffaugment; .*",
    ),
    "more than always": (
        {"augmentation": {"name": "ada", "p": 1.5}},
        r"augmentation\.p is 1\.5; a probability should be at most 1\.",
    ),
    "more than always in the end": (
        {"augmentation": {"name": "ada", "p": {"start": 0, "end": 1.5, "over_kimg": 1}}},
        r"augmentation\.p is \{.*\}; a probability should be at most 1\.",
    ),
    "signs that mean nothing": (
        {"augmentation": {"name": "ada", "target": 0.6}},
        r"augmentation\.target is 0\.6, .* loss\.name relativistic .* leave augmentation\.target empty .*, or set "
        r"loss\.name to non_saturating\.",
    ),
}
"""Of pictures, in params.yaml's words: what contradicts what, and the sentence."""


@pytest.mark.parametrize(("values", "sentence"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictory_settings_are_refused_by_name_before_anything_long(
    values: dict[str, object], sentence: str
) -> None:
    settings = parse({"data": {"resolution": 16}, **values}, where="p")
    state = torch.random.get_rng_state()
    for check in (lambda: preflight.before_preparing(settings), lambda: preflight.before_training(settings, data(16))):
        with pytest.raises(UserError, match=f"^{sentence}$") as refused:
            check()
        assert str(refused.value).count(". ") == 0, "one sentence"
    assert torch.equal(torch.random.get_rng_state(), state)


def test_packs_of_classes_are_refused_once_the_classes_are_known() -> None:
    sentence = (
        r"^train\.packing is 2 but the data has classes, .* set train\.conditional to false, or train\.packing to 1\.$"
    )
    settings = parse({"train": {"packing": 2}}, where="p")
    preflight.before_preparing(settings)
    with pytest.raises(UserError, match=sentence):
        preflight.before_training(settings, data())
    unlabelled = parse({"train": {"packing": 2}, "evaluate": {"extractor": "inception"}}, where="p")
    preflight.before_training(unlabelled, data(classes=()))


def test_labels_that_are_left_out_cannot_be_seen() -> None:
    values = {"data": {"source": "image_folder", "path": ".", "labels": "none"}, "train": {"conditional": True}}
    with pytest.raises(UserError, match=r"^train\.conditional is true but data\.labels is none, .*"):
        preflight.before_preparing(parse(values, where="p"))


def test_pictures_whose_size_is_known_late_are_checked_then() -> None:
    settings = parse({"network": BATCHY}, where="p")
    preflight.before_preparing(settings)
    with pytest.raises(UserError, match=r"^penalty\.name is r1_r2 but D has batch normalisation"):
        preflight.before_training(settings, data(16))
    with pytest.raises(UserError, match=r"^data\.resolution gives 9x9 pixels"):
        preflight.before_training(parse({}, where="p"), data(side=9))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"augmentation": {"name": "ada"}}, r"augmentation\.name is ada, which changes pictures, .* set it to none\."),
        (
            {"penalty": {"name": "wgan_gp"}, "train": {"penalty_route": "exact"}},
            r"train\.penalty_route is exact but penalty\.name is wgan_gp, .*",
        ),
        ({"train": {"packing": 2, "batch_size": 33}}, r"train\.batch_size is 33, .* set it to 32\."),
    ],
)
def test_points_contradict_settings_too(values: dict[str, object], sentence: str) -> None:
    settings = parse({**POINTS, **values}, where="p")
    for check in (lambda: preflight.before_preparing(settings), lambda: preflight.before_training(settings, points())):
        with pytest.raises(UserError, match=f"^{sentence}$"):
            check()


def in_processes(count: int, device: str = "auto") -> Settings:
    return parse({"device": device, "train": {"processes": count, "batch_size": 8 * count}}, where="p")


@pytest.mark.parametrize(
    ("device", "cores", "devices", "sentence"),
    [
        ("cpu", 4, 8, r"train\.processes is 9 but there are only 4 CPU cores here; set it to 4 or fewer\."),
        ("auto", 4, 8, r"train\.processes is 9 but there are only 8 CUDA devices here; set it to 8 or fewer\."),
        ("cuda", 4, 1, r"train\.processes is 9 but there are only 1 CUDA device here; set it to 1\."),
        ("auto", 4, 0, r"train\.processes is 9 but there are only 4 CPU cores here; set it to 4 or fewer\."),
        ("cuda:1", 99, 99, r"train\.processes is 9 but device is cuda:1, which is one .* or train\.processes to 1\."),
    ],
)
def test_every_process_needs_a_device_of_its_own(
    monkeypatch: pytest.MonkeyPatch, device: str, cores: int, devices: int, sentence: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    with pytest.raises(UserError, match=f"^{sentence}$"):
        preflight.before_preparing(in_processes(9, device))
    enough = cores if device == "cpu" else devices or cores
    if device != "cuda:1":
        assert preflight.processes(in_processes(enough, device)) == enough
    preflight.before_preparing(in_processes(1, device))


def test_started_by_torchrun_it_is_their_number_that_shares_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(
        UserError,
        match=r"^train\.batch_size is 32, which the number of started processes \(3\) does not divide; set it to 33\.$",
    ):
        preflight.before_training(parse({}, where="p"), data())


@pytest.mark.parametrize(
    ("values", "way_out"),
    [
        ({"train": {"batch_size": 33, "packing": 2, "conditional": False}}, {"train": {"batch_size": 32, **PACKED}}),
        ({"network": BATCHY}, {"network": BATCHY, "penalty": {"name": "none"}}),
        ({"network": BATCHY}, {"network": {"name": "dcgan", "discriminator_norm": "none"}}),
        (
            {"augmentation": {"name": "ada", "target": 0.6}},
            {"augmentation": {"name": "ada", "target": 0.6}, "loss": {"name": "non_saturating"}},
        ),
        (
            {"augmentation": {"name": "ada", "target": 0.6}, "loss": {"name": "wasserstein"}},
            {"augmentation": {"name": "ada", "target": None}, "loss": {"name": "wasserstein"}},
        ),
        (
            {"penalty": {"name": "none"}, "train": {"penalty_route": "exact"}},
            {"penalty": {"name": "none"}, "train": {"penalty_route": "auto"}},
        ),
    ],
)
def test_the_way_out_leads_out(values: dict[str, object], way_out: dict[str, object]) -> None:
    for wanted, refused in ((values, True), (way_out, False)):
        settings = parse({"data": {"resolution": 16}, **wanted}, where="p")
        if refused:
            with pytest.raises(UserError):
                preflight.before_preparing(settings)
        else:
            preflight.before_preparing(settings)


def test_good_settings_pass() -> None:
    preflight.before_preparing(parse({"data": {"resolution": 16, "channels": "auto"}}, where="p"))
    preflight.before_preparing(parse({"data": {"resolution": 16, "channels": 4}}, where="p"))
    preflight.before_preparing(parse(POINTS, where="p"))
    preflight.before_training(parse(POINTS, where="p"), points(dimensions=1))
    preflight.before_preparing(parse({"data": {"resolution": [16, 24]}}, where="p"))
    preflight.before_training(parse({}, where="p"), data())
    exact = {"train": {"penalty_route": "exact"}, "network": {"name": "resnet", "width": 4}}
    preflight.before_preparing(parse({**exact, "data": {"resolution": 16}}, where="p"))
    preflight.before_training(parse(exact, where="p"), data(16))
