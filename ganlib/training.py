"""The step and the loop. Everything random comes from (seed, images seen), so resuming is running it again."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from . import averaging
from .batches import RealImages
from .checkpoint import CheckpointFolder
from .errors import UserError
from .game import Game
from .latents import draw
from .losses import GanLoss
from .penalties import Penalty
from .prepared import Split
from .randomness import Purpose, stream
from .settings import TrainSettings, images_of
from .shapes import Latents, Scalar

REPORTED = ("discriminator_loss", "generator_loss", "penalty", "real_probability", "fake_probability")
"""Means over the rounds since the last report. Probabilities are sigmoid(D); where neither player can gain, a half."""


@dataclass(frozen=True)
class Rules:
    """What the two players play by."""

    loss: GanLoss
    penalty: Penalty
    settings: TrainSettings

    @property
    def total(self) -> int:
        """Length of the training in real images."""
        return images_of(self.settings.kimg)


@dataclass(frozen=True)
class Progress:
    """What the loop says after a round."""

    images_seen: int
    report: dict[str, float] | None = None
    """A new row of the history, where this round ended a log interval."""
    picture_due: bool = False
    """Whether this round ended a grid interval."""
    notice: str | None = None
    """A sentence that a person should read."""


def train(
    game: Game,
    rules: Rules,
    data: Split,
    *,
    checkpoints: CheckpointFolder,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Plays a new game until `rules.total` real images were seen, or until `stop()`; yields after every round.

    Goes on from the newest checkpoint; saves one every `checkpoint_every_kimg`, when stopped, and at the end, each
    after the caller has seen the round it belongs to. The caller may read the game but not change it. UserError
    where a loss or a weight is not finite and a rollback is not allowed or was already made.
    """
    game.sums = torch.zeros(len(REPORTED), device=game.device)
    if (snapshot := checkpoints.latest()) is not None:
        game.restore(snapshot)
        yield Progress(game.images_seen, notice=f"Resumed at {game.images_seen:,} of {rules.total:,} images.")
    _apply_learning_rate(game, rules)
    with _real_images(game, rules, data) as reals:
        while game.images_seen < rules.total and not stop():
            before = game.images_seen
            play_round(game, rules, reals)
            report = _report(game) if _due(rules.settings.log_every_kimg, before, game, rules) else None
            save_due = _due(rules.settings.checkpoint_every_kimg, before, game, rules)
            if (culprit := _non_finite(game, report, look_at_weights=save_due)) is not None:
                yield Progress(game.images_seen, notice=_roll_back(game, rules, checkpoints, culprit))
                continue
            picture_due = _due(rules.settings.grid_every_kimg, before, game, rules)
            yield Progress(game.images_seen, report, picture_due)
            if save_due:
                checkpoints.save(game.images_seen, game.snapshot())
    if 0 < game.images_seen < rules.total and game.non_finite_tensor() is None:
        checkpoints.save(game.images_seen, game.snapshot())


def _real_images(game: Game, rules: Rules, data: Split) -> RealImages:
    settings = rules.settings
    cache_bytes = int(settings.device_cache_gb * 1e9)
    return RealImages(
        data, seed=settings.seed, conditional=game.conditional, device=game.device, cache_bytes=cache_bytes
    )


def play_round(game: Game, rules: Rules, reals: RealImages) -> None:
    """k discriminator steps, one generator step (Goodfellow et al. 2014, Algorithm 1), one step of the average."""
    settings = rules.settings
    seen_before = game.images_seen
    for _ in range(settings.discriminator_steps):
        said = discriminator_step(game, rules, reals)
        game.images_seen += settings.batch_size
    generator_loss = generator_step(game, rules, reals)
    keep = averaging.decay(game.images_seen - seen_before, game.images_seen, images_of(settings.ema_half_life_kimg))
    averaging.update(game.averaged, game.generator, keep)
    game.sums += torch.stack([(said | {"generator_loss": generator_loss})[name] for name in REPORTED])
    game.rounds_summed += 1


def discriminator_step(game: Game, rules: Rules, reals: RealImages) -> dict[str, Scalar]:
    """The discriminator learns to tell a batch of real images from as many generated ones."""
    size = rules.settings.batch_size
    real, labels = reals.batch(Purpose.DISCRIMINATOR_REALS, game.images_seen, size)
    latents = _latents(game, rules, Purpose.DISCRIMINATOR_LATENTS)
    with _autocast(game, rules):
        with torch.no_grad():
            fake = game.generator(latents, labels)
        real.requires_grad_(rules.penalty.on_real)
        fake.requires_grad_(rules.penalty.on_fake)
        real_logits = game.discriminator(real, labels).float()
        fake_logits = game.discriminator(fake, labels).float()
    loss = rules.loss.discriminator(real_logits, fake_logits)
    penalty = rules.penalty(real, real_logits, fake, fake_logits)
    game.discriminator_player.update(loss + penalty)
    return {
        "discriminator_loss": loss.detach(),
        "penalty": penalty.detach(),
        "real_probability": real_logits.detach().sigmoid().mean(),
        "fake_probability": fake_logits.detach().sigmoid().mean(),
    }


def generator_step(game: Game, rules: Rules, reals: RealImages) -> Scalar:
    """The generator learns from the discriminator's gradient alone; it never sees a real image."""
    size = rules.settings.batch_size
    real, labels = reals.batch(Purpose.GENERATOR_REALS, game.images_seen, size)
    latents = _latents(game, rules, Purpose.GENERATOR_LATENTS)
    with _autocast(game, rules):
        fake_logits = game.discriminator(game.generator(latents, labels), labels).float()
        real_logits = None
        if rules.loss.generator_sees_real:
            with torch.no_grad():
                real_logits = game.discriminator(real, labels).float()
    loss = rules.loss.generator(real_logits, fake_logits)
    game.generator_player.update(loss)
    return loss.detach()


def _latents(game: Game, rules: Rules, purpose: Purpose) -> Latents:
    """The noise of this moment."""
    random = stream(rules.settings.seed, purpose, game.images_seen)
    shape = (rules.settings.batch_size, game.description.latent_dim)
    latents = torch.from_numpy(draw(random, shape, game.description.latent_distribution))
    return latents.to(game.device, non_blocking=True)


def _autocast(game: Game, rules: Rules) -> torch.autocast:
    """bfloat16 where asked for, or where `auto` meets a CUDA device that computes in it natively."""
    wanted = rules.settings.precision
    native = game.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    enabled = wanted == "bfloat16" or (wanted == "auto" and native)
    return torch.autocast(game.device.type, dtype=torch.bfloat16, enabled=enabled)


def _apply_learning_rate(game: Game, rules: Rules) -> None:
    for player in (game.generator_player, game.discriminator_player):
        player.set_learning_rate(rules.settings.lr * game.lr_scale)


def _due(every_kimg: float, before: int, game: Game, rules: Rules) -> bool:
    """Whether an interval, or the training, ended since `before`."""
    every = images_of(every_kimg)
    return before // every < game.images_seen // every or game.images_seen >= rules.total


def _report(game: Game) -> dict[str, float]:
    """Closes a log interval: its means become a row of the history. The one place that waits for the device."""
    means = (game.sums / game.rounds_summed).tolist()
    report = {"images_seen": game.images_seen, **dict(zip(REPORTED, means, strict=True))}
    game.history.append(report)
    game.sums.zero_()
    game.rounds_summed = 0
    return report


def _non_finite(game: Game, report: dict[str, float] | None, *, look_at_weights: bool) -> str | None:
    """What is no number any more: a reported mean, or (looked at only before it would be saved) a tensor."""
    if report is not None:
        for name, value in report.items():
            if not math.isfinite(value):
                return name
    return game.non_finite_tensor() if look_at_weights else None


def _roll_back(game: Game, rules: Rules, checkpoints: CheckpointFolder, culprit: str) -> str:
    """Returns to the last good checkpoint with half the learning rate, once; the sentence that says so."""
    at = game.images_seen
    snapshot = checkpoints.latest()
    last_good = f"{snapshot.values['images_seen']:,} images" if snapshot else "none"
    if rules.settings.on_non_finite == "stop" or game.rollbacks > 0 or snapshot is None:
        raise UserError(
            f"Training diverged at {at:,} images: {culprit} is not finite (last good checkpoint: {last_good}"
            f"{', one rollback was made already' if game.rollbacks else ''}); lower train.lr, raise penalty.gamma, "
            f"or use the relativistic loss with r1_r2."
        )
    game.restore(snapshot)
    game.lr_scale, game.rollbacks = 0.5 * game.lr_scale, game.rollbacks + 1
    _apply_learning_rate(game, rules)
    checkpoints.save(game.images_seen, game.snapshot())
    lr = rules.settings.lr * game.lr_scale
    return f"{culprit} was not finite at {at:,} images: back at {last_good}, learning rate now {lr:g}."
