"""A recorded network played again on tangents of its images, which gives the gradients of its weights on the way."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from ..shapes import Images
from .tape import Offset, Operation, Slot, Source, Tape, Verdicts, autocast_state


def weight_gradients(
    tape: Tape, tangents: Images, by_logit: Verdicts, at_outcomes: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """For each source what the given gradients at the outcomes make of these tangents; none where it has no part.

    `by_logit` multiplies all offsets.
    """
    return _Replay(tape, by_logit).run(tangents, list(at_outcomes))


def for_each_row(of_each_logit: Verdicts, rows: int) -> Tensor:
    """What belongs to a logit, for each of the rows that belong to it."""
    each = rows // len(of_each_logit)
    return of_each_logit if each == 1 else of_each_logit[:, None].expand(-1, each).reshape(rows)


class _Replay:
    def __init__(self, tape: Tape, by_logit: Verdicts) -> None:
        self._tape = tape
        self._by_logit = by_logit
        self._leaves = [source.detach().requires_grad_() for source in tape.sources]
        self._found: list[Tensor | None] = [None] * len(tape.sources)
        self._tangents: dict[int, Tensor] = {}

    def run(self, start: Images, at_outcomes: list[Tensor | None]) -> list[Tensor | None]:
        self._tangents[0] = start
        at_outcomes.reverse()
        for operation, last_used in _worth_playing(self._tape.operations):
            outcome = self._play(operation, at_outcomes.pop() if operation.sources else None)
            for slot, dtype, tangent in zip(operation.outputs, operation.dtypes, outcome, strict=True):
                self._tangents[slot] = tangent if tangent.dtype == dtype else tangent.to(dtype)
            for slot in last_used:
                del self._tangents[slot]
        return self._found

    def _play(self, operation: Operation, gradient: Tensor | None) -> Sequence[Tensor]:
        with self._precision(operation), torch.set_grad_enabled(gradient is not None):
            # Its own memory, where the outcome would otherwise overwrite what other slots may show.
            copied = operation.in_place and gradient is not None
            arguments = [self._value(mark) for mark in operation.arguments]
            if copied:
                arguments[0] = arguments[0].clone()
            keywords = {name: self._value(mark) for name, mark in operation.keywords.items()}
            outcome = operation.function(*arguments, **keywords)
            if operation.bias is not None:
                outcome = outcome.add_(self._value(operation.bias))
        if gradient is None:
            return outcome if isinstance(outcome, list | tuple) else (outcome,)
        self._add_weight_gradients(operation, outcome, gradient)
        outcome = outcome.detach()
        return (self._value(operation.arguments[0]).copy_(outcome) if copied else outcome,)

    def _add_weight_gradients(self, operation: Operation, outcome: Tensor, gradient: Tensor) -> None:
        sources = list(dict.fromkeys(operation.sources))
        gradients = torch.autograd.grad(outcome, [self._leaves[source] for source in sources], gradient)
        for source, more in zip(sources, gradients, strict=True):
            before = self._found[source]
            self._found[source] = more if before is None else before + more

    def _value(self, mark: Any) -> Any:
        if isinstance(mark, Slot):
            return self._tangents[mark.index]
        if isinstance(mark, Source):
            return self._leaves[mark.index]
        if isinstance(mark, Offset):
            return self._offset(mark)
        if isinstance(mark, list | tuple) and not isinstance(mark, torch.Size):
            return type(mark)([self._value(part) for part in mark])
        return mark

    def _offset(self, mark: Offset) -> Tensor:
        value = self._value(mark.value)
        dtype = mark.dtype
        if isinstance(value, Tensor):
            dtype = value.dtype if value.is_floating_point() else dtype
            value = value.view(*value.shape, *(1,) * mark.spread) if mark.spread else value
        factors = for_each_row(self._by_logit, mark.rows).to(dtype)
        offset: Tensor = factors.view(-1, *(1,) * (mark.dims - 1)) * value
        return offset

    def _precision(self, operation: Operation) -> AbstractContextManager[Any]:
        """Autocast as it was when the operation was recorded."""
        device, (enabled, dtype) = self._by_logit.device, operation.autocast
        if autocast_state(device) == operation.autocast or not (enabled or autocast_state(device)[0]):
            return nullcontext()
        return torch.autocast(device.type, dtype=dtype, enabled=enabled, cache_enabled=False)


def _worth_playing(operations: list[Operation]) -> list[tuple[Operation, list[int]]]:
    """Those that lead to an operation with sources, each with the slots that nothing needs after it."""
    needed: set[int] = set()
    played: list[tuple[Operation, list[int]]] = []
    for operation in reversed(operations):
        # What writes into its input may write into what other slots show.
        if operation.sources or operation.in_place or needed.intersection(operation.outputs):
            touched = {*operation.inputs, *operation.outputs}
            played.append((operation, sorted(touched - needed)))
            needed.update(touched)
    return played[::-1]
