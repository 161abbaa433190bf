"""Gradients of D's loss plus a price on its gradients with respect to images, without double backward.

For a D that is linear in each image once it is known on which side of 0 every activation lies. With c_n the loss's
gradient with respect to the logit D_n, s_n the squared norm of D_n's gradient with respect to image n and p the price,
what is descended has the gradient

    sum over n of  c_n dD_n/dw  +  d/dw (v_n . grad_x D_n),   v_n = 2 dp/ds_n grad_x D_n taken as constant.

Both sums are weight gradients of the same network with its activations held, the first from x_n, the second from v_n
and without offsets. So both come at once, from c_n x_n + v_n with offsets multiplied by c_n: a forward, a backward to
the images, another forward and the weight gradients, which cost a forward each. Double backward costs six.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from .piecewise.rules import NotLinearError
from .piecewise.tangents import for_each_row, weight_gradients
from .piecewise.tape import Tape, Verdicts, record
from .shapes import Images, Scalar, SquaredNorms


@dataclass(frozen=True)
class Gradients:
    """What one step of D comes to; nothing here has a gradient of its own."""

    weights: list[Tensor]
    """In the order of the parameters, with zeros for those that have no part in the logits."""
    logits: Verdicts
    loss: Scalar
    """Without the price."""
    squared_norms: SquaredNorms
    """Of the gradient of each image's logit with respect to that image."""


def why_not(seen: Callable[[Images], Verdicts], images: Images) -> str | None:
    """The first thing that `seen` does with images and the exact route does not know, in plain words; or none.

    Runs it once on the images, of which it needs at least two; buffers of modules and random states stay as they are.
    """
    assert len(images) > 1, "with one image alone nothing across images can be told"
    devices = [images.device] if images.is_cuda else []
    with torch.random.fork_rng(devices), _buffers_restored():
        try:
            record(seen, images)
        except NotLinearError as error:
            return str(error)
    return None


def gradients(
    seen: Callable[[Images], Verdicts],
    images: Images,
    *,
    parameters: Sequence[Tensor],
    loss: Callable[[Verdicts], Scalar],
    price: Callable[[SquaredNorms], Scalar],
) -> Gradients:
    """Of loss(logits) + price(squared norms of their gradients), with respect to the parameters.

    For functions of which `why_not` finds nothing; NotLinearError for others.
    """
    tape = record(seen, images)
    slopes, at_outcomes = tape.backward()
    norms = (slopes.float() if slopes.itemsize < 4 else slopes).flatten(1).square().sum(dim=1)
    value, by_logit = _derivative(loss, tape.logits)
    _, by_norm = _derivative(price, norms)
    by_image = for_each_row(by_logit, len(images))
    with torch.no_grad():
        tangents = _rows_times(by_image, images) + _rows_times(2 * by_norm, slopes)
    found = weight_gradients(tape, tangents, by_logit, at_outcomes)
    return Gradients(_through_sources(tape, found, parameters), tape.logits, value, norms)


def _rows_times(factors: Tensor, images: Images) -> Images:
    return factors.to(images.dtype).view(-1, *(1,) * (images.dim() - 1)) * images


def _derivative(function: Callable[[Tensor], Scalar], at: Tensor) -> tuple[Scalar, Tensor]:
    with torch.enable_grad():
        leaf = at.detach().requires_grad_()
        value = function(leaf)
        slope = torch.autograd.grad(value, leaf)[0] if value.requires_grad else torch.zeros_like(leaf)
    return value.detach(), slope


def _through_sources(tape: Tape, found: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of what the network multiplied and added, carried on to the parameters they were made of."""
    weights: list[Tensor | None] = [None] * len(parameters)
    places = {id(parameter): place for place, parameter in enumerate(parameters)}
    made: list[tuple[Tensor, Tensor]] = []
    for source, gradient in zip(tape.sources, found, strict=True):
        if gradient is not None and id(source) in places:
            weights[places[id(source)]] = gradient
        elif gradient is not None and source.grad_fn is not None:
            made.append((source, gradient))
    if made:
        sources, their_gradients = zip(*made, strict=True)
        further = torch.autograd.grad(sources, parameters, their_gradients, allow_unused=True)
        for place, (first, second) in enumerate(zip(weights, further, strict=True)):
            weights[place] = first + second if first is not None and second is not None else first
            weights[place] = second if first is None else weights[place]
    return [
        torch.zeros_like(parameter) if weight is None else weight
        for weight, parameter in zip(weights, parameters, strict=True)
    ]


@contextmanager
def _buffers_restored() -> Iterator[None]:
    """Puts back the buffers of every module that is called meanwhile, such as a power iteration's vectors."""
    kept: dict[int, tuple[Tensor, Tensor]] = {}

    def keep(module: nn.Module, _: object) -> None:
        for buffer in module.buffers():
            if id(buffer) not in kept:
                kept[id(buffer)] = (buffer, buffer.clone())

    handle = register_module_forward_pre_hook(keep)
    try:
        yield
    finally:
        handle.remove()
        with torch.no_grad():
            for buffer, before in kept.values():
                buffer.copy_(before)
