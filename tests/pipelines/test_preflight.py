"""What would be refused late is refused early."""

import numpy as np
import pytest

from ganlib.errors import UserError
from ganlib.prepared import PreparedData, Split
from ganlib.settings import parse
from pipelines import preflight


def data(heldout: int = 300, classes: tuple[str, ...] = ("a", "b")) -> PreparedData:
    def split(count: int) -> Split:
        labels = np.arange(count, dtype=np.int64) % 2 if classes else np.full(count, -1, dtype=np.int64)
        return Split(np.zeros((count, 1, 8, 8), dtype=np.uint8), labels)

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
        ({"evaluate": {"weights": "nowhere.safetensors"}}, r"evaluate\.weights is 'nowhere\.safetensors'"),
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
        UserError, match=r"^evaluate\.extractor is coordinates, .* set it to classifier or inception\.$"
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


def test_good_settings_pass() -> None:
    preflight.before_preparing(parse({"data": {"resolution": 16, "channels": "auto"}}, where="p"))
    preflight.before_preparing(parse({"data": {"resolution": 16, "channels": 4}}, where="p"))
    preflight.before_preparing(parse(POINTS, where="p"))
    preflight.before_training(parse(POINTS, where="p"), points(dimensions=1))
    preflight.before_preparing(parse({"data": {"resolution": [16, 24]}}, where="p"))
    preflight.before_training(parse({}, where="p"), data())
