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


def test_good_settings_pass() -> None:
    preflight.before_preparing(parse({"data": {"resolution": [16, 24]}}, where="p"))
    preflight.before_training(parse({}, where="p"), data())
