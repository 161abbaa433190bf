"""torch without its compiler, which takes a process four seconds of a core to import. Nothing here is compiled.

It would be imported to be kept off an optimiser's methods and a count of operations, and to draw a network's first
weights where there is no memory for them.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer
from torch.overrides import TorchFunctionMode

MARK = "__dynamo_disable"
"""Under this name torch keeps, with a function, what to call instead where nothing may be compiled."""


def lighten_optimisers() -> None:
    """Lets optimisers do without the compiler."""
    for method in (Optimizer.add_param_group, Optimizer.zero_grad, Optimizer.state_dict, Optimizer.load_state_dict):
        lighten(method)


def lighten(method: object) -> None:
    """Lets a method that torch keeps off its compiler do without it; nothing, where torch has other books."""
    plain = getattr(method, "__wrapped__", None)
    if plain is not None:
        vars(plain).setdefault(MARK, plain)


def step(optimiser: Optimizer) -> None:
    """As `optimiser.step()`, less its hooks and what it says to the compiler."""
    with torch.no_grad():
        inspect.unwrap(type(optimiser).step)(optimiser)


class Unfilled(TorchFunctionMode):
    """Within it a network's first weights are not drawn: on the device `meta` there is nothing to fill."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """As torch has it: whatever `torch.nn.init` would fill is returned as it is."""
        given = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)
