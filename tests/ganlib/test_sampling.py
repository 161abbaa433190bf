"""Image i depends on (seed, i) alone; labels follow the data; interpolations start and end where they should."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, truncnorm

from ganlib import bundle, components
from ganlib.bundle import Description
from ganlib.latents import Distribution, interpolate, sample_latents, truncated
from ganlib.networks import Generator, NetworkFamily
from ganlib.sampling import generate, interpolation_sheet, sample_cloud, sample_labels, sample_sheet

CLASSES = Description("dcgan", {"width": 8}, (1, 16, 16), 6, "normal", ("a", "b", "c"), 0, (10, 20, 10))


def generator(description: Description = CLASSES) -> Generator:
    torch.manual_seed(0)
    return description.family().generator(description.fit).eval()


def images(count: int, batch_size: int) -> torch.Tensor:
    latents = sample_latents(3, range(count), dim=6, distribution="normal")
    labels = sample_labels(3, range(count), CLASSES.class_counts)
    return torch.cat(list(generate(generator(), latents, labels, batch_size=batch_size)))


@settings(max_examples=10, deadline=None)
@given(batch_size=st.integers(1, 120), count=st.integers(1, 100))
def test_an_image_is_the_same_at_any_batch_size_and_however_many_are_drawn(batch_size: int, count: int) -> None:
    assert torch.equal(images(count, batch_size), images(100, 100)[:count])


def test_latents_of_an_index_are_the_same_in_any_company() -> None:
    together = sample_latents(0, range(10), dim=4, distribution="normal")
    assert torch.equal(sample_latents(0, [7, 2], dim=4, distribution="normal"), together[[7, 2]])
    assert not torch.equal(sample_latents(1, [7], dim=4, distribution="normal"), together[[7]])


@pytest.mark.parametrize("threshold", [0.3, 1.0, 2.5])
def test_truncated_latents_are_distributed_as_if_drawn_anew_until_they_fit(threshold: float) -> None:
    latents = sample_latents(0, range(500), dim=8, distribution="normal")
    pressed = truncated(latents, threshold, "normal").double().flatten().numpy()
    assert kstest(pressed, truncnorm(-threshold, threshold).cdf).pvalue > 0.01
    assert np.abs(pressed).max() <= threshold


@given(threshold=st.floats(0.01, 20))
def test_truncation_keeps_the_order_and_leaves_alone_what_lies_far_inside(threshold: float) -> None:
    latents = torch.linspace(-4, 4, 201)[:, None]
    pressed = truncated(latents, threshold, "normal")
    assert (pressed.diff(dim=0) >= 0).all()
    assert torch.equal(pressed.abs() <= threshold, torch.ones_like(pressed, dtype=torch.bool))
    if threshold > 8:
        assert torch.allclose(pressed, latents, atol=1e-5)
    assert torch.equal(truncated(latents, threshold, "uniform"), latents * min(1, threshold))


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan])
def test_truncation_to_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        truncated(torch.zeros(1, 1), threshold, "normal")


@pytest.mark.parametrize(("distribution", "std"), [("normal", 1.0), ("uniform", 3**-0.5)])
def test_latents_have_the_named_distribution(distribution: Distribution, std: float) -> None:
    latents = sample_latents(0, range(2000), dim=16, distribution=distribution)
    assert latents.mean().item() == pytest.approx(0, abs=0.02)
    assert latents.std().item() == pytest.approx(std, rel=0.02)
    if distribution == "uniform":
        assert latents.abs().max() <= 1


def test_labels_follow_the_shares_of_the_data() -> None:
    labels = sample_labels(0, range(4000), (1, 0, 3))
    assert (torch.bincount(labels, minlength=3) / 4000).tolist() == pytest.approx([0.25, 0, 0.75], abs=0.02)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_an_interpolation_starts_and_ends_at_its_latents(distribution: Distribution) -> None:
    start, end = sample_latents(0, range(10), dim=64, distribution=distribution).split(5)
    way = interpolate(start, end, 7, distribution)
    torch.testing.assert_close(way[:, 0], start)
    torch.testing.assert_close(way[:, -1], end)


def test_the_middle_of_a_normal_interpolation_is_as_long_as_its_ends() -> None:
    start, end = sample_latents(0, range(20), dim=512, distribution="normal").split(10)
    middle = interpolate(start, end, 3, "normal")[:, 1].norm(dim=1)
    torch.testing.assert_close(middle, (start.norm(dim=1) + end.norm(dim=1)) / 2, rtol=0.05, atol=0)


def test_no_way_leads_farther_out_than_its_ends() -> None:
    for dim in (1, 2, 3):
        start, end = sample_latents(0, range(400), dim=dim, distribution="normal").split(200)
        end[:50] = -2 * start[:50] + 0.001 * end[:50]
        ends = torch.maximum(start.norm(dim=1), end.norm(dim=1))
        assert (interpolate(start, end, 9, "normal").norm(dim=2) <= 1.001 * ends[:, None]).all()


def test_a_sheet_has_a_row_for_each_class() -> None:
    sheet = sample_sheet(generator(), CLASSES, seed=0, columns=5)
    assert sheet.row_names == ["a", "b", "c"]
    assert sheet.pixels.shape == (15, 1, 16, 16)
    assert interpolation_sheet(generator(), CLASSES, seed=0, steps=4).pixels.shape == (12, 1, 16, 16)


def test_what_is_saved_samples_the_same_after_loading(tmp_path: Path) -> None:
    for name in components.names("networks"):
        family = components.build(NetworkFamily, name, {"width": 8}, section="network")
        description = Description(name, {"width": 8}, (1, 16, 16), 6, "normal", ("a", "b", "c"), 0, (10, 20, 10))
        trained, rival = family.generator(description.fit).eval(), family.discriminator(description.fit)
        bundle.save_gan(tmp_path, description, trained, rival)
        loaded, read = bundle.load_generator(tmp_path)
        assert read == description
        latents, labels = torch.randn(4, 6), torch.tensor([0, 1, 2, 0])
        assert torch.equal(loaded(latents, labels), trained(latents, labels))


POINTS = Description("mlp", {"width": 1}, (2, 1, 1), 3, "normal", ("a", "b"), 0, (30, 10), "points")


def test_points_are_sampled_unrounded_each_from_its_own_latent_and_in_the_shares_of_the_classes() -> None:
    points, labels = sample_cloud(generator(POINTS), POINTS, seed=4, count=70)
    assert points.dtype == np.float32
    assert points.shape == (70, 2, 1, 1)
    assert len(np.unique(points, axis=0)) == 70
    fewer, fewer_labels = sample_cloud(generator(POINTS), POINTS, seed=4, count=9)
    assert np.array_equal(fewer, points[:9])
    assert labels is not None
    assert fewer_labels is not None
    assert torch.equal(fewer_labels, labels[:9])
    assert 40 < (labels == 0).sum() < 65
    latents = sample_latents(4, range(70), dim=3, distribution="normal")
    np.testing.assert_allclose(points, generator(POINTS)(latents, labels).detach(), rtol=1e-5, atol=1e-6)


def test_ways_between_points_keep_them_points() -> None:
    sheet = interpolation_sheet(generator(POINTS), POINTS, seed=0, steps=4)
    assert sheet.pixels.shape == (8, 2, 1, 1)
    assert sheet.pixels.dtype == np.float32


def test_a_description_from_before_points_makes_pictures_and_one_of_points_says_so(tmp_path: Path) -> None:
    bundle.save_gan(tmp_path, POINTS, generator(POINTS), None)
    loaded, read = bundle.load_generator(tmp_path)
    assert read == POINTS
    assert loaded.makes == "points"
    bundle.save_gan(tmp_path, CLASSES, generator(), None)
    written = json.loads((tmp_path / bundle.DESCRIPTION).read_text())
    assert written.pop("kind") == "pictures"
    (tmp_path / bundle.DESCRIPTION).write_text(json.dumps(written))
    loaded, read = bundle.load_generator(tmp_path)
    assert read == CLASSES
    assert loaded.makes == "pictures"
