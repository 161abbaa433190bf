"""Where to compute, and on how many threads."""

from collections.abc import Iterator

import pytest
import torch

from ganlib import components
from ganlib.device import choose, settle_threads
from ganlib.errors import UserError
from ganlib.networks import Fit, NetworkFamily


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("width", "side", "threads"), [(32, 16, 1), (64, 64, 2)])
def test_small_networks_take_one_thread_and_others_all(width: int, side: int, threads: int) -> None:
    fit = Fit((1, side, side), latent_dim=8, n_classes=3)
    discriminator = components.build(NetworkFamily, "dcgan", {"width": width}, section="network").discriminator(fit)
    assert settle_threads(discriminator, fit, batch_size=32) == threads


def test_a_device_that_is_not_there_is_said() -> None:
    with pytest.raises(UserError, match=r"device is 'cuda:77' but this machine has \d+ CUDA devices"):
        choose("cuda:77")


def test_auto_finds_what_there_is() -> None:
    assert choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
