"""The tensor vocabulary. Shapes in signatures are checked at run time in the tests (jaxtyping and beartype)."""

from jaxtyping import Float, Int64, UInt8
from torch import Tensor

Images = Float[Tensor, "batch channels height width"]
"""Pictures as networks see them, values in [-1, 1]."""

Pixels = UInt8[Tensor, "batch channels height width"]
"""Pictures as files hold them, values in 0..255."""

Latents = Float[Tensor, "batch latent"]
"""What the generator starts from."""

Labels = Int64[Tensor, " batch"]
"""Class numbers, 0 up to the number of classes."""

Logits = Float[Tensor, " batch"]
"""What the discriminator says of each image: above 0 where it looks real. Never a probability."""

Scalar = Float[Tensor, ""]
"""One number to descend or to report."""
