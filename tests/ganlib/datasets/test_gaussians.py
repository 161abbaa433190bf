"""The mixtures are those of the benchmarks, and point i depends on the seed and on i alone."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from ganlib.datasets import Batch, build_source
from ganlib.datasets.gaussians import BLOCK, Block, Gaussians, Layout, mixture
from ganlib.errors import UserError
from ganlib.settings import DataSettings

LAYOUTS: list[Layout] = ["ring", "grid", "line"]
MANY = 100_000


def batches(source: Gaussians) -> list[Batch]:
    contents = source.open(Path())
    got = [item for job in contents.jobs for item in job.run()]
    assert all(isinstance(item, Batch) for item in got)
    assert contents.count == sum(len(batch.names) for batch in got)
    return got


def drawn(layout: Layout, count: int = MANY, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    got = batches(Gaussians(layout=layout, count=count, seed=seed))
    return np.concatenate([batch.pixels for batch in got]), np.concatenate([batch.labels for batch in got])


def test_the_ring_has_eight_means_on_the_unit_circle_and_the_grid_twenty_five() -> None:
    ring, grid = mixture("ring"), mixture("grid")
    assert len(ring.means) == 8
    np.testing.assert_allclose(np.linalg.norm(ring.means, axis=1), 1)
    steps = np.diff(np.unwrap(np.arctan2(ring.means[:, 1], ring.means[:, 0])))
    np.testing.assert_allclose(steps, np.pi / 4)
    assert {tuple(mean) for mean in grid.means} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert (ring.std, grid.std) == (0.01, 0.05)
    line = mixture("line")
    assert (line.means.tolist(), line.std) == ([[-1], [1]], 0.4)
    assert line.shares.tolist() == pytest.approx([1 / 3, 2 / 3])
    for layout in LAYOUTS:
        assert mixture(layout).shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_component_has_its_mean_its_deviation_and_its_share(layout: Layout) -> None:
    mixed = mixture(layout)
    points, labels = drawn(layout)
    assert points.dtype == np.float32
    assert points.shape == (MANY, mixed.means.shape[1], 1, 1)
    for component, mean in enumerate(mixed.means):
        own = points[labels == component, :, 0, 0]
        # Four standard errors of each estimate.
        error = mixed.std / np.sqrt(len(own))
        np.testing.assert_allclose(own.mean(axis=0), mean, atol=4.5 * error)
        np.testing.assert_allclose(own.std(axis=0), mixed.std, atol=4.5 * error / np.sqrt(2))
        share = mixed.shares[component]
        assert len(own) / MANY == pytest.approx(share, abs=4.5 * np.sqrt(share * (1 - share) / MANY))


@pytest.mark.parametrize("layout", ["ring", "grid"])
def test_as_many_points_are_of_high_quality_as_a_perfect_sampler_has(layout: Layout) -> None:
    """Within three standard deviations of the nearest mean: 1 - exp(-9/2) in two dimensions."""
    mixed = mixture(layout)
    points = drawn(layout)[0][:, :, 0, 0].astype(np.float64)
    nearest = np.min([np.linalg.norm(points - mean, axis=1) for mean in mixed.means], axis=0)
    assert (nearest < 3 * mixed.std).mean() == pytest.approx(1 - np.exp(-4.5), abs=0.0015)


def test_coordinates_of_a_component_do_not_depend_on_each_other() -> None:
    points, labels = drawn("ring")
    own = points[labels == 3, :, 0, 0]
    assert abs(np.corrcoef(own.T)[0, 1]) < 0.04


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_point_depends_on_the_seed_and_its_number_alone(layout: Layout) -> None:
    many, many_labels = drawn(layout, count=2 * BLOCK + 100)
    for count in (1, 100, BLOCK, BLOCK + 1, 2 * BLOCK):
        fewer, labels = drawn(layout, count=count)
        assert np.array_equal(fewer, many[:count])
        assert np.array_equal(labels, many_labels[:count])
    assert len(np.unique(many, axis=0)) == len(many)
    others = drawn(layout, seed=1, count=100)[0]
    assert len(np.unique(np.concatenate([many, others]), axis=0)) == len(many) + 100


def test_jobs_run_anywhere_and_in_any_order() -> None:
    jobs = Gaussians(count=BLOCK + 5).open(Path()).jobs
    (again,) = pickle.loads(pickle.dumps(jobs[1])).run()
    (batch,) = jobs[1].run()
    assert isinstance(batch, Batch)
    assert np.array_equal(again.pixels, batch.pixels)
    assert batch.names == [f"ring[{i}]" for i in range(BLOCK, BLOCK + 5)]
    assert jobs[1] == Block("ring", 0, 1, 5)


def test_classes_are_named_by_where_their_means_are() -> None:
    assert mixture("ring").names == (
        "(1, 0)", "(0.71, 0.71)", "(0, 1)", "(-0.71, 0.71)", "(-1, 0)", "(-0.71, -0.71)", "(0, -1)", "(0.71, -0.71)",
    )  # fmt: skip
    assert mixture("line").names == ("(-1)", "(1)")
    assert len(set(mixture("grid").names)) == 25
    assert Gaussians(layout="grid").open(Path()).classes == mixture("grid").names


def test_a_ring_of_a_hundred_thousand_is_what_nothing_said_means() -> None:
    source = build_source(DataSettings(source="gaussians", seed=3))
    assert source == Gaussians(layout="ring", count=100_000, seed=3)
    assert source.kind == "points"
    assert build_source(DataSettings(source="digits")).kind == "pictures"


def test_an_unknown_layout_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"^data\.layout is 'rign'; it should be 'ring', 'grid' or 'line'\."):
        build_source(DataSettings(source="gaussians", layout="rign"))
