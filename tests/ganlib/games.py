"""Small games to play in tests: pictures of noise, networks of a few channels, a training of some rounds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganlib import components, routes
from ganlib.augmentations import Augmentation
from ganlib.batches import RealImages
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.distributed import Team
from ganlib.game import Game, new_game
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.prepared import Split
from ganlib.rules import Rules
from ganlib.settings import TrainSettings
from ganlib.steps import Table
from ganlib.training import lay_table, ready, train

CPU = torch.device("cpu")
routes.WORTH_RECORDING = 0  # so that small games take the route of large ones
SHORT = TrainSettings(
    kimg=0.12, batch_size=8, lr=1e-3, log_every_kimg=0.016, checkpoint_every_kimg=0.04, grid_every_kimg=0.04,
    ema_half_life_kimg=0.02,
)  # fmt: skip


def pictures(n: int = 30, shape: tuple[int, int, int] = (1, 8, 8)) -> Split:
    random = np.random.default_rng(0)
    return Split(random.integers(0, 256, (n, *shape), dtype=np.uint8), np.arange(n, dtype=np.int64) % 3)


def description(
    network: str = "mlp", *, conditional: bool = True, shape: tuple[int, int, int] = (1, 8, 8), **more: Any
) -> Description:
    classes = ("a", "b", "c") if conditional else ()
    counts = (10, 10, 10) if conditional else ()
    return Description(network, {"width": 4, **more.pop("options", {})}, shape, 6, "normal", classes, 0, counts, **more)


def rules(
    settings: TrainSettings = SHORT, loss: str = "relativistic", penalty: str = "r1_r2", augmentation: str = "none",
    **options: dict[str, Any],
) -> Rules:  # fmt: skip
    changed_always = {"p": 0.8} if augmentation != "none" else {}
    return Rules(
        components.build(GanLoss, loss, options.get("loss_options", {}), section="loss"),
        components.build(Penalty, penalty, {"gamma": 0.1, **options.get("penalty_options", {})}, section="penalty"),
        settings,
        components.build(
            Augmentation, augmentation, {**changed_always, **options.get("augmentation_options", {})},
            section="augmentation",
        ),
    )  # fmt: skip


def start(by: Rules, network: str = "mlp", *, conditional: bool = True, **more: Any) -> Game:
    return new_game(description(network, conditional=conditional, **more), by.settings, CPU)


def play(
    folder: Path,
    *,
    network: str = "mlp",
    by: Rules | None = None,
    stop: Callable[[], bool] = lambda: False,
    conditional: bool = True,
    heldout: Split | None = None,
) -> Game:
    game = start(by or rules(), network, conditional=conditional)
    for _ in train(game, by or rules(), pictures(), heldout=heldout, checkpoints=CheckpointFolder(folder), stop=stop):
        pass
    return game


def table(by: Rules, game: Game, data: Split | None = None, team: Team = Team()) -> Table:  # noqa: B008
    """A game that is played step by step; sums and reports are ready."""
    ready(game)
    data = data or pictures(shape=game.description.image_shape)
    reals = RealImages(data, seed=by.settings.seed, conditional=game.conditional, device=CPU, cache_bytes=10**9)
    return lay_table(game, by, reals, team)[0]


def after(rounds: int) -> Callable[[], bool]:
    """A stop that comes after some rounds."""
    asked = iter(range(rounds + 1))
    return lambda: next(asked, None) is None or False


def assert_same(one: Game, other: Game) -> None:
    mine, theirs = one.snapshot(), other.snapshot()
    assert mine.values == theirs.values
    assert mine.tensors.keys() == theirs.tensors.keys()
    for name, tensor in mine.tensors.items():
        assert torch.equal(tensor, theirs.tensors[name]), name
