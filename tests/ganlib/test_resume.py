"""Stopped anywhere, a game goes on as if it had not been: every network, loss, penalty and augmentation."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from games import SHORT, after, assert_same, play, rules

from ganlib import components
from ganlib.schedules import Schedule

THREE_ROUNDS = dataclasses.replace(SHORT, kimg=0.024, checkpoint_every_kimg=0.016)
FOLDERS = [components.names(folder) for folder in ("networks", "losses", "penalties", "augmentations")]


def games() -> Iterator[Any]:
    """Each combination there is; of those, every fourth in CI, in which any two components still meet."""
    for places in itertools.product(*(range(len(folder)) for folder in FOLDERS)):
        names = [folder[place] for folder, place in zip(FOLDERS, places, strict=True)]
        yield pytest.param(*names, id="-".join(names), marks=[] if sum(places) % 4 == 0 else pytest.mark.prove)


def test_any_two_components_meet_in_ci() -> None:
    tested = [game.values for game in games() if not game.marks]
    for one, other in itertools.combinations(range(len(FOLDERS)), 2):
        met = {(game[one], game[other]) for game in tested}
        assert met == set(itertools.product(FOLDERS[one], FOLDERS[other]))


@pytest.mark.parametrize(("network", "loss", "penalty", "augmentation"), list(games()))
def test_stopped_and_resumed_equals_undisturbed_bit_for_bit(
    tmp_path: Path, network: str, loss: str, penalty: str, augmentation: str
) -> None:
    by = rules(THREE_ROUNDS, loss, penalty, augmentation)
    undisturbed = play(tmp_path, network=network, by=by)
    half_way, end = sorted(tmp_path.glob("*.safetensors"))
    end.unlink()
    assert half_way.name == "000000000016.safetensors"
    assert_same(play(tmp_path, network=network, by=by), undisturbed)


MOVING = {
    "lr": Schedule(start=1e-3, end=1e-4, over_kimg=0.1),
    "beta2": Schedule(start=0.9, end=0.99, over_kimg=0.1),
    "ema_half_life_kimg": Schedule(start=0.0, end=0.05, over_kimg=0.1),
}


@pytest.mark.parametrize(
    "more",
    [
        {"penalty_options": {"gamma": {"start": 1, "end": 0.1, "over_kimg": 0.1}, "every": 3}},
        {"augmentation": "ada", "augmentation_options": {"target": 0.1, "adjust_kimg": 0.1, "p": 0.2}},
        {"augmentation": "ada", "augmentation_options": {"p": {"start": 0, "end": 0.9, "over_kimg": 0.1}}},
    ],
    ids=["lazy penalty", "adaptive augmentation", "scheduled augmentation"],
)
@pytest.mark.parametrize("rounds", [1, 6, 13])
def test_what_changes_on_the_way_goes_on_where_it_was(tmp_path: Path, more: dict[str, object], rounds: int) -> None:
    settings = dataclasses.replace(SHORT, discriminator_steps=1, **MOVING)
    by = rules(settings, **more)  # type: ignore[arg-type]
    undisturbed = play(tmp_path / "a", by=by)
    play(tmp_path / "b", by=by, stop=after(rounds))
    assert_same(play(tmp_path / "b", by=by), undisturbed)
