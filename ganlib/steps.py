"""One step of each player: who sees what, and which gradient that gives. The rounds are in training.py."""

from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

from . import images
from .capture import Recorder
from .dealing import Dealer, Hand
from .distributed import Team
from .game import Game, Player
from .routes import Judge, by_autograd, by_the_exact_route
from .rules import Rules
from .shapes import Images, Packs

DISCRIMINATOR_REPORTS = (
    "discriminator_loss", "penalty", "real_probability", "fake_probability", "real_accuracy", "fake_accuracy",
    "pair_accuracy", "real_logit", "fake_logit",
)  # fmt: skip
"""Means over D's steps. Probabilities are sigmoid(D); accuracies the shares judged rightly, above or below 0; of pairs,
the share in which the real image scores higher than the generated one."""

GENERATOR_REPORTS = ("generator_loss",)

ADAPTED_EVERY = 4
"""Steps of D over which the signs are averaged that an adapting augmentation watches (Karras et al. 2020)."""


@dataclass(frozen=True)
class Table:
    """Where a game is played: with whom, by which rules, and how this machine does it."""

    game: Game
    rules: Rules
    dealer: Dealer
    recorder: Recorder
    team: Team
    exact: bool
    """Whether the penalty's gradient is found without double backward."""


def discriminator_step(table: Table, *, charged: bool) -> None:
    """The discriminator learns to tell a batch of real images from as many generated ones.

    `charged`: whether it pays its penalty at this step.
    """
    game, recorder = table.game, table.recorder
    hand = table.dealer.discriminator(game.images_seen)
    kind = ("discriminator", charged)
    gradients = recorder.play(kind, lambda: discriminator_gradients(table, hand, charged=charged))
    table.team.average_(gradients)
    _update(recorder, game.discriminator_player, kind, gradients)
    game.steps_summed["discriminator"] += 1
    if table.rules.augmentation.target is not None:
        _adapt(table)


def discriminator_gradients(table: Table, hand: Hand, *, charged: bool) -> list[Tensor]:
    """Of D's objective; what it says on the way is added to the sums."""
    game, rules = table.game, table.rules
    assert hand.real is not None
    real = _at_the_door(table, images.to_unit_range(hand.real).detach())
    with torch.no_grad():
        fake = _at_the_door(table, game.generator(hand.latents, hand.labels))
    judge = Judge(game, rules, hand)
    if table.exact and charged:
        said = by_the_exact_route(judge, real, fake)
    else:
        said = by_autograd(judge, real, fake, charged=charged)
    real_logits, fake_logits = said.real_logits.detach(), said.fake_logits.detach()
    reports = (
        said.loss.detach(), said.penalty.detach(), real_logits.sigmoid().mean(), fake_logits.sigmoid().mean(),
        (real_logits > 0).float().mean(), (fake_logits < 0).float().mean(), (real_logits > fake_logits).float().mean(),
        real_logits.mean(), fake_logits.mean(),
    )  # fmt: skip
    game.sums["discriminator"] += torch.stack([report.float() for report in reports])
    if rules.augmentation.target is not None:
        game.sums["signs"] += real_logits.sign().mean()
    return said.gradients


def generator_step(table: Table) -> None:
    """The generator learns from the discriminator's gradient alone; it never sees a real image."""
    hand = table.dealer.generator(table.game.images_seen)
    kind = ("generator",)
    gradients = table.recorder.play(kind, lambda: generator_gradients(table, hand))
    table.team.average_(gradients)
    _update(table.recorder, table.game.generator_player, kind, gradients)
    table.game.steps_summed["generator"] += 1


def generator_gradients(table: Table, hand: Hand) -> list[Tensor]:
    """Of G's objective; its value is added to the sums."""
    game, loss = table.game, table.rules.loss
    judge = Judge(game, table.rules, hand)
    fake_logits = judge.fake(_at_the_door(table, game.generator(hand.latents, hand.labels)))
    real_logits = None
    if loss.generator_sees_real:
        assert hand.real is not None
        with torch.no_grad():
            real_logits = judge.real(_at_the_door(table, images.to_unit_range(hand.real)))
    objective = loss.generator(real_logits, fake_logits)
    game.sums["generator"] += objective.detach().float()
    return game.generator_player.gradients(objective)


def _at_the_door(table: Table, pictures: Images) -> Packs:
    return images.packed(pictures, table.game.description.packing)


def _update(recorder: Recorder, player: Player, kind: tuple[Hashable, ...], gradients: list[Tensor]) -> None:
    """Recorded too, for the gradients of each kind of step, where the optimiser's rates lie on the device."""
    if player.optimizer.defaults["capturable"]:
        recorder.play(("update", *kind), lambda: player.update(gradients))
    else:
        player.update(gradients)


def _adapt(table: Table) -> None:
    """Moves p by the sign of how far D's mean sign on reals is from its target (Karras et al. 2020, section 3.2)."""
    game, augmentation = table.game, table.rules.augmentation
    assert augmentation.target is not None
    if (game.images_seen // table.rules.settings.batch_size + 1) % ADAPTED_EVERY == 0:
        table.team.average_([game.sums["signs"]])
        excess = game.sums["signs"] / ADAPTED_EVERY - augmentation.target
        change = ADAPTED_EVERY * table.rules.settings.batch_size / (1000 * augmentation.adjust_kimg)
        game.strength.add_(excess.sign() * change).clamp_(0, 1)
        game.sums["signs"].zero_()
