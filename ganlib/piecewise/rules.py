"""Which torch functions are linear in images, and in each image alone: as their names and arguments tell.

Every tensor that depends on the images must have one or several consecutive rows (along dimension 0) for each of them,
and no function may mix rows. What is not listed here is taken for neither.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .calls import CONVOLUTIONS, Call


class NotLinearError(Exception):
    """Holds the plain name of what is not linear, or is not of each image alone."""


@dataclass(frozen=True)
class Form:
    """How a function is linear: in all its summands together, or else in the one operand that depends on the images."""

    summands: tuple[int, ...] = ()
    """Positions of operands that are added up; those that do not depend on the images are offsets."""
    bias: int | None = None
    """Position of an operand that is added to the outcome, along its channels."""


def form(call: Call) -> Form:
    """How the call is linear; NotLinearError where it is not."""
    rule = _RULES.get(call.name)
    if rule is None or "out" in call.keywords:
        raise NotLinearError(call.name)
    found = rule(call)
    if call.in_place and not call.depends(call.arguments[0]):
        raise NotLinearError(f"{call.name} into a tensor that does not depend on the images")
    return found


_ABOUT_THE_TENSOR = (
    "device", "dim", "dtype", "element_size", "get_device", "is_complex", "is_contiguous", "is_cpu", "is_cuda",
    "is_floating_point", "is_leaf", "itemsize", "layout", "len", "ndim", "ndimension", "nelement", "numel", "repr",
    "requires_grad", "shape", "size", "stride",
)  # fmt: skip
_OF_THE_SAME_KIND = ("full_like", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like")
_CONVERSIONS = ("to", "type_as", "expand_as")


def constant(call: Call) -> bool:
    """Whether the outcome is the same for all images of this size and number format."""
    if call.name in _CONVERSIONS:
        return not call.depends(call.arguments[0])
    return call.name in _ABOUT_THE_TENSOR or call.name in _OF_THE_SAME_KIND


def _only_first(call: Call) -> Form:
    if not call.depends(call.arguments[0]) or any(map(call.depends, [call.arguments[1:], *call.keywords.values()])):
        raise NotLinearError(_of_two(call))
    return Form()


def _of_two(call: Call) -> str:
    return f"{call.name} with two operands that depend on the images"


def _view(call: Call) -> Form:
    if any(isinstance(value, torch.dtype) for value in [*call.arguments, *call.keywords.values()]):
        raise NotLinearError(f"{call.name} as another number format")
    return _only_first(call)


def _expand(call: Call) -> Form:
    if len(call.numbers(1, "size")) != call.arguments[0].dim():
        raise NotLinearError("expand to more dimensions")
    return _only_first(call)


def _repeat(call: Call) -> Form:
    repeats = call.numbers(1, "repeats")
    if len(repeats) != call.arguments[0].dim() or repeats[0] != 1:
        raise NotLinearError(_across(call))
    return _only_first(call)


def _across(call: Call) -> str:
    return f"{call.name} across images"


def _along(*where: tuple[int, str, Any]) -> Callable[[Call], Form]:
    """For functions along dimensions, which stand at these positions, keywords and defaults."""

    def rule(call: Call) -> Form:
        for position, keyword, default in where:
            dims = call.numbers(position, keyword, default)
            if not dims or any(dim % call.arguments[0].dim() == 0 for dim in dims):
                raise NotLinearError(_across(call))
        return _only_first(call)

    return rule


def _permute(call: Call) -> Form:
    if call.numbers(1, "dims")[0] % call.arguments[0].dim() != 0:
        raise NotLinearError(_across(call))
    return _only_first(call)


def _transposed(call: Call) -> Form:
    if call.arguments[0].dim() < 3:
        raise NotLinearError(_across(call))
    return _only_first(call)


def _getitem(call: Call) -> Form:
    index = call.arguments[1] if isinstance(call.arguments[1], tuple) else (call.arguments[1],)
    if not all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in index):
        raise NotLinearError("indexing with a tensor or a list")
    indexed = sum(part is not None and part is not Ellipsis for part in index)
    whole = index and (index[0] == slice(None) or (index[0] is Ellipsis and indexed < call.arguments[0].dim()))
    if not whole or any(isinstance(part, bool) for part in index):
        raise NotLinearError("indexing across images")
    return _only_first(call)


def _pad(call: Call) -> Form:
    if call.option(2, "mode", "constant") == "constant" and call.option(3, "value") not in (None, 0):
        raise NotLinearError("pad with a value other than 0")
    if len(call.option(1, "pad")) // 2 >= call.arguments[0].dim():
        raise NotLinearError(_across(call))
    return _only_first(call)


def _layer(call: Call) -> Form:
    inputs, weight = call.arguments[0], call.arguments[1]
    if call.depends(inputs) and inputs.dim() < (2 if call.name == "linear" else weight.dim()):
        raise NotLinearError(_across(call))
    _only_first(call)
    return Form(bias=2 if call.option(2, "bias") is not None else None)


def _factors(call: Call) -> Form:
    _beside_each_other(call, call.arguments[:2])
    if call.name == "div":
        if call.keywords.get("rounding_mode") is not None:
            raise NotLinearError("div with rounding")
        return _only_first(call)
    return _one_of_two(call)


def _one_of_two(call: Call) -> Form:
    if sum(map(call.depends, [*call.arguments, *call.keywords.values()])) != 1:
        raise NotLinearError(_of_two(call))
    return Form()


def _beside_each_other(call: Call, operands: Iterable[Any]) -> int:
    """Checks that rows meet rows of their own image or what is the same for all; the number of dimensions."""
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    leading = next(tensor for tensor in tensors if call.depends(tensor))
    for tensor in tensors:
        shorter = tensor.dim() < leading.dim() and not call.depends(tensor)
        same = tensor.dim() == leading.dim() and (
            tensor.shape[0] == leading.shape[0] or (tensor.shape[0] == 1 and not call.depends(tensor))
        )
        if not (shorter or same):
            raise NotLinearError(_across(call))
    return leading.dim()


def _matmul(call: Call) -> Form:
    form = _one_of_two(call)
    left, right = call.arguments[:2]
    inputs, other = (left, right) if call.depends(left) else (right, left)
    contracts_rows = inputs.dim() < (2 if call.depends(left) else 3)
    widens = other.dim() > max(inputs.dim(), 2)
    mixes = other.dim() == inputs.dim() > 2 and other.shape[0] not in (1, inputs.shape[0])
    if contracts_rows or widens or mixes:
        raise NotLinearError(_across(call))
    return form


def _einsum(call: Call) -> Form:
    equation, operands = call.arguments[0], call.arguments[1:]
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = list(operands[0])
    if sum(map(call.depends, operands)) != 1:
        raise NotLinearError(_of_two(call))
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        raise NotLinearError("einsum without an explicit equation")
    terms, outcome = equation.replace(" ", "").split("->")
    (term,) = (term for term, value in zip(terms.split(","), operands, strict=True) if call.depends(value))
    if not outcome or outcome[0] != term[0] or term.count(term[0]) > 1:
        raise NotLinearError(_across(call))
    return Form()


def _summed(*summands: int) -> Callable[[Call], Form]:
    def rule(call: Call) -> Form:
        coefficients = [value for i, value in enumerate(call.arguments) if i not in summands]
        if any(map(call.depends, [*coefficients, *call.keywords.values()])):
            raise NotLinearError(_of_two(call))
        _beside_each_other(call, call.arguments)
        return Form(summands=summands)

    return rule


def _joined(call: Call) -> Form:
    tensors = call.arguments[0]
    dims = _beside_each_other(call, tensors) + (call.name == "stack")
    if call.option(1, "dim", 0) % dims == 0 or any(tensor.shape[0] != tensors[0].shape[0] for tensor in tensors):
        raise NotLinearError(_across(call))
    return Form(summands=(0,))


def _masked_fill(call: Call) -> Form:
    if call.option(2, "value") != 0:
        raise NotLinearError("masked_fill with a value other than 0")
    _beside_each_other(call, call.arguments[:2])
    return _only_first(call)


# warp: augmentations/_warping.py
_PLAIN = (
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "bfloat16", "clone", "contiguous", "double", "flatten", "float", "grid_sample", "half", "interpolate", "neg",
    "pixel_shuffle", "pixel_unshuffle", "positive", "reshape", "squeeze", "to", "type", "type_as", "unflatten",
    "unsqueeze", "upsample", "warp",
)  # fmt: skip
_RULES: dict[str, Callable[[Call], Form]] = dict.fromkeys(_PLAIN, _only_first)
_RULES |= dict.fromkeys(("linear", *CONVOLUTIONS), _layer)
_RULES |= {"view": _view, "expand": _expand, "repeat": _repeat, "permute": _permute, "mT": _transposed}
_RULES |= {"getitem": _getitem, "pad": _pad, "masked_fill": _masked_fill, "einsum": _einsum}
_RULES |= {"mul": _factors, "div": _factors, "matmul": _matmul, "bmm": _matmul, "mm": _matmul, "mv": _matmul}
_RULES |= {"add": _summed(0, 1), "sub": _summed(0, 1), "where": _summed(1, 2), "lerp": _summed(0, 1)}
_RULES |= {"cat": _joined, "stack": _joined}
_RULES |= dict.fromkeys(("sum", "mean"), _along((1, "dim", None)))
_RULES |= {"cumsum": _along((1, "dim", None)), "flip": _along((1, "dims", None)), "roll": _along((2, "dims", None))}
_RULES |= {"transpose": _along((1, "dim0", None), (2, "dim1", None)), "unbind": _along((1, "dim", 0))}
_RULES |= {"movedim": _along((1, "source", None), (2, "destination", None))}
_RULES |= dict.fromkeys(("chunk", "split"), _along((2, "dim", 0)))
_RULES |= dict.fromkeys(("select", "narrow", "index_select"), _along((1, "dim", None)))
