"""The tensor vocabulary. Shapes in signatures are checked at run time in the tests (jaxtyping and beartype)."""

from typing import Literal

from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

Kind = Literal["pictures", "points"]
"""What a data set holds and a generator makes; as prepared.py has it, which needs no torch."""

Images = Float[Tensor, "batch channels height width"]
"""What networks see: pictures with values in [-1, 1], or points of so many channels at 1x1, as they are."""

Pixels = UInt8[Tensor, "batch channels height width"]
"""Pictures as files hold them, values in 0..255."""

Points = Float32[Tensor, "batch dimensions 1 1"]
"""Points as files hold them: their coordinates, in no fixed range."""

Stored = Pixels | Points
"""What files hold, and what metrics look at."""

Latents = Float[Tensor, "batch latent"]
"""What the generator starts from."""

Labels = Int64[Tensor, " batch"]
"""Class numbers, 0 up to the number of classes."""

Logits = Float[Tensor, " batch"]
"""What the discriminator says of each image: above 0 where it looks real. Never a probability."""

Scalar = Float[Tensor, ""]
"""One number to descend or to report."""
