"""When a training goes wrong: numbers that are none any more, and memory that runs out."""

import math

import torch

from .checkpoint import CheckpointFolder
from .errors import UserError
from .game import Game
from .rules import Rules
from .schedules import value


def non_finite(game: Game, report: dict[str, float] | None, *, look_at_weights: bool) -> str | None:
    """What is no number any more: a reported value, or (looked at only before it would be saved) a tensor."""
    if report is not None:
        for name, number in report.items():
            if not math.isfinite(number):
                return name
    return game.non_finite_tensor() if look_at_weights else None


def roll_back(game: Game, rules: Rules, checkpoints: CheckpointFolder, culprit: str) -> str:
    """Returns to the last good checkpoint with half the learning rate, once; the sentence that says so.

    UserError where the settings do not allow it, it was done before, or there is no checkpoint.
    """
    settings = rules.settings
    at = game.images_seen
    snapshot = checkpoints.latest()
    last_good = f"{snapshot.values['images_seen']:,} images" if snapshot else "none"
    if settings.on_non_finite == "stop" or game.rollbacks > 0 or snapshot is None:
        raise UserError(
            f"Training diverged at {at:,} images: {culprit} is not finite (last good checkpoint: {last_good}"
            f"{', one rollback was made already' if game.rollbacks else ''}); lower train.lr, raise penalty.gamma, "
            f"or use the relativistic loss with r1_r2."
        )
    game.restore(snapshot)
    game.lr_scale, game.rollbacks = 0.5 * game.lr_scale, game.rollbacks + 1
    lr = value(settings.lr, game.images_seen) * game.lr_scale
    return f"{culprit} was not finite at {at:,} images: back at {last_good}, learning rate now {lr:g}."


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA and numpy have classes for it; torch's allocator on a CPU has words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def way_out_of_memory(game: Game, rules: Rules) -> str:
    """What to lower."""
    settings = rules.settings
    ways = [f"train.batch_size (now {settings.batch_size})", "network.width"]
    further = ""
    if game.device.type == "cuda":
        ways.append(f"train.device_cache_gb (now {settings.device_cache_gb:g})")
        further = ", set train.precision to bfloat16" if settings.precision == "float32" else ""
        further += ", or spread the batch over several GPUs with train.processes"
    return (
        f"{game.device} ran out of memory at {game.images_seen:,} images; lower {' or '.join(ways)}{further}; "
        f"checkpoints stay."
    )
