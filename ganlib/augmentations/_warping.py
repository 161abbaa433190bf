"""Moving pixels: a sampling that is linear in the picture and can be differentiated any number of times.

torch's own grid_sample has no second derivative. For a constant grid none needs deriving: the derivative of a linear
map is its transpose, and that of the transpose is the map.
"""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary

from ..shapes import Images

Grid = Float[Tensor, "batch rows columns 2"]
"""Where each pixel comes from: (x, y), -1 and 1 being the centres of the first and the last pixel."""

Warped = Float[Tensor, "batch channels rows columns"]
"""The pictures as the grid shows them."""

Sampling = Literal["nearest", "bilinear"]

_MODES = {"bilinear": 0, "nearest": 1}  # the numbers that torch's kernels know them by
_REFLECTION = 2


def warp(images: Images, grid: Grid, sampling: Sampling) -> Warped:
    """The pictures read at the grid's points; outside they go on as in a mirror that stands on the border pixels.

    Linear in images. Nearest copies pixels bit by bit. The grid is taken as constant: no gradient reaches it.
    A TorchFunctionMode, and a tensor subclass with `__torch_function__`, sees it as one function of this name.
    """
    if has_torch_function_unary(images):
        warped: Tensor = handle_torch_function(warp, (images,), images, grid, sampling)
        return warped
    return _Warp.apply(images, grid, sampling)  # type: ignore[no-any-return]


class _Warp(torch.autograd.Function):
    @staticmethod
    def forward(images: Tensor, grid: Tensor, sampling: Sampling) -> Tensor:
        return torch.ops.aten.grid_sampler_2d(images, grid, _MODES[sampling], _REFLECTION, True)  # type: ignore[no-any-return]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        images, grid, ctx.sampling = inputs
        ctx.size = images.shape[2:]
        ctx.save_for_backward(grid)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Unwarp.apply(gradients[0], grid, ctx.sampling, ctx.size), None, None


class _Unwarp(torch.autograd.Function):
    """The transpose: adds every value to the pixels that it was read from."""

    @staticmethod
    def forward(values: Tensor, grid: Tensor, sampling: Sampling, size: tuple[int, int]) -> Tensor:
        if values.is_cuda and torch.are_deterministic_algorithms_enabled():
            return unwarp_in_order(values, grid, sampling, size)
        # The kernel asks for the pictures too, which only the grid's gradient would need.
        pictures = values.new_zeros(()).expand(*values.shape[:2], *size)
        mode = _MODES[sampling]
        gradients = torch.ops.aten.grid_sampler_2d_backward(
            values, pictures, grid, mode, _REFLECTION, True, [True, False]
        )
        transposed: Tensor = gradients[0]
        return transposed

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        _, grid, ctx.sampling, _ = inputs
        ctx.save_for_backward(grid)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (grid,) = ctx.saved_tensors
        return _Warp.apply(gradients[0], grid, ctx.sampling), None, None, None


def unwarp_in_order(values: Warped, grid: Grid, sampling: Sampling, size: tuple[int, int]) -> Images:
    """The transposed warp with its sums in a fixed order: torch's CUDA kernel adds in whatever order threads arrive."""
    batch, channels = values.shape[:2]
    height, width = size
    image = torch.arange(batch, device=grid.device)[:, None, None] * (height * width)
    pixels = values.new_zeros(batch * height * width, channels)
    for row, row_weight in _read_from(grid[..., 1], height, sampling):
        for column, column_weight in _read_from(grid[..., 0], width, sampling):
            weighted = (values * (row_weight * column_weight)[:, None]).movedim(1, -1)
            # As autograd does: index_put_ itself would have the host look whether every index is within range.
            torch.ops.aten._index_put_impl_(pixels, [image + row * width + column], weighted, True, True)
    return pixels.view(batch, height, width, channels).movedim(-1, 1)


def _read_from(coordinate: Tensor, size: int, sampling: Sampling) -> list[tuple[Tensor, Tensor]]:
    """The pixels of one axis that a coordinate is read from, each with its weight."""
    last = size - 1
    position = (coordinate + 1) * (last / 2)
    if last > 0:
        position = last - (torch.remainder(position, 2 * last) - last).abs()
    if sampling == "nearest":
        return [(position.round().long(), torch.ones_like(position))]
    first = position.floor()
    second = (first + 1).clamp(max=last)
    return [(first.long(), 1 - (position - first)), (second.long(), position - first)]
