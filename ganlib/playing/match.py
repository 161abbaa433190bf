"""A game played from its first round to its last, with what both players looked like on the way."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, UInt8

from ..checkpoint import CheckpointFolder
from ..datasets.gaussians import BLOCK, Layout, draw, mixture
from ..game import Game, new_game
from ..latents import sample_latents
from ..losses import GanLoss
from ..losses.minimax import Minimax
from ..losses.non_saturating import NonSaturating
from ..prepared import Split
from ..training import train
from . import densities
from .recipes import Recipe

POINTS = 10 * BLOCK
"""That D is shown, over and over."""
MOMENTS, FRAMES = 121, 41
"""At which numbers are taken, and at which the game is also looked at: the first and the last are among both."""
PACE = 1.6
"""Moments lie closer together early on, where more happens."""
REACH = {"line": 2.8, "ring": 1.6, "grid": 5.0}
"""Of what is looked at, on both sides of zero."""
BINS, PIECES, ARROWS = 112, 2000, 29
SHOWN, JUDGED, FIELD = 400, 1024, 40
HELD = 0.25
"""Of its fair share of the generated points: with so many near it, a mode is held."""

Plane = Float64[np.ndarray, "n 2"]


@dataclass(frozen=True)
class LineView:
    """Densities and D over the middles of the bins, and where G takes evenly spaced latents."""

    generated: densities.Curve
    discriminator: densities.Curve
    best: densities.Curve
    arrows: Float64[np.ndarray, " arrows"]


@dataclass(frozen=True)
class PlaneView:
    """Generated points, and what D says over a square, 0 to 255, its first row at the top."""

    points: Plane
    field: UInt8[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Moment:
    """The game after a round."""

    round: int
    numbers: dict[str, float]
    view: LineView | PlaneView | None


@dataclass(frozen=True)
class Match:
    """A whole game."""

    recipe: Recipe
    moments: tuple[Moment, ...]

    @property
    def frames(self) -> list[Moment]:
        """Moments at which the game was looked at."""
        return [moment for moment in self.moments if moment.view is not None]

    def curve(self, name: str) -> list[tuple[int, float]]:
        """(round, number) wherever there is one."""
        return [(moment.round, moment.numbers[name]) for moment in self.moments if name in moment.numbers]


def play(recipe: Recipe) -> Iterator[Match]:
    """Plays it on one thread of the CPU and yields it once, whole; equal recipes are equal matches to the last bit."""
    torch.set_num_threads(1)
    rules, description = recipe.rules(), recipe.description()
    game = new_game(description, rules.settings, torch.device("cpu"))
    data = points(recipe.layout, recipe.seed)
    looks = look_at_line if recipe.layout == "line" else look_at_plane
    due = rounds_looked_at(recipe.rounds)
    moments = [looks(game, rules.loss, recipe, data, 0, due.pop(0))]
    each = recipe.batch_size * recipe.discriminator_steps
    with tempfile.TemporaryDirectory() as folder:
        for progress in train(game, rules, data, checkpoints=CheckpointFolder(Path(folder))):
            number = progress.images_seen // each
            if number in due:
                moments.append(looks(game, rules.loss, recipe, data, number, due.pop(number)))
    yield Match(recipe, tuple(moments))


def rounds_looked_at(rounds: int) -> dict[int, bool]:
    """The moments, and whether each is a frame."""
    shares = np.linspace(0, 1, MOMENTS) ** PACE
    numbers = sorted({round(rounds * share) for share in shares.tolist()})
    framed = set(np.linspace(0, len(numbers) - 1, min(FRAMES, len(numbers))).round().astype(int).tolist())
    return {number: place in framed for place, number in enumerate(numbers)}


def points(layout: Layout, seed: int) -> Split:
    """The first points of a seed."""
    places = np.concatenate([draw(layout, seed, block)[0] for block in range(math.ceil(POINTS / BLOCK))])[:POINTS]
    return Split(places.astype(np.float32)[:, :, np.newaxis, np.newaxis], np.zeros(POINTS, np.int64))


def edges() -> densities.Edges:
    """Of the bins of the line."""
    return np.linspace(-REACH["line"], REACH["line"], BINS + 1)


@torch.no_grad()
def look_at_line(game: Game, loss: GanLoss, recipe: Recipe, data: Split, number: int, framed: bool) -> Moment:
    """Both densities are known exactly, up to the width of a bin."""
    bounds = edges()
    width = bounds[1] - bounds[0]
    latents = torch.linspace(-1, 1, PIECES + 1).unsqueeze(1)
    made = _coordinates(game.generator(latents)).ravel()
    real, generated = densities.of_data(mixture("line"), bounds), densities.of_images(made, bounds)
    places = np.concatenate([bounds[:1], (bounds[:-1] + bounds[1:]) / 2, bounds[-1:]])
    says = _probabilities(game, places[:, np.newaxis])
    best = densities.best_discriminator(real, generated)
    numbers = {
        "value": densities.game_value(real, generated, says),
        "best_value": densities.game_value(real, generated, best),
        "jensen_shannon": densities.jensen_shannon(real, generated),
        "on_data": float(real @ says),
        "on_generated": float(generated @ says),
        **gradients(game, loss, recipe, data),
    }
    view = None
    if framed:
        arrows = _coordinates(game.generator(torch.linspace(-1, 1, ARROWS).unsqueeze(1))).ravel()
        view = LineView(generated[1:-1] / width, says[1:-1], best[1:-1], arrows)
    return Moment(number, numbers, view)


@torch.no_grad()
def look_at_plane(game: Game, loss: GanLoss, recipe: Recipe, data: Split, number: int, framed: bool) -> Moment:
    """By samples, always from the same latents."""
    made = _coordinates(game.generator(_latents(recipe, JUDGED)))
    real = np.array(data.pixels[:JUDGED, :, 0, 0], dtype=np.float64)
    numbers = {"modes": float(modes_held(made, recipe.layout)), **gradients(game, loss, recipe, data)}
    on_data, on_generated = _logits(game, real), _logits(game, made)
    level = 0.0
    if loss.plays_the_value:
        numbers |= {"on_data": _sigmoid(on_data).mean(), "on_generated": _sigmoid(on_generated).mean()}
        numbers["value"] = -float(loss.discriminator(torch.from_numpy(on_data), torch.from_numpy(on_generated)))
    else:
        level = float(on_generated.mean())  # a relativistic loss holds the level of D nowhere
    view = None
    if framed:
        side = np.linspace(-1, 1, FIELD) * REACH[recipe.layout] * (1 - 1 / FIELD)
        square = np.stack(np.meshgrid(side, side[::-1]), axis=-1).reshape(-1, 2)
        field = _sigmoid(_logits(game, square) - level).reshape(FIELD, FIELD)
        view = PlaneView(made[:SHOWN], (255 * field).round().astype(np.uint8))
    return Moment(number, {name: float(one) for name, one in numbers.items()}, view)


def modes_held(made: Plane, layout: Layout) -> int:
    """How many modes have HELD of their fair share of the points within a quarter of the way to the next mode."""
    means = mixture(layout).means
    apart = np.linalg.norm(means[:, np.newaxis] - means, axis=2)
    near = np.linalg.norm(made[:, np.newaxis] - means, axis=2) <= np.min(apart[apart > 0]) / 4
    return int((near.mean(axis=0) >= HELD / len(means)).sum())


def gradients(game: Game, loss: GanLoss, recipe: Recipe, data: Split) -> dict[str, float]:
    """Norms of the gradient that G gets: by its own objective and, in a game of 2014, by either one in its position."""
    objectives: dict[str, GanLoss] = {"gradient": loss}
    if loss.plays_the_value:
        objectives |= {"saturating": Minimax(), "non_saturating": NonSaturating()}
    real = torch.from_numpy(data.pixels[:JUDGED].copy())
    found = {}
    with torch.enable_grad():
        fake_logits = game.discriminator(game.generator(_latents(recipe, JUDGED)), None)
        real_logits = game.discriminator(real, None).detach()
        for name, objective in objectives.items():
            aim = objective.generator(real_logits, fake_logits)
            parts = torch.autograd.grad(aim, game.generator_player.parameters, retain_graph=True)
            found[name] = float(torch.nn.utils.get_total_norm(parts))
    return found


def _latents(recipe: Recipe, count: int) -> torch.Tensor:
    known = recipe.description()
    return sample_latents(recipe.seed, range(count), dim=known.latent_dim, distribution=known.latent_distribution)


def _coordinates(made: torch.Tensor) -> Float64[np.ndarray, "n dimensions"]:
    flat: np.ndarray = made[:, :, 0, 0].double().numpy()
    return flat


def _logits(game: Game, places: Float64[np.ndarray, "n dimensions"]) -> densities.Curve:
    shown = torch.from_numpy(places.astype(np.float32))[:, :, None, None]
    with torch.no_grad():
        logits: np.ndarray = game.discriminator(shown, None).double().numpy()
    return logits


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(logits / 2)


def _probabilities(game: Game, places: Float64[np.ndarray, "n dimensions"]) -> densities.Curve:
    # A network in float32 may be surer than float64 can say of 1 - D.
    return _sigmoid(_logits(game, places)).clip(1e-12, 1 - 1e-12)
