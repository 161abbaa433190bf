"""Whole steps as CUDA graphs: recorded once, then replayed with one launch. Small networks wait for launches alone."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import torch

WARM_UP = 3
"""Steps that are played before one is recorded: libraries choose their kernels and get their workspace in them."""

Step = Callable[[], Any]


@dataclass
class Recorder:
    """Plays a step as it is, or from its recording.

    A recorded step must read and write storage that stays where it is from one step to the next, must not wait for
    the device, and gets what changes (batches, noise, rates) through that storage. Where recording fails, steps are
    played as they are from then on and `why_not` says why.
    """

    device: torch.device
    wanted: bool = True
    why_not: str | None = None
    played: dict[Hashable, int] = field(default_factory=dict)
    recorded: dict[Hashable, tuple["torch.cuda.CUDAGraph", Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wanted = self.wanted and self.device.type == "cuda"
        self.aside = torch.cuda.Stream(self.device) if self.wanted else None  # type: ignore[no-untyped-call]

    def play(self, name: Hashable, step: Step) -> Any:
        """What `step` returns; from a recording, the same tensors each time with new content.

        `name` stands for all that decides which operations the step consists of.
        """
        if not self.wanted:
            return step()
        if name in self.recorded:
            graph, outcome = self.recorded[name]
            graph.replay()
            return outcome
        self.played[name] = self.played.get(name, 0) + 1
        if self.played[name] > WARM_UP and self._record(name, step):
            return self.play(name, step)
        return self._aside(step)

    def forget(self) -> None:
        """Drops the recordings, before storage that they use goes away."""
        self.recorded.clear()
        self.played.clear()

    def _aside(self, step: Step) -> Any:
        """On a stream of its own, where capture will be: some libraries keep a workspace for each stream."""
        assert self.aside is not None
        self.aside.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.aside):
            outcome = step()
        torch.cuda.current_stream(self.device).wait_stream(self.aside)
        return outcome

    def _record(self, name: Hashable, step: Step) -> bool:
        graph = torch.cuda.CUDAGraph()
        try:
            torch.cuda.synchronize(self.device)
            # Other threads, such as the one that reads ahead, may go on using CUDA meanwhile.
            with torch.cuda.graph(graph, stream=self.aside, capture_error_mode="thread_local"):
                outcome = step()
        except RuntimeError as error:
            torch.cuda.synchronize(self.device)
            self.forget()
            self.wanted = False
            self.why_not = str(error).strip().splitlines()[0]
            return False
        self.recorded[name] = (graph, outcome)
        return True
