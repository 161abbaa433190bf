"""Where to compute."""

import torch

from .errors import UserError


def choose(wanted: str) -> torch.device:
    """`auto`: the first CUDA device, else the CPU. UserError where the wanted device is not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"device is {wanted!r} but this machine has {torch.cuda.device_count()} CUDA devices; "
            f"set device to auto or cpu, or run: nvidia-smi."
        )
    return device
