"""Games that are looked at while they are played: nothing changes them, and the numbers say what the views show."""

import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from ganlib.checkpoint import CheckpointFolder
from ganlib.datasets.gaussians import mixture
from ganlib.game import new_game
from ganlib.playing import RECIPES, LineView, Match, PlaneView, Recipe, match, play
from ganlib.playing.match import gradients, modes_held, points, rounds_looked_at
from ganlib.training import train

RECIPES_OF_ALL = [recipe for those in RECIPES.values() for recipe in those]


def short(recipe: Recipe, rounds: int = 12) -> Recipe:
    return replace(recipe, rounds=rounds)


def played(recipe: Recipe) -> Match:
    return next(iter(play(recipe)))


def test_names_are_unique_within_a_layout() -> None:
    for recipes in RECIPES.values():
        assert len({recipe.key for recipe in recipes}) == len(recipes)


@pytest.mark.parametrize("recipe", RECIPES_OF_ALL, ids=lambda recipe: f"{recipe.layout}-{recipe.key}")
def test_every_game_is_looked_at_from_first_to_last_and_holds_the_theorems(recipe: Recipe) -> None:
    one = played(short(recipe, 6))
    assert (one.moments[0].round, one.moments[-1].round) == (0, 6)
    assert one.moments[0].view is not None
    assert one.moments[-1].view is not None
    for moment in one.moments:
        assert all(math.isfinite(number) for number in moment.numbers.values())
        if isinstance(moment.view, LineView):
            numbers = moment.numbers
            assert numbers["value"] <= numbers["best_value"] + 1e-9
            assert (numbers["best_value"] + math.log(4)) / 2 == pytest.approx(numbers["jensen_shannon"], abs=1e-9)
        elif isinstance(moment.view, PlaneView):
            assert moment.view.points.shape == (match.SHOWN, 2)


@pytest.mark.parametrize("layout", ["line", "ring"])
def test_equal_recipes_are_equal_matches(layout: str) -> None:
    one, other = (played(short(RECIPES[layout][0], 3)) for _ in range(2))
    assert pickle.dumps(one) == pickle.dumps(other)


def test_looking_changes_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = short(RECIPES["ring"][2])
    looked = played(recipe).moments[-1]
    with monkeypatch.context() as patch:
        patch.setattr(match, "MOMENTS", 2)
        assert played(recipe).moments[-1].numbers == looked.numbers


def test_it_is_the_products_own_training_that_is_played(tmp_path: Path) -> None:
    recipe = short(RECIPES["line"][1])
    game = new_game(recipe.description(), recipe.rules().settings, torch.device("cpu"))
    for _ in train(game, recipe.rules(), points("line", recipe.seed), checkpoints=CheckpointFolder(tmp_path)):
        pass
    assert game.images_seen == recipe.images
    latents = torch.linspace(-1, 1, match.ARROWS).unsqueeze(1)
    view = played(recipe).moments[-1].view
    assert isinstance(view, LineView)
    with torch.no_grad():
        assert np.allclose(view.arrows, game.generator(latents).flatten().numpy())


def test_a_sure_discriminator_takes_the_gradient_of_the_saturating_objective_alone() -> None:
    """D's last layer is shifted until it is sure that everything is generated."""
    recipe = RECIPES["ring"][0]
    game = new_game(recipe.description(), recipe.rules().settings, torch.device("cpu"))
    found = []
    for _ in range(2):
        found.append(gradients(game, recipe.rules().loss, recipe, points("ring", 0)))
        with torch.no_grad():
            game.discriminator.to_logit.bias.sub_(12)
    assert found[0]["gradient"] == found[0]["saturating"]
    assert found[1]["saturating"] < 1e-4 * found[0]["saturating"]
    assert found[1]["non_saturating"] > found[0]["non_saturating"]


def test_modes_are_held_by_points_near_them() -> None:
    means = mixture("grid").means
    assert modes_held(np.repeat(means, 4, axis=0), "grid") == 25
    assert modes_held(np.repeat(means[:3], 4, axis=0), "grid") == 3
    assert modes_held(means + 0.9, "grid") == 0


@pytest.mark.parametrize("rounds", [1, 7, 1000, 2500])
def test_both_ends_are_moments_and_frames(rounds: int) -> None:
    looked = rounds_looked_at(rounds)
    assert list(looked) == sorted(looked)
    assert (min(looked), max(looked)) == (0, rounds)
    assert looked[0]
    assert looked[rounds]


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_more_steps_of_the_discriminator_end_closer_to_the_data() -> None:
    line = {recipe.key: played(recipe).moments[-1].numbers for recipe in RECIPES["line"]}
    assert line["k-5"]["jensen_shannon"] < line["k-1"]["jensen_shannon"] < 0.1
    assert line["k-1"]["on_generated"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_minimax_collapses_without_a_gradient_and_r3_holds_every_mode() -> None:
    minimax, _, r3 = (played(recipe).moments[-1].numbers for recipe in RECIPES["ring"])
    assert minimax["saturating"] < 1e-2 * minimax["non_saturating"]
    assert minimax["modes"] <= 4
    assert r3["modes"] == 8


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_on_the_grid_minimax_holds_few_modes_and_r3_nearly_all() -> None:
    minimax, _, r3 = (
        [held for round_, held in played(recipe).curve("modes") if round_ >= recipe.rounds * 0.8]
        for recipe in RECIPES["grid"]
    )
    assert max(minimax) <= 12
    assert min(r3) >= 20
    assert r3[-1] >= 23


def test_equal_weights_at_the_start() -> None:
    """Side by side means: from the same first position."""
    for recipes in RECIPES.values():
        games = [new_game(each.description(), each.rules().settings, torch.device("cpu")) for each in recipes]
        first, *others = (parameters_to_vector(game.generator.parameters()) for game in games)
        assert all(torch.equal(first, other) for other in others)
