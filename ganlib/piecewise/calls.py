"""Calls of torch functions with tensors that depend on the images, under one plain name each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ACTIVATIONS = ("relu", "leaky_relu")
"""Linear once it is known on which side of 0 their input lies."""

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")

_OPERANDS: dict[str, tuple[str, ...]] = dict.fromkeys(("linear", *CONVOLUTIONS), ("input", "weight", "bias"))
_OPERANDS |= dict.fromkeys(("add", "sub", "mul", "div", "matmul"), ("input", "other"))
_OPERANDS |= {"bmm": ("input", "mat2"), "mm": ("input", "mat2"), "mv": ("input", "vec")}
_OPERANDS |= {"where": ("condition", "input", "other"), "lerp": ("input", "end", "weight")}
_OPERANDS |= {"cat": ("tensors",), "stack": ("tensors",)}

_SPOKEN = {"radd": "add", "rsub": "sub", "subtract": "sub", "rmul": "mul", "multiply": "mul", "truediv": "div"}
_SPOKEN |= {"true_divide": "div", "divide": "div", "concat": "cat", "concatenate": "cat", "negative": "neg"}
_SPOKEN |= {"pos": "positive", "swapaxes": "transpose", "swapdims": "transpose", "moveaxis": "movedim"}
_SPOKEN |= {"rdiv": "division by what depends on the images", "rtruediv": "division by what depends on the images"}
_SPOKEN |= {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div"}

# Take their numbers as one argument each, too.
_SEVERAL = ("expand", "flip", "permute", "repeat")


@dataclass
class Call:
    """A call of a torch function with at least one tensor that depends on the images."""

    function: Callable[..., Any]
    name: str
    in_place: bool
    arguments: list[Any]
    keywords: dict[str, Any]
    depends: Callable[[Any], bool]
    """Whether a value, or one in a sequence of values, is a tensor that depends on the images."""

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        arguments: Iterable[Any],
        keywords: dict[str, Any],
        depends: Callable[[Any], bool],
    ) -> "Call":
        """The call with its operands in the order that this module knows them by."""
        name, in_place = _name(function)
        arguments, keywords = list(arguments), dict(keywords)
        for operand in _OPERANDS.get(name, ("input",))[len(arguments) :]:
            if operand in keywords:
                arguments.append(keywords.pop(operand))
        if function is Tensor.where:
            function, arguments = torch.where, [arguments[1], arguments[0], *arguments[2:]]
        call = cls(function, name, in_place, arguments, keywords, depends)
        if name in ACTIVATIONS:
            call.in_place = bool(in_place or call.option(1 if name == "relu" else 2, "inplace", False))
        return call

    def option(self, position: int, keyword: str, default: Any = None) -> Any:
        """An argument that may be given by position or by keyword."""
        return self.arguments[position] if position < len(self.arguments) else self.keywords.get(keyword, default)

    def numbers(self, position: int, keyword: str, default: Any = None) -> list[int]:
        """Whole numbers given as one, as a sequence or one argument each; empty for none at all."""
        value = self.option(position, keyword, default)
        if isinstance(value, int):
            return self.arguments[position:] if self.name in _SEVERAL else [value]
        return list(value) if value is not None else []


def held_activation(inputs: Tensor, *, side: Tensor, slope: float, of_outcome: bool, in_place: bool) -> Tensor:
    """What an activation does to tangents: they are multiplied by the slope where its input was not above 0."""
    out = {"grad_input": inputs} if in_place else {}
    if slope == 0:
        return torch.ops.aten.threshold_backward(inputs, side, 0, **out)  # type: ignore[no-any-return]
    return torch.ops.aten.leaky_relu_backward(inputs, side, slope, of_outcome, **out)  # type: ignore[no-any-return]


def _name(function: Callable[..., Any]) -> tuple[str, bool]:
    """The plain name of a torch function, and whether it writes into its first argument."""
    name: str = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = function.__self__.__name__  # type: ignore[attr-defined]
    bare = name.strip("_")
    in_place = bare in ("iadd", "isub", "imul", "itruediv") if name.startswith("__") else name.endswith("_")
    return _SPOKEN.get(bare, bare), in_place
