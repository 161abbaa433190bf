"""Two ways to the gradient of D's objective: double backward, and the exact route."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from . import exact, images
from .dealing import Dealer, Hand
from .device import operations
from .errors import UserError
from .game import Game
from .penalties import squared_gradient_norms
from .rules import Rules
from .shapes import Labels, Logits, Numbers, PackLogits, Packs, Scalar, SquaredNorms

WORTH_RECORDING = 30_000_000
"""Operations of one pass over a batch, below which a CPU spends more on recording than double backward costs."""


@dataclass(frozen=True)
class Outcome:
    """What a step of D comes to."""

    gradients: list[Tensor]
    real_logits: Logits
    fake_logits: Logits
    loss: Scalar
    penalty: Scalar


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
        changed = self.rules.augmentation(images.unpacked(packs, together), numbers, self.hand.strength)
        logits: PackLogits = self.game.discriminator(images.packed(changed, together), labels)
        return logits


def by_autograd(judge: Judge, real: Packs, fake: Packs, *, charged: bool) -> Outcome:
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
        mixing = judge.hand.mixing[:: judge.game.description.packing].to(real.dtype).view(-1, 1, 1, 1)
        mixed = torch.lerp(fake, real, mixing).requires_grad_()
        norms = [squared_gradient_norms(mixed, judge.real(mixed))]
    objective = loss.discriminator(real_logits, fake_logits)
    price = _weight(judge) * penalty.total(torch.cat(norms)) if norms else torch.zeros_like(objective)
    gradients = judge.game.discriminator_player.gradients(objective + price)
    return Outcome(gradients, real_logits, fake_logits, objective, price)


def by_the_exact_route(judge: Judge, real: Packs, fake: Packs) -> Outcome:
    """Without double backward, where `takes_the_exact_route` (see exact.py): 4 forwards an image instead of 6."""
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


def _is_small(game: Game, rules: Rules) -> bool:
    packs = game.description.fit.packs(game.description.packing)
    passed = operations(game.discriminator, packs) * rules.settings.batch_size
    return game.device.type == "cpu" and passed < WORTH_RECORDING
