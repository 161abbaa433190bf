"""How pictures get in front of networks that know one size and three channels; and in how small pieces.

Bilinear interpolation as TensorFlow 1 does it is what FID was defined with, and what torch-fidelity uses throughout.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..shapes import Images, Pixels

Seen = tuple[Tensor, Tensor]

Shown = Pixels | Images
"""Pictures, rounded or not, with values in 0..255."""

UNROUNDED = (0.0, 255.0)
"""Of `FeatureExtractor.unrounded`."""

CHANNELS = (1, 3)
"""Of pictures that networks of photographs look at."""
PIECE = 16
"""Pictures in one forward pass on a CPU: more of them fall out of its caches, and their memory is asked for anew."""

IMAGENET = ((255 * 0.485, 255 * 0.456, 255 * 0.406), (255 * 0.229, 255 * 0.224, 255 * 0.225))
"""(mean, standard deviation) of ImageNet's red, green and blue, which most networks want taken out."""


def in_pieces(look: Callable[[Shown], Seen], pixels: Shown, *, on_cpu: int = PIECE) -> Seen:
    """What `look` sees in each picture, `on_cpu` at a time where that is faster."""
    at_once = on_cpu if pixels.device.type == "cpu" else max(1, len(pixels))
    pieces = [look(piece) for piece in torch.split(pixels, at_once)]
    first, second = (torch.cat(parts) for parts in zip(*pieces, strict=True))
    return first, second


def prepared(
    pixels: Shown, size: int, mean: tuple[float, ...], deviation: tuple[float, ...]
) -> Float32[Tensor, "batch 3 size size"]:
    """Grey repeated to three channels, `mean` taken out, divided by `deviation`, then size x size.

    The small picture is normalised and not the large one, which is the same up to rounding: interpolation takes
    weights that add up to one.
    """
    middle = torch.tensor(mean, device=pixels.device).view(1, -1, 1, 1)
    spread = torch.tensor(deviation, device=pixels.device).view(1, -1, 1, 1)
    normal = (pixels.float() - middle) / spread
    large = resized(normal, size).expand(-1, 3, -1, -1)
    # As `open_extractor` lays out what looks at it.
    layout = torch.channels_last if pixels.device.type == "cpu" else torch.contiguous_format
    return large.contiguous(memory_format=layout)


def resized(
    values: Float32[Tensor, "batch channels height width"], size: int
) -> Float32[Tensor, "batch channels size size"]:
    """Bilinear to size x size as TensorFlow 1 does it: corner pixels aligned by their corners, no smoothing.

    One axis after the other. What grows is multiplied with a small matrix; of what shrinks, two lines are picked.
    """
    return _along_last(_along_last(values, size).mT, size).mT


def _along_last(values: Tensor, size: int) -> Tensor:
    length = values.shape[-1]
    # In float32 as torch-fidelity has it, or some places fall on the other side of a pixel's edge.
    places = torch.arange(size, dtype=torch.float32) * torch.tensor(length / size, dtype=torch.float32)
    low = places.long()
    high = (low + 1).clamp_max(length - 1)
    share = places - low
    if length > size:
        low, high, share = (line.to(values.device) for line in (low, high, share))
        picked = values[..., low]
        return picked + (values[..., high] - picked) * share
    matrix = torch.zeros(length, size)
    columns = torch.arange(size)
    matrix[low, columns] += 1 - share
    matrix[high, columns] += share
    return values @ matrix.to(values.device)


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Wherever a part of the network has a convolution `conv` and its normalisation `bn`, one convolution does both.

    In place. The same up to rounding, and one pass over memory less for each.
    """
    for part in network.modules():
        convolution, normalisation = getattr(part, "conv", None), getattr(part, "bn", None)
        if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
            part.conv = fuse_conv_bn_eval(convolution.eval(), normalisation.eval())
            part.bn = nn.Identity()
    return network
