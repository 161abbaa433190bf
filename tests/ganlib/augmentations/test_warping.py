"""Reading pixels at a grid's points, and its transpose."""

import pytest
import torch
from torch.overrides import TorchFunctionMode

from ganlib.augmentations._placement import Placement, centred
from ganlib.augmentations._warping import Sampling, unwarp_in_order, warp

SAMPLINGS: list[Sampling] = ["nearest", "bilinear"]


def random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wide_grid(rows: int = 6, columns: int = 9) -> torch.Tensor:
    """Far beyond the border on every side."""
    return random(2, rows, columns, 2, seed=2) * 2


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_it_can_be_differentiated_twice(sampling: Sampling) -> None:
    images = random(2, 3, 5, 4).requires_grad_()

    def bent(images: torch.Tensor) -> torch.Tensor:
        return warp(images, wide_grid(), sampling).pow(3)

    assert torch.autograd.gradcheck(bent, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(bent, images, fast_mode=True)


@pytest.mark.parametrize("size", [(5, 4), (1, 7), (2, 1)], ids=str)
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_transpose_in_order_is_the_transpose(sampling: Sampling, size: tuple[int, int]) -> None:
    images = random(2, 3, *size).requires_grad_()
    values = random(2, 3, 6, 9, seed=3)
    (expected,) = torch.autograd.grad(warp(images, wide_grid(), sampling), images, values)
    torch.testing.assert_close(unwarp_in_order(values, wide_grid(), sampling, size), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_gradients_repeat_bit_by_bit_on_cuda_where_that_is_asked_for(sampling: Sampling) -> None:
    images = random(2, 3, 5, 4).float().cuda().requires_grad_()
    grid, values = wide_grid(400, 400).float().cuda(), random(2, 3, 400, 400, seed=3).float().cuda()
    torch.use_deterministic_algorithms(True)
    try:
        first, second = (torch.autograd.grad(warp(images, grid, sampling), images, values)[0] for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(first, second)
    torch.testing.assert_close(torch.autograd.grad(warp(images, grid, sampling), images, values)[0], first)


def test_outside_the_picture_goes_on_as_in_a_mirror_that_stands_on_the_border_pixels() -> None:
    image = torch.arange(4.0)[None, None, None]
    columns = torch.arange(-7.0, 12.0) - 1.5
    grid = Placement.unmoved(torch.zeros(1, 1)).grid(columns, torch.zeros(1), (1, 4))
    expected = torch.tensor([[0.0, 1, 2, 3, 2, 1][(column + 6 * 2) % 6] for column in range(-7, 12)])
    assert torch.equal(warp(image, grid, "nearest").flatten(), expected)


def test_a_function_mode_sees_it_as_one_function() -> None:
    seen = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            seen.append(func)
            return func(*args, **(kwargs or {}))

    images, grid = random(2, 3, 5, 4), wide_grid()
    with Watch():
        watched = warp(images, grid, "bilinear")
    assert seen.count(warp) == 1
    assert torch.equal(watched, warp(images, grid, "bilinear"))


def test_operations_one_after_another_are_one_placement() -> None:
    image = random(1, 1, 7, 7)
    one = torch.ones(1, dtype=torch.float64)
    grid_of = lambda place: place.grid(centred(7, one), centred(7, one), (7, 7))  # noqa: E731
    start = Placement.unmoved(one[:, None])
    turned = warp(image, grid_of(start.turned(0 * one, one)), "nearest")
    assert torch.equal(turned, torch.rot90(image, dims=(2, 3)))
    then_moved = warp(turned, grid_of(start.shifted(2 * one, -one)), "nearest")
    at_once = warp(image, grid_of(start.turned(0 * one, one).shifted(2 * one, -one)), "nearest")
    inside = (..., slice(0, 6), slice(2, 7))
    assert torch.equal(at_once[inside], then_moved[inside])
    assert torch.equal(at_once[inside], turned[..., 1:7, 0:5])
