"""The best generator of a training is kept: whatever stops it, and however long the held-out pictures take."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from games import SHORT, after, assert_same, pictures, rules, start

from ganlib.checkpoint import CheckpointFolder
from ganlib.errors import UserError
from ganlib.game import Game
from ganlib.rules import Rules
from ganlib.selection import SIGNS, Selection
from ganlib.training import Progress, train

BRIEF = dataclasses.replace(SHORT, kimg=0.072)
AT = (24, 48, 72)
"""Where it is scored: rows of the history lie at every 16 images, checkpoints at 40 and 72."""


class Told:
    """A scorer that has its scores from the test, by images seen."""

    def __init__(self, fid: dict[int, float], *, patience: int = 0) -> None:
        self.fid, self.patience = fid, patience
        self.looked: list[int] = []

    def __call__(self, game: Game, stop: Callable[[], bool]) -> dict[str, float] | None:
        assert not game.averaged.training
        if stop():
            return None
        self.looked.append(game.images_seen)
        return {"fid": self.fid[game.images_seen], "precision": game.images_seen / 1000, "recall": 0.25}


BEST_IS_THE_SECOND = dict(zip(AT, (5.0, 2.0, 3.0), strict=True))


def selection(fid: dict[int, float] = BEST_IS_THE_SECOND, by: str = "fid") -> Selection:
    return Selection(0.024, by, 10, Told(fid), "told-00000000")


def playing(
    folder: Path, chosen: Selection | None, by: Rules | None = None, stop: Callable[[], bool] = lambda: False
) -> tuple[Game, Iterator[Progress]]:
    by = by or rules(BRIEF)
    game = start(by)
    checkpoints = CheckpointFolder(folder)
    return game, train(game, by, pictures(), selection=chosen, checkpoints=checkpoints, stop=stop)


def play(folder: Path, chosen: Selection | None, **more: Any) -> Game:
    game, played = playing(folder, chosen, **more)
    for _ in played:
        pass
    return game


def averaged(game: Game) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in game.averaged.state_dict().items()}


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(tensor.equal(other[name]) for name, tensor in one.items())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Game:
    return play(tmp_path_factory.mktemp("undisturbed"), selection())


@pytest.mark.parametrize(("by", "best"), [("fid", 48), ("precision", 72), ("recall", 24)])
def test_the_generator_of_the_best_score_is_kept_and_of_equal_ones_the_first(
    tmp_path: Path, by: str, best: int
) -> None:
    chosen = selection(by=by)
    game, played = playing(tmp_path, chosen)
    states = {progress.images_seen: averaged(game) for progress in played}
    assert_equal(game.best, states[best])
    assert sum(all(state[name].equal(game.best[name]) for name in state) for state in states.values()) == 1
    said = chosen.chosen(game.history)
    assert (said.by, said.of, said.trained_to) == (by, 3, 72)
    assert said.score == chosen.best(game.history)[by] == {"fid": 2.0, "precision": 0.072, "recall": 0.25}[by]


def test_scores_stand_in_complete_rows_at_their_own_moments(tmp_path: Path) -> None:
    settings = dataclasses.replace(BRIEF, log_every_kimg=0.032)
    game = play(tmp_path, selection(), by=rules(settings))
    assert [row["images_seen"] for row in game.history] == [24, 32, 48, 64, 72]
    scored = {row["images_seen"]: row["fid"] for row in game.history if "fid" in row}
    assert scored == BEST_IS_THE_SECOND
    columns = set(game.history[1])
    assert all(set(row) - set(SIGNS) == columns for row in game.history)


def test_looking_changes_nothing_of_the_game(tmp_path: Path) -> None:
    by = rules(dataclasses.replace(BRIEF, log_every_kimg=0.024))
    looked, unseen = play(tmp_path / "a", selection(), by=by), play(tmp_path / "b", None, by=by)
    unseen.best = looked.best
    for row, scored in zip(unseen.history, looked.history, strict=True):
        row.update({name: scored[name] for name in SIGNS})
    assert_same(unseen, looked)


@pytest.mark.parametrize("rounds", [4, 8, 12])
def test_killed_anywhere_the_best_is_the_same(tmp_path: Path, undisturbed: Game, rounds: int) -> None:
    _, killed = playing(tmp_path, selection())
    for _ in range(rounds):
        next(killed)
    killed.close()  # type: ignore[attr-defined] # nothing is saved on the way out
    assert_same(play(tmp_path, selection()), undisturbed)


@pytest.mark.parametrize("asked", [4, 5, 12])
def test_asked_to_stop_anywhere_even_while_it_scores_the_best_is_the_same(
    tmp_path: Path, undisturbed: Game, asked: int
) -> None:
    stopped = play(tmp_path, selection(), stop=after(asked))
    resumed = selection()
    assert_same(play(tmp_path, resumed), undisturbed)
    assert isinstance(resumed.scorer, Told)
    moments = [row["images_seen"] for row in stopped.history if "fid" in row]
    assert set(AT) - set(resumed.scorer.looked) <= set(moments)


def test_a_training_that_was_stopped_before_its_last_score_owes_it(tmp_path: Path) -> None:
    asks = iter(range(100))

    def stop() -> bool:
        return next(asks) > 10  # the last of all questions is the scorer's

    chosen = selection()
    game = play(tmp_path, chosen, stop=stop)
    assert game.images_seen == rules(BRIEF).total
    assert chosen.owed(game, rules(BRIEF))
    game = play(tmp_path, chosen)
    assert not chosen.owed(game, rules(BRIEF))
    assert "fid" in game.history[-1]


def test_after_a_rollback_the_abandoned_future_is_forgotten(tmp_path: Path) -> None:
    """Scored best at 48, diverged at 64, back at 40: what is kept comes from the game that was played on."""
    chosen = selection(dict(zip(AT, (5.0, 1.0, 3.0), strict=True)))
    game, played = playing(tmp_path, chosen)
    first: dict[str, torch.Tensor] = {}
    for progress in played:
        if progress.scores is not None and progress.images_seen == 48 and not first:
            first = averaged(game)
        if progress.images_seen == 56 and game.rollbacks == 0:
            next(iter(game.generator.parameters())).data.fill_(float("nan"))
    assert isinstance(chosen.scorer, Told)
    assert chosen.scorer.looked == [24, 48, 48, 72]
    assert game.rollbacks == 1
    assert len(chosen.looked_at(game.history)) == 3
    assert not all(tensor.equal(game.best[name]) for name, tensor in first.items())


def test_a_score_that_is_no_number_rolls_back_once(tmp_path: Path) -> None:
    bad = dict(zip(AT, (5.0, float("nan"), 3.0), strict=True))
    game, played = playing(tmp_path, selection(bad))
    with pytest.raises(UserError, match=r"diverged at 48 images: fid is not finite \(last good checkpoint: 40 images"):
        list(played)
    assert game.rollbacks == 1


def test_each_look_is_said_in_a_sentence(tmp_path: Path) -> None:
    _, played = playing(tmp_path, selection())
    notices = [progress.notice or "" for progress in played if progress.scores]
    assert notices[0] == "At 24 images: fid 5, precision 0.024, recall 0.25; the best fid of 1 so far."
    assert notices[2] == (
        "At 72 images: fid 3, precision 0.072, recall 0.25; the best fid of 3 so far is 2, at 48 images."
    )
    assert selection().in_short([{"images_seen": 1, "fid": 2.0}, {"images_seen": 2, "fid": 3.0}]) == "fid=3, best=2"
    assert selection().in_short([{"images_seen": 1}]) is None
