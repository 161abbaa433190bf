"""Where to compute."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from .errors import UserError
from .networks import Discriminator, Fit


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


THREADED_WORK = 200_000_000
"""Operations of one discriminator pass over a batch, below which a second CPU thread costs more than it brings."""


def settle_threads(discriminator: Discriminator, fit: Fit, batch_size: int) -> int:
    """Uses one CPU thread for small networks, all of them for others; returns how many.

    Decided by counting operations and never by timing, because the number of threads decides how sums are rounded,
    and the same training must stay the same.
    """
    images = torch.zeros(1, *fit.image_shape)
    labels = torch.zeros(1, dtype=torch.int64) if fit.n_classes else None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        discriminator(images, labels)
    if counter.get_total_flops() * batch_size < THREADED_WORK:
        torch.set_num_threads(1)
    return torch.get_num_threads()
