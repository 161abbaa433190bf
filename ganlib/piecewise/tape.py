"""What a network does with images, written down while it runs, so that it can be done again with their tangents."""

import dataclasses
import functools
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.overrides import TorchFunctionMode

from ..shapes import Images
from .calls import ACTIVATIONS, CONVOLUTIONS, Call, held_activation
from .rules import NotLinearError, constant, form

Verdicts = Float[Tensor, " logits"]
"""Logits, of which each may be that of several images."""

_ALLOCATING = ("linear", *CONVOLUTIONS, "add", "sub", "mul")


@dataclass(frozen=True)
class Slot:
    """Stands for a tensor that depends on the images."""

    index: int


@dataclass(frozen=True)
class Source:
    """Stands for a tensor that depends on parameters and not on images: a parameter, or what was made of some."""

    index: int


@dataclass(frozen=True)
class Offset:
    """Stands for what is added to something that depends on the images, and does not itself."""

    value: Any
    """A source, a constant tensor or a number."""
    rows: int
    dims: int
    """Of what it is added to."""
    dtype: torch.dtype
    """Where the value has none."""
    spread: int = 0
    """Dimensions that the value lacks behind its own."""


@dataclass
class Operation:
    """A call, linear in its slots and offsets together."""

    function: Callable[..., Any]
    arguments: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    bias: Offset | None = None
    """Added to the outcome."""
    in_place: bool = False
    allocates: bool = False
    """Whether its outcome lies in memory of its own."""
    dtypes: list[torch.dtype] = field(default_factory=list)
    autocast: tuple[bool, torch.dtype] = (False, torch.bfloat16)
    edge: GradientEdge | None = None
    """Where the gradient at the outcome can be asked for, if there are sources."""


@dataclass
class Tape:
    """One run of a network."""

    images: Images
    """As the network saw them: a leaf that takes gradients."""
    logits: Verdicts
    operations: list[Operation]
    sources: list[Tensor]

    def backward(self) -> tuple[Images, list[Tensor | None]]:
        """The gradients of each logit: at its images, and at the outcome of each operation that has sources.

        They can be asked for once; what autograd kept for them is free again after that.
        """
        edges = [get_gradient_edge(self.images), *(operation.edge for operation in self.operations if operation.edge)]
        found: tuple[Tensor | None, ...]
        found = torch.autograd.grad(self.logits, edges, torch.ones_like(self.logits), allow_unused=True)
        for operation in self.operations:
            operation.edge = None
        self.logits = self.logits.detach()
        return torch.zeros_like(self.images) if found[0] is None else found[0], list(found[1:])


def record(seen: Callable[[Images], Verdicts], images: Images) -> Tape:
    """Runs the network; NotLinearError names the first function it calls that is not linear in each image alone."""
    leaf = images.detach().requires_grad_()
    recorder = _Recorder(leaf)
    with torch.enable_grad(), recorder:
        logits = seen(leaf)
    if not recorder.depends(logits):
        raise NotLinearError("logits that do not depend on the images")
    recorder.check_rows(len(logits))
    _save_memory(recorder.operations)
    return Tape(leaf, logits, recorder.operations, recorder.sources)


def autocast_state(device: torch.device) -> tuple[bool, torch.dtype]:
    """Whether autocast is on, and to which number format it casts."""
    return torch.is_autocast_enabled(device.type), torch.get_autocast_dtype(device.type)


class _Recorder(TorchFunctionMode):
    """Sees every call of a torch function. Weights take part as constants, so that autograd keeps nothing for them."""

    def __init__(self, images: Images) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.sources: list[Tensor] = []
        self._numbered: dict[int, int] = {}
        self._slots = {id(images): (0, weakref.ref(images))}  # keeps nothing alive that the network lets go
        self._used = 1
        self._rows = [(len(images), "the images")]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        if not any(map(self.depends, (*args, *keywords.values()))):
            return func(*args, **keywords)
        call = Call.of(func, args, keywords, self.depends)
        if constant(call):
            return func(*args, **keywords)
        return self._activation(call) if call.name in ACTIVATIONS else self._linear(call)

    def depends(self, value: Any) -> bool:
        """Whether it is a tensor that depends on the images, or holds one."""
        if isinstance(value, Tensor):
            return self._slot(value) is not None
        return isinstance(value, list | tuple) and any(map(self.depends, value))

    def _slot(self, tensor: Tensor) -> int | None:
        slot, seen = self._slots.get(id(tensor), (None, None))
        return slot if seen is not None and seen() is tensor else None

    def check_rows(self, logits: int) -> None:
        """Each logit must have as many rows of everything as the others."""
        for rows, name in self._rows:
            if rows == 0 or rows % logits:
                raise NotLinearError(f"{name} across images")

    def _activation(self, call: Call) -> Any:
        inputs = call.arguments[0]
        slope = 0.0 if call.name == "relu" else call.option(1, "negative_slope", 0.01)
        slot = Slot(self._slots[id(inputs)][0])
        outcome = call.function(*call.arguments, **call.keywords)
        # The side is read from the tensor that autograd keeps as well, and guards against changes.
        of_outcome = call.in_place or call.name == "relu"
        side = (outcome if of_outcome else inputs).detach()
        held = functools.partial(held_activation, side=side, slope=slope, of_outcome=of_outcome)
        keywords = {"in_place": call.in_place}
        return self._written(Operation(held, [slot], keywords, inputs=[slot.index]), call, outcome)

    def _linear(self, call: Call) -> Any:
        found = form(call)
        operation = Operation(call.function)
        leading = next(tensor for tensor in _tensors(call.arguments) if self.depends(tensor))
        offset = Offset(None, len(leading), leading.dim(), leading.dtype)
        for position, value in enumerate(call.arguments):
            operation.arguments.append(self._mark(value, operation, offset if position in found.summands else None))
        operation.keywords = {name: self._mark(value, operation, None) for name, value in call.keywords.items()}
        outcome = call.function(*map(self._without_weights, call.arguments), **call.keywords)
        if found.bias is not None:
            value, operation.arguments[found.bias] = operation.arguments[found.bias], None
            spread = 0 if call.name == "linear" else outcome.dim() - 2
            operation.bias = Offset(value, len(leading), outcome.dim(), outcome.dtype, spread)
        return self._written(operation, call, outcome)

    def _mark(self, value: Any, operation: Operation, added: Offset | None) -> Any:
        """What the tape holds in place of a value."""
        if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
            return type(value)([self._mark(part, operation, added) for part in value])
        marked = value
        if isinstance(value, Tensor):
            slot = self._slot(value)
            if slot is not None:
                operation.inputs.append(slot)
                return Slot(slot)
            if value.requires_grad:
                marked = Source(self._source(value))
                operation.sources.append(marked.index)
        return marked if added is None else dataclasses.replace(added, value=marked)

    def _source(self, tensor: Tensor) -> int:
        index = self._numbered.setdefault(id(tensor), len(self.sources))
        if index == len(self.sources):
            self.sources.append(tensor)
        return index

    def _without_weights(self, value: Any) -> Any:
        if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
            return type(value)([self._without_weights(part) for part in value])
        weight = isinstance(value, Tensor) and value.requires_grad and not self.depends(value)
        return value.detach() if weight else value

    def _written(self, operation: Operation, call: Call, outcome: Any) -> Any:
        """Adds the operation to the tape and gives slots to what came of it."""
        outcomes = outcome if isinstance(outcome, list | tuple) else [outcome]
        if all(tensor is call.arguments[0] for tensor in outcomes) and not call.in_place:
            return outcome
        for tensor in outcomes:
            if not (isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.requires_grad):
                raise NotLinearError(f"{call.name} without a gradient")
            self._rows.append((len(tensor) if tensor.dim() else 1, call.name))
            slot = self._slot(tensor)
            if slot is None:
                slot, self._used = self._used, self._used + 1
                self._slots[id(tensor)] = (slot, weakref.ref(tensor))
            operation.outputs.append(slot)
            operation.dtypes.append(tensor.dtype)
        operation.in_place = call.in_place
        operation.allocates = call.name in _ALLOCATING and not call.in_place
        operation.autocast = autocast_state(outcomes[0].device)
        if operation.sources:
            if call.in_place and outcome._is_view():
                raise NotLinearError(f"{call.name} of weights into a part of a tensor")  # autograd sees it elsewhere
            operation.edge = get_gradient_edge(outcome)
        self.operations.append(operation)
        return outcome


def _save_memory(operations: list[Operation]) -> None:
    """Lets activations write into their input where nothing else sees it: fresh memory is slow the first time."""
    uses = Counter(slot for operation in operations for slot in operation.inputs)
    fresh = {operation.outputs[0] for operation in operations if operation.allocates}
    for operation in operations:
        if "in_place" in operation.keywords and operation.inputs[0] in fresh and uses[operation.inputs[0]] == 1:
            operation.keywords["in_place"] = True


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in _tensors(part)]
    return [value] if isinstance(value, Tensor) else []
