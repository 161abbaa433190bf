"""docs/how-gans-work.md cites code that is there and says of it what it computes."""

import importlib
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib import components
from ganlib.losses import GanLoss
from ganlib.playing import densities

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/how-gans-work.md").read_text(encoding="utf-8")
CITED = re.findall(r"\[`([\w.]+)`\]\(\.\./(ganlib/[\w/]+)\.py\)", TEXT)


def test_there_are_citations_and_no_link_escapes_the_check() -> None:
    assert len(CITED) >= 15
    assert len(CITED) == TEXT.count("](../")


@pytest.mark.parametrize(("name", "module"), sorted(set(CITED)))
def test_every_cited_name_is_in_its_file(name: str, module: str) -> None:
    found = importlib.import_module(module.replace("/", "."))
    for part in name.split("."):
        found = getattr(found, part)
    assert found.__module__ == module.replace("/", ".")


@pytest.mark.parametrize("picture", re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT))
def test_every_picture_is_there_and_small(picture: str) -> None:
    assert 0 < (ROOT / "docs" / picture).stat().st_size < 400_000


def test_its_numbers_are_the_codes_own() -> None:
    ends = re.findall(r"(?:−log 4|log 2) = (−?\d\.\d{4})", TEXT)  # noqa: RUF001
    same, apart = np.array([0.3, 0.7]), (np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    best = densities.best_discriminator(same, same)
    assert [float(end.replace("−", "-")) for end in ends] == [  # noqa: RUF001
        round(densities.jensen_shannon(*apart), 4), round(densities.game_value(same, same, best), 4),
    ]  # fmt: skip
    logits = torch.zeros(3)
    for name in ("minimax", "non_saturating"):
        loss = components.build(GanLoss, name, {}, section="loss")
        assert -float(loss.discriminator(logits, logits)) == pytest.approx(-math.log(4))
    game = components.build(GanLoss, "relativistic", {}, section="loss")
    real, fake = torch.tensor([0.3]), torch.tensor([1.1])
    assert float(game.generator(real, fake)) == pytest.approx(math.log1p(math.exp(-(1.1 - 0.3))))
