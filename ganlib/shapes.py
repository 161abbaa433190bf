"""The tensor vocabulary. Shapes in signatures are checked at run time in the tests (jaxtyping and beartype)."""

from typing import Literal

from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

Kind = Literal["pictures", "points"]
"""What a data set holds and a generator makes; as prepared.py has it, which needs no torch."""

Images = Float[Tensor, "batch channels height width"]
"""What networks see: pictures with values in [-1, 1], or points of so many channels at 1x1, as they are."""

Packs = Float[Tensor, "packs pack_channels height width"]
"""Several images as one, channels one after another, as a packing discriminator judges them; else just images."""

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

Features = Float[Tensor, "batch features"]
"""What a discriminator's last layer looks at, one row for each image."""

Numbers = Float[Tensor, "batch numbers"]
"""Random numbers that an augmentation takes, uniform on [0, 1), a row for each image."""

SquaredNorms = Float[Tensor, " batch"]
"""Of the gradient of each image's logit with respect to its pixels, summed over channels, height and width."""

PackLogits = Float[Tensor, " packs"]
"""Logits of packs."""

Scalar = Float[Tensor, ""]
"""One number to descend or to report."""
