"""Pictures are enlarged, normalised and shown in pieces without changing what anybody sees."""

import pytest
import torch
from torch import nn

from ganlib.features._pictures import IMAGENET, PIECE, fold_batch_norms, in_pieces, prepared, resized


def pixels(count: int, channels: int, height: int, width: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, height, width), generator=random, dtype=torch.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (9, 12), (32, 32), (28, 300), (299, 299), (40, 23), (400, 301)])
@pytest.mark.parametrize("size", [32, 224, 299])
def test_pictures_are_resized_as_torch_fidelity_does(shape: tuple[int, int], size: int) -> None:
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    values = pixels(2, 3, *shape).float()
    expected = interpolate_bilinear_2d_like_tensorflow1x(values, size=(size, size), align_corners=False)
    # Of 255, three units in the last place.
    assert torch.allclose(resized(values, size), expected, rtol=0, atol=1e-4)


def test_grey_is_repeated_and_each_colour_has_its_own_mean() -> None:
    grey = pixels(2, 1, 8, 8)
    mean, deviation = IMAGENET
    shown = prepared(grey, 16, mean, deviation)
    assert torch.equal(shown, prepared(grey.repeat(1, 3, 1, 1), 16, mean, deviation))
    back = shown * torch.tensor(deviation).view(1, 3, 1, 1) + torch.tensor(mean).view(1, 3, 1, 1)
    assert torch.allclose(back, resized(grey.float(), 16).expand(-1, 3, -1, -1), atol=1e-3)


@pytest.mark.parametrize("count", [0, 1, PIECE, 2 * PIECE + 1])
def test_no_picture_is_lost_between_pieces(count: int) -> None:
    shown: list[int] = []

    def look(piece: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        shown.append(len(piece))
        return piece.flatten(1).float(), piece[:, 0, 0].float()

    given = pixels(count, 1, 2, 3)
    first, second = in_pieces(look, given)
    assert torch.equal(first, given.flatten(1).float())
    assert torch.equal(second, given[:, 0, 0].float())
    assert max(shown) <= PIECE


def test_a_folded_normalisation_is_the_same_function() -> None:
    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, eps=0.001)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.bn(self.conv(x))

    torch.manual_seed(0)
    network = nn.Sequential(Part()).eval()
    network[0].bn.running_mean.normal_()
    network[0].bn.running_var.uniform_(0.1, 2)
    images = torch.randn(2, 3, 8, 8)
    expected = network(images)
    assert torch.allclose(fold_batch_norms(network)(images), expected, atol=1e-5)
    assert isinstance(network[0].bn, nn.Identity)
