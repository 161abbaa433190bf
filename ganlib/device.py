"""Where to compute, and how."""

import os

import torch
from torch.utils import flop_counter

from .errors import UserError
from .networks import Discriminator, Fit
from .settings import TrainSettings
from .uncompiled import lighten


def choose(wanted: str, *, local_rank: int = 0) -> torch.device:
    """`auto`: the first CUDA device, else the CPU; UserError where the wanted device is not there.

    Of several processes on a machine, each takes the CUDA device of its number.
    """
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and local_rank:
        wanted = f"cuda:{local_rank}"
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"device is {wanted!r} but this machine has {torch.cuda.device_count()} CUDA devices; "
            f"set device to auto or cpu, or run: nvidia-smi."
        )
    return device


def set_rounding(settings: TrainSettings) -> None:
    """How CUDA may round products, and whether it must round the same way each time; for the whole process."""
    torch.backends.cuda.matmul.fp32_precision = "tf32" if settings.tf32 else "ieee"
    torch.backends.cudnn.fp32_precision = "tf32" if settings.tf32 else "ieee"
    if settings.deterministic:
        # cuBLAS reads this when it first runs.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if settings.deterministic != torch.are_deterministic_algorithms_enabled():  # to say it imports torch's compiler
        torch.use_deterministic_algorithms(settings.deterministic)
    # Kernels chosen by timing them may be others the next time.
    torch.backends.cudnn.benchmark = not settings.deterministic


THREADED_WORK = 200_000_000
"""Operations of one discriminator pass over a batch, below which a second CPU thread costs more than it brings."""


def settle_threads(discriminator: Discriminator, fit: Fit, batch_size: int) -> int:
    """Uses one CPU thread for small networks, all of them for others; returns how many.

    Decided by counting operations and never by timing, because the number of threads decides how sums are rounded,
    and the same training must stay the same.
    """
    if operations(discriminator, fit) * batch_size < THREADED_WORK:
        torch.set_num_threads(1)
    return torch.get_num_threads()


def operations(discriminator: Discriminator, fit: Fit) -> int:
    """Of one pass of one image: two for each multiplication with an addition. Changes nothing in the network."""
    some = next(discriminator.parameters())
    images = torch.zeros(1, *fit.image_shape, device=some.device, dtype=some.dtype)
    labels = torch.zeros(1, dtype=torch.int64, device=some.device) if fit.n_classes else None
    training = discriminator.training
    lighten(getattr(getattr(flop_counter, "_FlopCounterMode", None), "__torch_dispatch__", None))
    with flop_counter.FlopCounterMode(display=False) as counter, torch.no_grad():
        discriminator.eval()(images, labels)
    discriminator.train(training)
    counted: int = counter.get_total_flops()
    return counted
