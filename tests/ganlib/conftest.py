"""For every test of the core: what a step that runs ahead of the host, or is recorded, must not do."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode


class NothingReachesTheHost(TorchDispatchMode):
    """Fails at what reads a value from a device, or makes a shape depend on one."""

    FORBIDDEN = ("_local_scalar_dense", "nonzero", "item", "masked_select", "unique", "equal", "is_nonzero")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().removeprefix("aten::").split(".")[0]
        assert name not in self.FORBIDDEN, f"{name} waits for the device"
        assert not any(isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in args[1:2]) or (
            "index" not in name
        ), f"{name} with a mask has a shape that depends on data"
        return func(*args, **(kwargs or {}))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or the compiler is imported, for seconds


@pytest.fixture
def nothing_reaches_the_host() -> TorchDispatchMode:
    """Within it, reading a value of a tensor is a failure."""
    return NothingReachesTheHost()
