"""Copies of training pictures are found and counted, and nothing else is taken for one."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from ganlib import pixel_distance
from ganlib.features import FeatureExtractor
from ganlib.features.coordinates import Coordinates
from ganlib.metrics import Absent, Behind, Counts, Evidence, Seen, _copies
from ganlib.metrics.memorisation import PAIRS, Memorisation
from ganlib.pixel_distance import PixelIndex
from ganlib.prepared import PreparedData, Split

CPU = torch.device("cpu")
METRIC = Memorisation(copy_quantile=0.01, copy_shift=1, copy_cells=10, seed=0)


class Projection(FeatureExtractor):
    """Fixed random directions of pixels."""

    def __init__(self) -> None:
        super().__init__(name="projection", digest="0" * 64, preprocessing="none")
        self.directions = torch.randn(64, 32, generator=torch.Generator().manual_seed(0)) / 8

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return pixels.flatten(1).float() @ self.directions, torch.zeros(len(pixels), 0)


def digits() -> np.ndarray:
    pixels = (load_digits().images[:, np.newaxis] * 255 / 16).round().astype(np.uint8)
    return pixels[np.random.default_rng(0).permutation(len(pixels))]


DIGITS = digits()
TRAIN, HELDOUT, FRESH = DIGITS[:1078], DIGITS[1078:1438], DIGITS[1438:]
"""Nobody but an honest generator knows the fresh ones."""


def split(pixels: np.ndarray) -> Split:
    return Split(pixels, np.full(len(pixels), -1, np.int64))


def evidence_of(
    generated: np.ndarray,
    train: np.ndarray = TRAIN,
    heldout: np.ndarray = HELDOUT,
    extractor: FeatureExtractor | None = None,
) -> Evidence:
    extractor = extractor or Projection()
    seen = (
        Seen(name, *extractor(torch.from_numpy(np.ascontiguousarray(pixels))))
        for name, pixels in (
            ("the generated pictures", generated),
            ("the training pictures", train),
            ("the held-out pictures", heldout),
        )
    )
    data = PreparedData(split(train), split(heldout), (), "digest")
    return Evidence(*seen, Behind(split(generated), data, extractor, CPU))


def measured(generated: np.ndarray, **others: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    results = METRIC.measure(evidence_of(generated, **others))
    return results["copies"], results["c_t"]


def mixture(share: float, *, of: int = len(FRESH)) -> np.ndarray:
    """`share` of training pictures among honest ones."""
    copied = round(share * of)
    return np.concatenate([TRAIN[:copied], FRESH[: of - copied]])


def ring(n: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    angle = 2 * np.pi / 8 * generator.integers(0, 8, n)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) + generator.normal(0, 0.01, (n, 2))
    return points.astype(np.float32)[:, :, np.newaxis, np.newaxis]


def test_a_generator_that_replays_training_pictures_is_caught() -> None:
    copies, c_t = measured(TRAIN[::3])
    assert copies["value"] >= 0.99
    assert copies["low"] >= 0.98
    assert copies["exact"] == len(TRAIN[::3])
    assert copies["in_features"] == copies["in_pixels"] == 1
    assert c_t["value"] < c_t["high"] < -5


def noisy(pixels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 12, pixels.shape)
    return np.clip(pixels + noise, 0, 255).round().astype(np.uint8)


def moved(pixels: np.ndarray) -> np.ndarray:
    result = np.zeros_like(pixels)
    result[..., 1:, :-1] = pixels[..., :-1, 1:]
    return result


@pytest.mark.parametrize(
    "change",
    [
        noisy,
        moved,
        lambda pixels: np.roll(pixels, 1, axis=3),
        lambda pixels: np.clip(pixels.astype(int) + 12, 0, 255).astype(np.uint8),
        lambda pixels: (0.9 * pixels).round().astype(np.uint8),
    ],
    ids=["noisy", "moved", "rolled", "brighter", "paler"],
)
def test_slightly_changed_training_pictures_are_caught_too(change: Any) -> None:
    copies, _ = measured(change(TRAIN[::3]))
    assert copies["value"] >= 0.99
    assert copies["exact"] == 0


def test_without_shifts_moved_copies_are_not_seen() -> None:
    unmoved = dataclasses.replace(METRIC, copy_shift=0).measure(evidence_of(moved(TRAIN[::3])))["copies"]
    assert unmoved["value"] < 0.1


def test_a_generator_that_replays_heldout_pictures_is_not_accused() -> None:
    for honest in (HELDOUT, FRESH):
        copies, c_t = measured(honest)
        assert copies["value"] < 0.02
        assert copies["low"] == 0
        assert copies["high"] < 0.06
        assert copies["exact"] == 0
        assert abs(c_t["value"]) < 1


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
def test_a_mixture_is_measured_within_its_interval(share: float) -> None:
    copies, _ = measured(mixture(share))
    assert copies["low"] <= share <= copies["high"]
    assert copies["value"] == pytest.approx(share, abs=0.02)
    assert copies["high"] - copies["low"] < 0.12


def test_c_t_falls_as_copies_grow_many() -> None:
    values = [measured(mixture(share))[1]["value"] for share in (0, 0.3, 1)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("n", "within"), [(100, 0.06), (2000, 0.03)])
def test_copies_of_an_underfitting_generator_are_caught(n: int, within: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (n * 4 // 5, 1, 8, 8)).astype(np.uint8)
    copied = TRAIN[np.random.default_rng(3).integers(0, len(TRAIN), n // 5)]
    copies, c_t = measured(np.concatenate([noise, copied]))
    assert copies["low"] <= 0.2 <= copies["high"]
    assert copies["value"] == pytest.approx(0.2, abs=within)
    assert c_t["value"] > 0  # most of it is farther off, which hides the copies from C_T


def test_copied_points_are_counted() -> None:
    train, heldout, fresh = ring(2000, 0), ring(500, 1), ring(500, 2)
    for share in (0, 0.3, 1):
        copied = round(share * 500)
        points = np.concatenate([train[:copied], fresh[copied:]])
        copies, c_t = measured(points, train=train, heldout=heldout, extractor=Coordinates())
        assert copies["low"] <= share <= copies["high"]
        assert copies["value"] == pytest.approx(share, abs=0.03)
        assert copies["exact"] == copied
        assert copies["in_pixels"] == {"absent": "points have no pixels"}
        assert c_t["value"] < -5 if share == 1 else c_t["value"] < 1


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.9])
def test_the_true_rate_lies_within_the_interval(share: float) -> None:
    """Also though the held-out pictures that set the threshold are the ones that are counted."""
    random = torch.Generator().manual_seed(5)
    inside = 0
    for _ in range(100):
        heldout, honest = (torch.rand(150, dtype=torch.float64, generator=random) for _ in range(2))
        copied = torch.rand(150, generator=random) < share
        limit = _copies.threshold(heldout, 0.05)
        bounds = _copies.copy_rate(honest.masked_fill(copied, 0) <= limit, heldout <= limit).interval()
        inside += bounds.low <= share <= bounds.high
    assert inside >= 93


def test_real_pictures_true_rate_lies_within_the_interval() -> None:
    random = np.random.default_rng(4)
    inside = 0
    for _ in range(20):
        order = DIGITS[random.permutation(len(DIGITS))]
        train, heldout, honest = order[:300], order[300:450], order[450:520]
        generated = np.concatenate([train[:30], honest])
        copies, _ = measured(generated, train=train, heldout=heldout)
        inside += copies["low"] <= 0.3 <= copies["high"]
    assert inside >= 18


def test_bounds_of_a_ratio_are_those_of_its_logarithm_where_many_are_counted() -> None:
    """Katz et al. 1978: far from 0 and 1 the ratio's logarithm is normal."""
    ones, others = torch.arange(4000) < 1500, torch.arange(3000) < 2000
    low, high = _copies.ratio_bounds(ones, others)
    reach = 1.96 * math.sqrt(1 / 1500 - 1 / 4000 + 1 / 2000 - 1 / 3000)
    assert low == pytest.approx(0.5625 * math.exp(-reach), rel=2e-3)
    assert high == pytest.approx(0.5625 * math.exp(reach), rel=2e-3)


def test_a_threshold_lets_no_more_in_than_its_quantile() -> None:
    distances = torch.tensor([4, 1, 2, 2, 3, 9, 8, 7, 6, 5], dtype=torch.float64)
    assert _copies.threshold(distances, 0.1) == 1
    assert _copies.threshold(distances, 0.2) == 1  # 2 stands twice: with it they were 3
    assert _copies.threshold(distances, 0.3) == 2
    assert _copies.threshold(distances, 0.05) == 1  # one at least
    assert _copies.threshold(torch.zeros(10, dtype=torch.float64), 0.1) == 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(8, 30), m=st.integers(8, 30))
def test_mann_whitney_is_scipys(seed: int, n: int, m: int) -> None:
    from scipy.stats import mannwhitneyu, norm

    random = torch.Generator().manual_seed(seed)
    ours, theirs = (torch.randint(0, 9, (size,), generator=random).double() for size in (n, m))
    ours += 1
    expected = mannwhitneyu(ours, theirs, alternative="less", method="asymptotic", use_continuity=False).pvalue
    assert norm.cdf(_copies.mann_whitney(ours, theirs)) == pytest.approx(expected, rel=1e-6)
    assert _copies.mann_whitney(theirs, ours) == pytest.approx(-_copies.mann_whitney(ours, theirs))


def test_c_t_weighs_cells_by_their_heldout_pictures() -> None:
    random = torch.Generator().manual_seed(0)
    near, far, usual = (torch.rand(40, dtype=torch.float64, generator=random) + shift for shift in (-2, 2, 0))
    generated = _copies.Placed(torch.cat([near, far]), torch.arange(80) // 40)
    heldout = _copies.Placed(torch.cat([usual, usual[:20]]), torch.arange(60) // 40)
    z = [_copies.mann_whitney(near, usual), _copies.mann_whitney(far, usual[:20])]
    result = _copies.data_copying(generated, heldout, 3)
    assert result.value == pytest.approx((2 * z[0] + z[1]) / 3)
    assert result.more == {"cells_used": 2}


def test_pairs_are_the_closest_and_no_training_picture_is_shown_thrice() -> None:
    generated = np.concatenate([FRESH[:50], np.repeat(TRAIN[7:8], 5, axis=0), noisy(TRAIN[20:40])])
    copies, _ = measured(generated)
    pairs = copies["pairs"]
    assert len(pairs) == PAIRS
    assert [(pair["generated"], pair["train"]) for pair in pairs[:2]] == [(50, 7), (51, 7)]
    assert sum(pair["train"] == 7 for pair in pairs) == 2
    assert {pair["train"] for pair in pairs[2:22]} == set(range(20, 40))
    shares = [pair["share_of_heldout_closer"] for pair in pairs]
    assert shares == sorted(shares)
    pair = pairs[5]
    one, other = generated[pair["generated"]].astype(float), TRAIN[pair["train"]].astype(float)
    assert pair["pixel_distance"] == pytest.approx(np.sqrt(np.mean((one - other) ** 2)))
    features, _ = Projection()(torch.from_numpy(np.stack([generated[pair["generated"]], TRAIN[pair["train"]]])))
    assert pair["feature_distance"] == pytest.approx(float(torch.dist(*features.double())), rel=1e-6)


def test_order_of_generated_pictures_changes_only_groups_and_row_numbers() -> None:
    generated = mixture(0.3)
    mixed = np.random.default_rng(0).permutation(len(generated))
    one, other = measured(generated), measured(generated[mixed])
    for left, right in zip(one, other, strict=True):
        assert left["value"] == pytest.approx(right["value"], abs=1e-9)
    assert one[0]["low"] == other[0]["low"]
    assert [pair["train"] for pair in one[0]["pairs"]] != []


def test_same_evidence_gives_same_bytes_and_only_finite_numbers() -> None:
    once, again = (METRIC.measure(evidence_of(mixture(0.3))) for _ in range(2))
    assert json.dumps(once, allow_nan=False) == json.dumps(again, allow_nan=False)
    assert len(once["copies"]["replicates"]) == len(once["c_t"]["replicates"]) == 20


def test_floors_are_about_zero() -> None:
    copies, c_t = measured(mixture(0.3))
    assert copies["floor_low"] <= copies["floor"] <= copies["floor_high"] < 0.1
    assert copies["floor"] < 0.05
    assert c_t["floor_low"] <= c_t["floor"] <= c_t["floor_high"]
    assert abs(c_t["floor"]) < 2


def test_few_heldout_pictures_are_said_to_be_few() -> None:
    copies, _ = measured(mixture(0.3), heldout=HELDOUT[:25])
    assert copies["heldout_in_features"] == copies["heldout_in_pixels"] == 1 / 25  # and not the 0.01 asked for
    assert copies["low"] <= 0.3 <= copies["high"]
    with pytest.raises(Absent, match="19 held-out pictures"):
        measured(FRESH, heldout=HELDOUT[:19])
    assert METRIC.obstacles(Counts(1, 1, 1)) == []


def test_where_nothing_can_be_told_nothing_is_said() -> None:
    evidence = evidence_of(FRESH)
    for side in ("generated", "train", "heldout"):
        seen = getattr(evidence, side)
        spoilt = seen.features.clone()
        spoilt[3] = math.nan
        with pytest.raises(Absent, match=seen.name):
            METRIC.measure(dataclasses.replace(evidence, **{side: dataclasses.replace(seen, features=spoilt)}))
    with pytest.raises(Absent, match="all look the same"):
        measured(FRESH, train=np.repeat(TRAIN[:1], 50, axis=0))
    copies, _ = measured(FRESH, heldout=TRAIN[:100])
    assert "every held-out picture is as near" in copies["absent"]
    few = METRIC.measure(evidence_of(FRESH[:5]))
    assert "no region" in few["c_t"]["absent"]
    assert few["copies"]["value"] < 0.2


def test_features_alone_still_tell_copies() -> None:
    alone = METRIC.measure(dataclasses.replace(evidence_of(mixture(0.3)), behind=None))["copies"]
    assert alone["value"] == alone["in_features"] == pytest.approx(0.3, abs=0.03)
    assert alone["in_pixels"] == alone["exact"] == {"absent": "nothing but features is known"}
    assert alone["pairs"][0]["pixel_distance"] is None


def brute_force(query: np.ndarray, reference: np.ndarray, shift: int) -> float:
    """The definition, pixel by pixel of the overlap."""
    _, height, width = query.shape
    least = math.inf
    for down in range(-shift, shift + 1):
        for right in range(-shift, shift + 1):
            rows = [row for row in range(height) if 0 <= row + down < height]
            columns = [column for column in range(width) if 0 <= column + right < width]
            if not rows or not columns:
                continue
            one = query[:, rows][:, :, columns].astype(float)
            other = reference[:, [row + down for row in rows]][:, :, [column + right for column in columns]]
            least = min(least, float(np.sqrt(np.mean((one - other) ** 2))))
    return least


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 9), (2, 3, 1)])
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_pixel_distances_are_the_least_over_shifts(
    shape: tuple[int, int, int], shift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_distance, "CANDIDATES", 30)
    random = np.random.default_rng(0)
    queries, references = (random.integers(0, 256, (n, *shape)).astype(np.uint8) for n in (9, 30))
    found = PixelIndex(references, shift=shift, device=CPU).nearest(queries)
    every = np.array([[brute_force(query, other, shift) for other in references] for query in queries])
    assert found.distances[:, 0].numpy() == pytest.approx(every.min(axis=1))
    assert found.indices[:, 0].tolist() == every.argmin(axis=1).tolist()


def smooth(n: int, side: int, seed: int) -> np.ndarray:
    """Coloured clouds with fine grain."""
    random = torch.Generator().manual_seed(seed)
    coarse = 255 * torch.rand(n, 3, 5, 5, generator=random)
    clouds = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    return (clouds + 10 * torch.randn(n, 3, side, side, generator=random)).clamp(0, 255).to(torch.uint8).numpy()


@pytest.mark.parametrize("side", [20, 32, 100])
def test_copies_are_found_by_their_thumbnails(side: int) -> None:
    references = smooth(100, side, 0)
    index = PixelIndex(references, shift=1, device=CPU)
    rows = torch.arange(0, 100, 7)
    for change in (lambda pixels: pixels, moved, noisy, lambda pixels: np.roll(pixels, -1, axis=2)):
        found = index.nearest(change(references[::7]))
        assert found.indices[:, 0].tolist() == rows.tolist()
    assert float(index.nearest(references[::7]).distances.max()) == 0
    # From 65 pixels a side on pictures are compared at half their size, where one pixel is half a pixel.
    if side <= 64:
        assert float(index.nearest(moved(references[::7])).distances.max()) == 0
    assert float(index.nearest(smooth(20, side, 1)).distances.min()) > 20


def test_large_pictures_are_made_smaller_by_averaging() -> None:
    pixels = np.zeros((2, 1, 65, 130), np.uint8)
    pixels[:, :, :3, :3] = 90
    smaller = pixel_distance.shrunk(pixels, CPU)
    assert smaller.shape == (2, 1, 22, 44)
    assert smaller[0, 0, 0, 0] == 90
    assert pixel_distance.shrunk(pixels[..., :64], CPU).shape[2:] == (33, 32)
    small = pixels[:, :, :64, :64]
    assert pixel_distance.shrunk(small, CPU) is small


def test_blocks_change_no_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    references, queries = smooth(90, 20, 0), smooth(30, 20, 1)
    whole = PixelIndex(references, shift=1, device=CPU).nearest(queries)
    for name, size in (("QUERIES", 7), ("REFERENCES", 11), ("COMPARED", 5), ("READ", 3000)):
        monkeypatch.setattr(pixel_distance, name, size)
    pieces = PixelIndex(references, shift=1, device=CPU).nearest(queries)
    assert torch.equal(pieces.distances, whole.distances)
    assert torch.equal(pieces.indices, whole.indices)


def test_the_nearest_few_in_pixels_are_those_of_a_plain_search_and_equal_ones_come_in_their_order() -> None:
    random = np.random.default_rng(3)
    pictures = random.integers(0, 256, (5, 1, 6, 6), dtype=np.uint8)
    references = np.concatenate([pictures, pictures[::-1]])
    found = PixelIndex(references, shift=0, device=CPU).nearest(pictures[:2], 6)
    for row, picture in enumerate(pictures[:2].astype(float)):
        apart = np.sqrt(((references - picture) ** 2).mean(axis=(1, 2, 3)))
        order = np.argsort(apart, kind="stable")[:6]
        assert found.indices[row].tolist() == order.tolist()
        assert np.allclose(found.distances[row].numpy(), apart[order])
