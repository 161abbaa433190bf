"""A process that trains, saves and loads does without torch's compiler, and nothing is other for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.optim import Adam

from ganlib import components
from ganlib.networks import Fit, NetworkFamily
from ganlib.uncompiled import Unfilled, lighten_optimisers

WHOLE = """
import sys
from pathlib import Path
from ganlib import bundle, scoring
from ganlib.device import set_rounding
from ganlib.features import classifier
from ganlib.metrics import two_sample
from ganlib.prepared import PreparedData
from ganlib.settings import ClassifierSettings
from games import CPU, SHORT, description, pictures, play
set_rounding(SHORT)
game = play(Path("checkpoints"), network="dcgan")
bundle.save_gan(Path("gan"), description("dcgan"), game.averaged, game.discriminator)
bundle.load_generator(Path("gan"))
bundle.load_discriminator(Path("gan"))
classifier.train(PreparedData(pictures(), pictures(), ("a", "b", "c"), ""), ClassifierSettings(epochs=1), device=CPU)
heavy = [name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules]
assert not heavy, heavy
"""


def test_nothing_of_a_training_imports_the_compiler(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WHOLE]
    around = {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **around}, check=False)
    assert done.returncode == 0


def test_an_optimiser_does_what_it_does_otherwise() -> None:
    lighten_optimisers()
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = Adam([weight], lr=0.1)
    weight.sum().backward()
    optimiser.step()
    torch.testing.assert_close(weight.detach(), torch.full((3,), 0.9))
    optimiser.zero_grad()
    assert weight.grad is None
    again = Adam([torch.nn.Parameter(torch.ones(3))], lr=0.3)
    again.load_state_dict(optimiser.state_dict())
    assert again.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("name", components.names("networks"))
def test_an_unfilled_network_has_every_shape_of_a_filled_one(name: str) -> None:
    family = components.build(NetworkFamily, name, {"width": 8}, section="network")
    fit = Fit((1, 32, 32), latent_dim=8, n_classes=3)
    for build in (family.generator, family.discriminator):
        with torch.device("meta"), Unfilled():
            unfilled = build(fit).state_dict()
        assert {name: part.shape for name, part in unfilled.items()} == {
            name: part.shape for name, part in build(fit).state_dict().items()
        }
