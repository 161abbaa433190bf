"""One step of each player: who sees what, and which gradient that gives. The rounds are in training.py."""

from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from . import exact, images
from .augmentations import Augmentation
from .augmentations.none import NoAugmentation
from .capture import Recorder
from .dealing import Dealer, Hand
from .device import operations
from .distributed import Team
from .errors import UserError
from .game import Game, Player
from .losses import GanLoss
from .penalties import Penalty, squared_gradient_norms
from .settings import TrainSettings, images_of
from .shapes import Images, Labels, Logits, Numbers, PackLogits, Packs, Scalar, SquaredNorms

DISCRIMINATOR_REPORTS = (
    "discriminator_loss", "penalty", "real_probability", "fake_probability", "real_accuracy", "fake_accuracy",
    "pair_accuracy", "real_logit", "fake_logit",
)  # fmt: skip
"""Means over D's steps. Probabilities are sigmoid(D); accuracies the shares judged rightly, above or below 0; of pairs,
the share in which the real image scores higher than the generated one."""

GENERATOR_REPORTS = ("generator_loss",)


UNCHANGED = NoAugmentation()


@dataclass(frozen=True)
class Rules:
    """What the two players play by."""

    loss: GanLoss
    penalty: Penalty
    settings: TrainSettings
    augmentation: Augmentation = UNCHANGED

    @property
    def total(self) -> int:
        """Length of the training in real images."""
        return images_of(self.settings.kimg)


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


@dataclass(frozen=True)
class Outcome:
    """What a step of D comes to."""

    gradients: list[Tensor]
    real_logits: Logits
    fake_logits: Logits
    loss: Scalar
    penalty: Scalar


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
    if game.strength is hand.strength:
        _adapt(table)


def discriminator_gradients(table: Table, hand: Hand, *, charged: bool) -> list[Tensor]:
    """Of D's objective; what it says on the way is added to the sums."""
    game, rules = table.game, table.rules
    assert hand.real is not None
    real = _at_the_door(table, images.to_unit_range(hand.real).detach())
    with torch.no_grad():
        fake = _at_the_door(table, game.generator(hand.latents, hand.labels))
    find = _by_the_exact_route if table.exact and charged else _by_autograd
    said = find(Judge(game, rules, hand), real, fake, charged=charged)
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


@dataclass(frozen=True)
class Judge:
    """The discriminator with what stands before it: every image is augmented, then packed."""

    game: Game
    rules: Rules
    hand: Hand

    def real(self, packs: Packs) -> PackLogits:
        """Of real images."""
        return self._says(packs, self.hand.real_numbers, self.hand.labels)

    def fake(self, packs: Packs) -> PackLogits:
        """Of generated images, which were asked for with the labels of the real ones."""
        return self._says(packs, self.hand.fake_numbers, self.hand.labels)

    def both(self, packs: Packs) -> PackLogits:
        """Of real images and then as many generated ones in one pass."""
        labels = None if self.hand.labels is None else self.hand.labels.repeat(2)
        return self._says(packs, torch.cat([self.hand.real_numbers, self.hand.fake_numbers]), labels)

    def _says(self, packs: Packs, numbers: Numbers, labels: Labels | None) -> PackLogits:
        together = self.game.description.packing
        if not isinstance(self.rules.augmentation, NoAugmentation):
            changed = self.rules.augmentation(images.unpacked(packs, together), numbers, self.hand.strength)
            packs = images.packed(changed, together)
        logits: PackLogits = self.game.discriminator(packs, labels)
        return logits


def _by_autograd(judge: Judge, real: Packs, fake: Packs, *, charged: bool) -> Outcome:
    """By double backward where there is a penalty; each image goes through D once for the loss."""
    loss, penalty = judge.rules.loss, judge.rules.penalty
    at = penalty.at if charged else "nowhere"
    norms: list[SquaredNorms] = []
    if at == "real" or judges_batches(judge.game.discriminator):
        # Apart, or the generated half would be carried through the penalty's backward for nothing.
        real_logits = judge.real(real.requires_grad_(at in ("real", "both")))
        fake_logits = judge.fake(fake.requires_grad_(at == "both"))
        sides = {"real": [(real, real_logits)], "both": [(real, real_logits), (fake, fake_logits)]}
        norms = [squared_gradient_norms(*side) for side in sides.get(at, [])]
    else:
        both = torch.cat([real, fake]).requires_grad_(at == "both")
        logits = judge.both(both)
        norms = [squared_gradient_norms(both, logits)] if at == "both" else []
        real_logits, fake_logits = logits.chunk(2)
    if at == "between":
        mixing = judge.hand.mixing[: len(real)].to(real.dtype).view(-1, 1, 1, 1)
        mixed = torch.lerp(fake, real, mixing).requires_grad_()
        norms = [squared_gradient_norms(mixed, judge.real(mixed))]
    objective = loss.discriminator(real_logits, fake_logits)
    price = _weight(judge) * penalty.total(torch.cat(norms)) if norms else torch.zeros_like(objective)
    gradients = judge.game.discriminator_player.gradients(objective + price)
    return Outcome(gradients, real_logits, fake_logits, objective, price)


def _by_the_exact_route(judge: Judge, real: Packs, fake: Packs, *, charged: bool) -> Outcome:
    """Without double backward: GAN steps of `4 F_d` an image instead of `6 F_d` (see exact.py)."""
    assert charged
    loss, penalty = judge.rules.loss, judge.rules.penalty
    judged = len(real) if penalty.at == "real" else 2 * len(real)

    def price(norms: SquaredNorms) -> Scalar:
        return _weight(judge) * penalty.total(norms[:judged])

    found = exact.gradients(
        judge.both,
        torch.cat([real, fake]),
        parameters=judge.game.discriminator_player.parameters,
        loss=lambda logits: loss.discriminator(*logits.chunk(2)),
        price=price,
    )
    real_logits, fake_logits = found.logits.chunk(2)
    return Outcome(found.weights, real_logits, fake_logits, found.loss, price(found.squared_norms))


def _weight(judge: Judge) -> Scalar:
    return judge.rules.penalty.every * judge.hand.gamma


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
    if game.steps_summed["discriminator"] % ADAPTED_EVERY == 0:
        table.team.average_([game.sums["signs"]])
        excess = game.sums["signs"] / ADAPTED_EVERY - augmentation.target
        change = ADAPTED_EVERY * table.rules.settings.batch_size / (1000 * augmentation.adjust_kimg)
        game.strength.add_(excess.sign() * change).clamp_(0, 1)
        game.sums["signs"].zero_()


ADAPTED_EVERY = 4
"""Steps of D over which the signs are averaged (Karras et al. 2020)."""


def judges_batches(discriminator: nn.Module) -> bool:
    """Whether D looks at other images of a batch to judge one."""
    return any(isinstance(module, _BatchNorm) for module in discriminator.modules())


def takes_the_exact_route(game: Game, rules: Rules, dealer: Dealer) -> tuple[bool, str | None]:
    """Whether the exact route is taken, and where it could be but is not, why; UserError where asked for in vain."""
    wanted, penalty = rules.settings.penalty_route, rules.penalty
    if wanted == "autograd" or penalty.at == "nowhere" or (wanted == "auto" and _is_small(game, rules)):
        return False, None
    if penalty.at == "between":
        why: str | None = "the penalty looks at points between real and generated images"
    else:
        hand = dealer.discriminator(0)
        assert hand.real is not None
        real = images.packed(images.to_unit_range(hand.real).detach(), game.description.packing)
        why = exact.why_not(Judge(game, rules, hand).both, torch.cat([real, real]))
    if why is not None and wanted == "exact":
        raise UserError(
            f"train.penalty_route is exact but the exact route does not hold here: {why}; set it to auto or autograd."
        )
    return why is None, why


WORTH_RECORDING = 30_000_000
"""Operations of one pass over a batch, below which a CPU spends more on recording than double backward costs."""


def _is_small(game: Game, rules: Rules) -> bool:
    packs = game.description.fit.packs(game.description.packing)
    passed = operations(game.discriminator, packs) * rules.settings.batch_size
    return game.device.type == "cpu" and passed < WORTH_RECORDING
