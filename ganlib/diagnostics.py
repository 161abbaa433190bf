"""What the history says beside the losses, and the sentences a person can act on when a game goes wrong."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from . import images
from .augmentations.none import NoAugmentation
from .game import Game
from .latents import draw
from .losses import GanLoss
from .prepared import Split
from .randomness import Purpose, stream
from .rules import Rules
from .schedules import value
from .shapes import Features, Labels, Stored

LOOKED_AT = 128
"""Pictures of each side, and generated ones, that a report looks at; always the same pictures and the same latents."""

ROWS = 5
"""A warning needs so many rows of the history in a row."""

Row = Mapping[str, float]


@dataclass(frozen=True)
class Shown:
    """Some pictures of one side of the split."""

    pixels: Stored
    labels: Labels | None


@dataclass(frozen=True)
class Bystander:
    """Looks at both players at every report and changes neither."""

    game: Game
    rules: Rules
    trained: Shown | None
    heldout: Shown | None
    """Neither is there where nothing is held out."""
    latents: Float[Tensor, "made latent"]
    labels: Int64[Tensor, " made"] | None

    def report(self) -> dict[str, float]:
        """The columns that cost a forward pass of their own."""
        game = self.game
        columns = {
            "discriminator_gradient": float(game.discriminator_player.gradient_norm()),
            "generator_gradient": float(game.generator_player.gradient_norm()),
            "augmentation_p": self._strength(),
        }
        modes = {player: player.training for player in (game.generator, game.discriminator)}
        for player in modes:
            player.eval()  # neither statistics nor power iterations may move
        if self.trained is not None and self.heldout is not None:
            with torch.no_grad():
                columns |= self._opinions(self.trained, self.heldout)
        for player, mode in modes.items():
            player.train(mode)
        return columns

    def _opinions(self, trained: Shown, heldout: Shown) -> dict[str, float]:
        """What D says at this very moment: its logits drift, and a relativistic loss holds their level nowhere."""
        judge = self.game.discriminator.judge
        fake = self._features(self.game.generator(self.latents, self.labels))
        unseen = self._features(images.to_unit_range(heldout.pixels))
        known = self._features(images.to_unit_range(trained.pixels))
        unseen_logits = judge(unseen, heldout.labels)
        on_known, on_fake = float(judge(known, trained.labels).mean()), float(judge(fake, self.labels).mean())
        on_unseen = float(unseen_logits.mean())
        # Karras et al. 2020, eq. 1: 0 where held-out pictures score like training ones, 1 where like generated ones.
        apart = on_known - on_fake
        return {
            "feature_spread": _spread(fake) / max(_spread(unseen), 1e-12),
            "heldout_logit": on_unseen,
            "heldout_accuracy": float((unseen_logits > 0).float().mean()),
            "overfitting": (on_known - on_unseen) / apart if apart > 1e-3 else 0.0,
        }

    def _features(self, pictures: Tensor) -> Features:
        return self.game.discriminator.features(images.packed(pictures, self.game.description.packing))

    def _strength(self) -> float:
        augmentation = self.rules.augmentation
        if augmentation.target is not None:
            return float(self.game.strength)
        return value(augmentation.p, self.game.images_seen)


def bystander(game: Game, rules: Rules, data: Split, heldout: Split | None) -> Bystander:
    """One with its pictures and latents on the game's device."""
    packing = game.description.packing
    count = LOOKED_AT // packing * packing
    trained = unseen = None
    if heldout is not None and min(len(data), len(heldout)) >= packing:
        trained, unseen = _shown(game, data, count), _shown(game, heldout, count)
    random = stream(rules.settings.seed, Purpose.DIAGNOSTICS)
    latents = draw(random, (count, game.description.latent_dim), game.description.latent_distribution)
    classes = torch.arange(count).remainder(max(1, len(game.description.classes)))
    wanted = classes.to(game.device) if game.conditional else None
    return Bystander(game, rules, trained, unseen, torch.from_numpy(latents).to(game.device), wanted)


def _shown(game: Game, split: Split, count: int) -> Shown:
    packing = game.description.packing
    count = min(count, len(split) // packing * packing)
    pixels = torch.from_numpy(split.pixels[:count].copy()).to(game.device)
    labels = torch.from_numpy(split.labels[:count].copy()).to(game.device) if game.conditional else None
    return Shown(pixels, labels)


def _spread(features: Features) -> float:
    """Root of the total variance: how far from one another D sees these pictures."""
    return float(features.float().var(dim=0, unbiased=False).sum().sqrt())


def derived(row: Row, loss: GanLoss) -> dict[str, float]:
    """Columns that follow from others of the same row."""
    if not loss.plays_the_value:
        return {}
    game_value = -row["discriminator_loss"]
    # For the best D, V = -log 4 + 2 JSD (Goodfellow et al. 2014, theorem 1); a lower bound for any other.
    return {"value": game_value, "jensen_shannon": (game_value + math.log(4)) / 2}


def warnings(history: Sequence[Row], rules: Rules) -> list[str]:
    """What begins to be wrong at the newest row: each thing is said when it sets in, and not at every row after."""
    return [sentence for holds, sentence in _signs(rules) if _sets_in(history, holds)]


def _sets_in(history: Sequence[Row], holds: "Sign") -> bool:
    newest, before = history[-ROWS:], history[-ROWS - 1 : -1]
    return len(newest) == ROWS and all(map(holds, newest)) and not (len(before) == ROWS and all(map(holds, before)))


class Sign:
    """A condition on a row: a column above or below a limit."""

    def __init__(self, column: str, *, above: float = math.inf, below: float = -math.inf) -> None:
        self.column, self.above, self.below = column, above, below

    def __call__(self, row: Row) -> bool:
        """Whether it holds; not where the row has no such column."""
        found = row.get(self.column)
        return found is not None and (found > self.above or found < self.below)


def _signs(rules: Rules) -> list[tuple[Sign, str]]:
    steeper = "raise penalty.gamma" if rules.penalty.at != "nowhere" else "set penalty.name to r1_r2"
    plain = isinstance(rules.augmentation, NoAugmentation)
    more = "set augmentation.name to ada" if plain else "raise augmentation.p"
    return [
        (
            Sign("pair_accuracy", above=0.995),
            "D has won: it ranks more than 99.5 % of real images above generated ones, which leaves G hardly a "
            f"gradient; {steeper}, or lower train.lr.",
        ),
        (
            Sign("feature_spread", below=0.1),
            "G is collapsing: to D its pictures differ less than a tenth as much as real ones; use loss.name "
            f"relativistic with penalty.name r1_r2, {steeper}, or set train.packing to 2.",
        ),
        (
            Sign("overfitting", above=0.6),
            "D overfits: it scores held-out pictures more like generated ones than like those it has seen; "
            f"{more}, train on more pictures, or stop here.",
        ),
    ]
