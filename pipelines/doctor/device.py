"""What trains: a CUDA device that works, or the CPU."""

import shutil
import warnings
from collections.abc import Iterator

from pipelines import stage

from . import Circumstances, Finding, State

GROUP = "device"
LITTLE_BYTES = 2e9


def check(circumstances: Circumstances) -> Iterator[Finding]:
    """Whether CUDA works where there is a driver for it, and whether the device of params.yaml is there."""
    import torch

    from ganlib.device import choose

    reason = why_no_cuda()
    if reason is None:
        yield from each_device()
    elif shutil.which("nvidia-smi") is None:
        yield Finding(GROUP, State.OK, f"no GPU; {stage.cores()} CPU cores, torch {torch.__version__}")
    elif torch.version.cuda is None:
        says = f"there is an NVIDIA driver, but torch {torch.__version__} was built without CUDA."
        yield Finding(GROUP, State.WRONG, says, "Install one with: https://pytorch.org/get-started/locally")
    else:
        says = f"there is an NVIDIA driver, but CUDA {torch.version.cuda} does not work: {reason}."
        yield Finding(GROUP, State.WRONG, says, "Update the driver, or install a build of torch for an older CUDA.")
    if (settings := circumstances.known_settings) is not None:
        choose(settings.device)  # a UserError becomes a finding


def why_no_cuda() -> str | None:
    """None where CUDA works."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.zeros(1, device="cuda")
    except (RuntimeError, AssertionError) as error:
        return " ".join(str(error).split()).rstrip(".")
    return None


def each_device() -> Iterator[Finding]:
    """Its name and memory."""
    import torch

    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        says = f"cuda:{number} {torch.cuda.get_device_name(number)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
        if free < LITTLE_BYTES:
            yield Finding(GROUP, State.WRONG, f"{says}.", "See who uses it: nvidia-smi")
        else:
            yield Finding(GROUP, State.OK, says)
