"""A name in the settings finds its file, its class and its checked options."""

import pytest

from ganlib import components
from ganlib.errors import UserError
from ganlib.losses import GanLoss
from ganlib.networks import NetworkFamily
from ganlib.penalties import Penalty

INTERFACES = {"losses": GanLoss, "penalties": Penalty, "networks": NetworkFamily}


@pytest.mark.parametrize("folder", INTERFACES)
def test_every_file_of_a_folder_is_a_component_that_builds_with_its_defaults(folder: str) -> None:
    for name in components.names(folder):
        assert isinstance(components.build(INTERFACES[folder], name, {}, section="x"), INTERFACES[folder])


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("r3", {}, "penalty.name is 'r3'; choose one of: none, r1, r1_r2, wgan_gp."),
        ("r1", {"gama": 1.0}, "penalty.gama is not a parameter of r1; did you mean gamma?"),
        (
            "r1",
            {"gamma": "much"},
            "penalty.gamma is 'much'; give a number, or how it changes: "
            "{start: ..., end: ..., over_kimg: ..., shape: ...}.",
        ),
        ("r1", {"gamma": -1.0}, "penalty.gamma is -1.0; it should be greater than or equal to 0."),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_way_out(
    name: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError) as caught:
        components.build(Penalty, name, options, section="penalty")
    assert str(caught.value) == sentence


def test_a_loss_takes_no_options() -> None:
    with pytest.raises(UserError, match=r"loss\.margin is not a parameter of hinge; it takes none\."):
        components.build(GanLoss, "hinge", {"margin": 2}, section="loss")


def test_a_component_cannot_be_changed_after_it_was_built() -> None:
    penalty = components.build(Penalty, "r1", {"gamma": 2.0}, section="penalty")
    with pytest.raises(AttributeError):
        penalty.gamma = 3.0  # type: ignore[attr-defined]
