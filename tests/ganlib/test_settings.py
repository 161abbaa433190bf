"""Settings say what is wrong, where, and the way out; and they read back what they write."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib import settings
from ganlib.errors import UserError


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"los": {"name": "hinge"}}, "los is not a parameter; did you mean loss?"),
        ({"train": {"batch_sise": 3}}, "train.batch_sise is not a parameter; did you mean batch_size?"),
        ({"train": {"batch": 0}}, "train.batch is not a parameter; did you mean batch_size?"),
        ({"train": {"batch_size": 0}}, "train.batch_size is 0; it should be greater than 0."),
        (
            {"train": {"lr": "fast"}},
            "train.lr is 'fast'; give a number, or how it changes: {start: ..., end: ..., over_kimg: ..., shape: ...}.",
        ),
        ({"train": {"lr": float("nan")}}, "train.lr is nan; it should be a finite number."),
        ({"train": {"lr": 0}}, "train.lr is 0; it should be greater than 0."),
        ({"train": {"beta2": {"start": 0.9, "over_kimg": 20}}}, "train.beta2.end is missing; give it a value."),
        ({"train": {"beta2": 1.0}}, "train.beta2 is 1.0; it should be less than 1."),
        ({"train": {"batch_size": 6.5}}, "train.batch_size is 6.5; it should be a valid integer."),
        ({"train": {"batch_size": "64"}}, "train.batch_size is '64'; it should be a valid integer."),
        ({"data": {"channels": 7}}, "data.channels is 7; it should be 'auto', 1, 2, 3 or 4."),
        (
            {"data": {"resolution": [8, 0]}},
            "data.resolution is [8, 0]; give pixels (64), [height, width], or leave it empty.",
        ),
        ({"loss": {"nam": "hinge"}}, "loss.name is missing; give it a value."),
        ({"loss": "hinge"}, "loss is 'hinge'; it should be a section with a name, such as {name: ...}."),
        ({"device": "tpu"}, "device is 'tpu'; choose auto, cpu, cuda or cuda:N."),
        ({"latent": None}, "latent must be a section with these keys: dim, distribution."),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place_and_the_way_out(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        settings.parse(values, where="params.yaml")
    assert str(caught.value) == f"params.yaml: {sentence}"


def test_every_mistake_is_named_not_only_the_first() -> None:
    with pytest.raises(UserError) as caught:
        settings.parse({"train": {"lr": "fast", "batch_size": 0}}, where="p")
    assert "train.lr" in str(caught.value)
    assert "train.batch_size" in str(caught.value)


@given(
    kimg=st.floats(0.001, 1e6),
    resolution=st.one_of(st.none(), st.integers(1, 512), st.tuples(*[st.integers(1, 64)] * 2)),
)
def test_what_is_written_is_read_back(kimg: float, resolution: int | tuple[int, int] | None) -> None:
    values = {"train": {"kimg": kimg}, "data": {"resolution": resolution}, "penalty": {"name": "r1", "gamma": 2.5}}
    first = settings.parse(values, where="p")
    assert settings.parse(settings.plain(first), where="p") == first


def test_images_of_a_length_are_whole_and_at_least_one() -> None:
    assert settings.images_of(0.0001) == 1
    assert settings.images_of(2.0) == 2000
    assert settings.images_of(0.0125) == 13


def test_reading_settings_needs_no_torch() -> None:
    code = "import sys, ganlib.settings, pipelines.params; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
