import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jaxtyping import Float

from ganlib import evaluation
from ganlib.errors import UserError
from ganlib.evaluation import Judge
from ganlib.features import ClassLogits, FeatureExtractor, Features
from ganlib.metrics import Counts, Evidence, Seen
from ganlib.networks import Discriminator
from ganlib.prepared import PreparedData, Split
from ganlib.report import numbers_of, table
from ganlib.settings import EvaluateSettings
from ganlib.shapes import Images, Labels, Logits, Pixels

SMALL = EvaluateSettings(
    isc_splits=2,
    kid_subsets=3,
    kid_subset_size=5,
    neighbours=2,
    density_neighbours=2,
    infinity_points=3,
    path_samples=8,
)


class Moments(FeatureExtractor):
    """Six simple features; notes how many pictures it was shown at once."""

    def __init__(self, digest: str = "a" * 64) -> None:
        super().__init__(name="moments", digest=digest, preprocessing="none")
        self.shown: list[int] = []

    def forward(self, pixels: Pixels) -> tuple[Features, ClassLogits]:
        self.shown.append(len(pixels))
        rows = pixels.float().flatten(1)
        features = torch.cat([rows[:, :5], rows.mean(dim=1, keepdim=True)], dim=1) / 255
        return features, 10 * features[:, :3]


class Brightness(Discriminator):
    """Finds bright pictures real, and those of higher classes more so."""

    def features(self, images: Images) -> Float[torch.Tensor, "batch one"]:
        return images.mean(dim=(1, 2, 3)).unsqueeze(1)

    def judge(self, features: Float[torch.Tensor, "batch one"], labels: Labels | None) -> Logits:
        logits = features.squeeze(1)
        return logits if labels is None else logits + labels


def split(n: int, seed: int, *, labels: int | None = None) -> Split:
    random = np.random.default_rng(seed)
    given_labels = np.arange(n) % 3 if labels is None else np.full(n, labels)
    return Split(random.integers(0, 256, (n, 1, 4, 4)).astype(np.uint8), given_labels.astype(np.int64))


def prepared() -> PreparedData:
    return PreparedData(split(20, 1), split(9, 2), ("a", "b", "c"), digest="d" * 64)


def judge(*, conditional: bool = False) -> Judge:
    return Judge(Moments(), Brightness(), conditional, torch.device("cpu"))


def gathered(batch_size: int = 7) -> Evidence:
    return evaluation.gather(split(14, 3), prepared(), judge(), batch_size=batch_size)


def leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of nested mappings by dotted name."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= leaves(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            found[prefix + name] = value
    return found


@hypothesis_settings(max_examples=5, deadline=None)
@given(batch_size=st.integers(1, 30))
def test_the_batch_size_changes_no_number(batch_size: int) -> None:
    def numbers(size: int) -> dict[str, float]:
        return leaves(numbers_of(evaluation.measure(gathered(size), SMALL)))

    assert numbers(batch_size) == pytest.approx(numbers(7), abs=1e-6)


@pytest.mark.parametrize("batch_size", [1, 6, 20, 1000])
def test_every_picture_is_looked_at_once_and_never_more_than_a_batch_at_a_time(batch_size: int) -> None:
    judging = judge()
    evidence = evaluation.gather(split(14, 3), prepared(), judging, batch_size=batch_size)
    shown = judging.extractor.shown
    assert isinstance(shown, list)
    assert sum(shown) == 14 + 20 + 9
    assert max(shown) <= batch_size
    assert evidence.counts == Counts(generated=14, train=20, heldout=9)


def test_a_conditional_discriminator_is_told_the_classes() -> None:
    pictures = split(12, 0)
    plain = evaluation.look(pictures, judge(), name="set", batch_size=5).realness
    told = evaluation.look(pictures, judge(conditional=True), name="set", batch_size=5).realness
    assert plain is not None
    assert told is not None
    assert torch.allclose(told - plain, torch.from_numpy(pictures.labels).float(), atol=1e-5)


def test_a_conditional_discriminator_without_classes_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"some of the generated pictures have none; set train\.conditional to false"):
        evaluation.look(split(4, 0, labels=-1), judge(conditional=True), name="the generated pictures", batch_size=4)


def test_every_setting_that_cannot_work_is_named_at_once() -> None:
    settings = dataclasses.replace(SMALL, isc_splits=50, kid_subset_size=300, neighbours=40, seed=2**32)
    with pytest.raises(UserError) as caught:
        evaluation.check(settings, Counts(generated=100, train=200, heldout=30))
    message = str(caught.value)
    for name in ("isc_splits", "kid_subset_size", "neighbours", "seed"):
        assert message.count(f"evaluate.{name} is") == 1
    assert "100 generated, 200 training and 30 held-out pictures; set it between 2 and 30." in message
    evaluation.check(SMALL, Counts(generated=100, train=200, heldout=30))


def test_a_metric_that_is_left_out_must_exist() -> None:
    settings = dataclasses.replace(SMALL, leave_out=("kid", "fidd"))
    with pytest.raises(UserError, match=r"^evaluate\.leave_out names 'fidd'; choose of: class_accuracy, .*\.$"):
        evaluation.check(settings, Counts(generated=100, train=200, heldout=30))


def words(**changes: object) -> dict[str, str | int]:
    """The protocol of one evaluation with something changed."""
    evidence, data, extractor, settings, sample_seed = gathered(), prepared(), Moments(), SMALL, 0
    for name, value in changes.items():
        if name == "extractor":
            extractor = Moments(str(value))
        elif name == "data":
            data = dataclasses.replace(data, digest=str(value))
        elif name == "generated":
            evidence = dataclasses.replace(evidence, generated=evidence.generated.first(int(str(value))))
        elif name == "sample_seed":
            sample_seed = int(str(value))
        else:
            settings = dataclasses.replace(settings, **{name: value})
    return evaluation.protocol(evidence, data, extractor, settings, sample_seed=sample_seed)


def test_two_protocols_never_share_a_name() -> None:
    changes: list[dict[str, object]] = [
        {}, {"extractor": "b" * 64}, {"data": "e" * 64}, {"generated": 12}, {"sample_seed": 1}, {"seed": 1},
        {"isc_splits": 3}, {"kid_subsets": 4}, {"kid_subset_size": 4}, {"neighbours": 3},
    ]  # fmt: skip
    names = {words(**change)["name"] for change in changes}
    assert len(names) == len(changes)


def test_what_changes_no_number_changes_no_protocol() -> None:
    assert words(batch_size=3) == words()


def test_a_protocols_name_tells_extractor_samples_and_reference() -> None:
    assert str(words()["name"]).startswith("moments-aaaaaaaa-n14-train-")


def report(evidence: Evidence) -> dict[str, Any]:
    protocol = evaluation.protocol(evidence, prepared(), Moments(), SMALL, sample_seed=0)
    return {"protocol": protocol, **evaluation.measure(evidence, SMALL)}


def test_the_table_has_a_line_for_every_result_under_its_protocol() -> None:
    lines = table(report(gathered())).splitlines()
    assert lines[0].startswith(str(words()["name"]))
    for start in ("fid", "isc", "kid", "precision", "recall", "discriminator train", "discriminator generated"):
        assert len([line for line in lines if line.startswith(f"{start}  ")]) == 1, start
    assert max(len(line) for line in lines[1:-4]) <= 130


def test_the_table_says_what_is_absent() -> None:
    evidence = gathered()
    broken = dataclasses.replace(evidence.generated, features=evidence.generated.features * math.nan)
    text = table(report(dataclasses.replace(evidence, generated=broken)))
    assert ", because the features of the generated pictures are not all finite numbers." in text
    assert "nan" not in text.lower().replace("are not", "")


def test_spread_pictures_come_from_the_whole_set() -> None:
    numbered = Seen("set", torch.arange(10.0)[:, None], torch.zeros(10, 1), None)
    assert numbered.spread(5).features.flatten().tolist() == [0, 2, 4, 6, 8]
    assert numbered.spread(10).features.flatten().tolist() == list(range(10))
    assert numbered.first(3).features.flatten().tolist() == [0, 1, 2]


def test_samples_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dvc repro sample"):
        evaluation.open_samples(tmp_path, prepared())
    np.save(tmp_path / "images.npy", np.zeros((5, 1, 4, 4), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros(5, np.int64))
    assert len(evaluation.open_samples(tmp_path, prepared())) == 5
    np.save(tmp_path / "images.npy", np.zeros((5, 3, 4, 4), np.uint8))
    with pytest.raises(UserError, match="dvc repro -f sample"):
        evaluation.open_samples(tmp_path, prepared())


def test_two_generators_differ_by_as_much_as_their_latents_leave_open() -> None:
    """Against the same pictures made a little brighter, most of the luck of the draw is shared."""
    evidence = gathered()
    one = report(evidence)
    shifted = dataclasses.replace(evidence.generated, features=evidence.generated.features + 0.1)
    other = report(dataclasses.replace(evidence, generated=shifted))
    found = evaluation.differences(other, one)
    assert {"fid", "isc", "kid", "precision", "recall", "density", "coverage"} <= set(found)
    for name, difference in found.items():
        assert difference.low <= difference.value <= difference.high
        assert difference.value == pytest.approx(other[name]["value"] - one[name]["value"])
    apart = (one["fid"]["high"] - one["fid"]["low"]) + (other["fid"]["high"] - other["fid"]["low"])
    assert found["fid"].high - found["fid"].low < apart / 2
    assert all(difference.value == 0 for difference in evaluation.differences(one, one).values())


def test_numbers_of_two_protocols_are_not_compared() -> None:
    one = report(gathered())
    other = {**one, "protocol": {**one["protocol"], "name": "another"}}
    with pytest.raises(UserError, match=r"the protocols differ .* evaluate both generators with the same settings"):
        evaluation.differences(one, other)
