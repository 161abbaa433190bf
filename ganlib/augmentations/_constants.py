"""Tensors that are made once for each device."""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor


def on_device(values: Float64[np.ndarray, "..."], device: torch.device, dtype: torch.dtype) -> Tensor:
    """The values as a tensor that may be kept for later calls, whatever this call is made in."""
    # An inference tensor could not be used where gradients are taken.
    with torch.inference_mode(False):
        return torch.from_numpy(values).to(device=device, dtype=dtype)
