"""Points are judged by where they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from ganlib import evaluation
from ganlib.errors import UserError
from ganlib.features import FeatureExtractor, open_extractor
from ganlib.prepared import PreparedData, Split
from ganlib.settings import EvaluateSettings

CPU = torch.device("cpu")
SETTINGS = EvaluateSettings(isc_splits=2, kid_subsets=10, kid_subset_size=150, neighbours=3)


def coordinates() -> FeatureExtractor:
    return open_extractor("coordinates", "points", weights=None, weights_sha256=None, trained=Path(), device=CPU)


def normal(count: int, seed: int, *, dimensions: int, mean: float = 0, std: float = 1) -> Split:
    drawn = np.random.default_rng(seed).normal(mean, std, (count, dimensions, 1, 1))
    return Split(drawn.astype(np.float32), np.full(count, -1, dtype=np.int64))


def measured(generated: Split, dimensions: int) -> dict[str, dict[str, object]]:
    data = PreparedData(normal(5000, 0, dimensions=dimensions), normal(2000, 1, dimensions=dimensions), (), "d" * 64)
    judge = evaluation.Judge(coordinates(), None, conditional=False, device=CPU)
    return evaluation.measure(evaluation.gather(generated, data, judge, batch_size=999), SETTINGS)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_fid_is_the_frechet_distance_of_the_points_themselves(dimensions: int) -> None:
    """Of N(0, 1) and N(m, s^2) in each dimension: m^2 + (s - 1)^2, times their number."""
    results = measured(normal(4000, 2, dimensions=dimensions, mean=3, std=0.5), dimensions)
    assert results["fid"]["value"] == pytest.approx(dimensions * (9 + 0.25), rel=0.02)
    assert results["fid"]["floor"] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_points_of_the_same_kind_score_the_floor_and_others_do_not(dimensions: int) -> None:
    alike = measured(normal(2000, 3, dimensions=dimensions), dimensions)
    narrow = measured(normal(2000, 3, dimensions=dimensions, std=0.1), dimensions)
    far = measured(normal(2000, 3, dimensions=dimensions, mean=2), dimensions)
    # Four standard errors of ten subsets.
    assert alike["kid"]["value"] == pytest.approx(0, abs=4 * alike["kid"]["std"] / 10**0.5)
    assert far["kid"]["value"] > 10 * abs(alike["kid"]["value"])
    assert alike["precision"]["value"] > 0.9
    assert alike["recall"]["value"] > 0.9
    assert narrow["recall"]["value"] < 0.5


def test_the_inception_score_says_why_it_is_absent() -> None:
    assert measured(normal(300, 3, dimensions=2), 2)["isc"] == {
        "absent": "the extractor knows no classes, which the inception score is about"
    }


def test_neighbours_inside_a_narrow_mode_are_told_apart() -> None:
    """float32 distances from norms and products are rounded to nothing there: they find everything everywhere."""
    from torch_fidelity.metric_prc import prc_features_to_metric

    narrow = [normal(count, seed, dimensions=2, mean=1, std=1e-5) for count, seed in ((600, 0), (300, 1))]
    generated = normal(300, 3, dimensions=2, mean=1, std=2e-5)
    data = PreparedData(narrow[0], narrow[1], (), "d" * 64)
    judge = evaluation.Judge(coordinates(), None, conditional=False, device=CPU)
    ours = evaluation.measure(evaluation.gather(generated, data, judge, batch_size=999), SETTINGS)
    features = [torch.from_numpy(np.array(split.pixels)).flatten(1) for split in (generated, data.train)]
    options = {"prc_neighborhood": 3, "prc_batch_size": 1000, "save_cpu_ram": False, "verbose": False}
    exact = prc_features_to_metric(*(one.double() for one in features), **options)
    rounded = prc_features_to_metric(*features, **options)
    for name in ("precision", "recall"):
        assert ours[name]["value"] == pytest.approx(exact[name], abs=1e-6)
    assert abs(rounded["precision"] - exact["precision"]) > 0.1


def test_there_are_no_weights_to_set(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"evaluate\.extractor coordinates has none; leave them empty"):
        open_extractor("coordinates", "points", weights="x", weights_sha256=None, trained=tmp_path, device=CPU)


def test_pictures_are_no_points() -> None:
    with pytest.raises(TypeCheckError):
        coordinates()(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
