"""Blind votes: counted for whom they were given, kept with each one, and gathered from all sittings."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bench_project import SETTINGS, publish_both, write_generator
from hypothesis import given
from hypothesis import strategies as st
from mlflow_project import Project, free_port

from ganlib.errors import UserError
from pipelines import generators, opinions, params
from pipelines.gallery.ballot import OPEN, Ballot
from pipelines.gallery.studio import Studio, open_studio
from pipelines.tracking import votes
from pipelines.tracking.history import LONGEST

CPU = torch.device("cpu")
FOLDERS = ("models/gan", "models/other")


@pytest.fixture
def studio(project: Project) -> Studio:
    """Of versions 1 and 2."""
    Path("params.yaml").write_text(json.dumps(SETTINGS))
    publish_both(replace(project, settings=params.load()))
    return open_studio(["1", "2"], params.load(), CPU)


@pytest.fixture
def unregistered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Of two folders, which no registry knows."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(json.dumps(SETTINGS))
    for seed, folder in enumerate(FOLDERS):
        write_generator(Path(folder), seed=seed)
    return open_studio(FOLDERS, params.load(), CPU)


def found(version: str) -> generators.Named:
    return generators.find(version, params.load())


def test_votes_count_for_whose_picture_was_chosen_and_are_kept(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    ballot = Ballot(studio)
    sides = set()
    for number in range(1, 5):
        asked = ballot.ask()
        label = studio.classes.index(asked.name)
        ours = studio.pictures("A", ballot._votes.sitting.seed, [number - 1], label, None)
        side = "left" if np.array_equal(asked.left, ours) else "right"
        assert np.array_equal(getattr(asked, side), ours)
        sides.add(side)
        assert ballot.answer(asked.token, side) == number
    assert (ballot.preference.ours, ballot.preference.theirs) == (4, 0)
    with pytest.raises(UserError, match="waits for an answer"):
        ballot.answer(asked.token, "left")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    ballot.answer(ballot.ask().token, "neither")
    assert "does not answer" in ballot.not_kept
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    ballot.answer(ballot.ask().token, "neither")
    assert ballot.not_kept == "", "the vote before came along"

    other = Ballot(Studio(dict(zip("AB", reversed(studio.drawers.values()), strict=True))))
    other.answer(other.ask().token, "neither")
    first, second = found("1"), found("2")
    about = opinions.about(first, second)
    assert about is not None
    assert (about.ours, about.theirs, about.undecided, about.sittings) == (4, 0, 3, 2)
    reverse = opinions.about(second, first)
    assert reverse is not None
    assert (reverse.ours, reverse.theirs) == (0, 4)


def test_sides_are_tossed_and_old_questions_forgotten(unregistered: Studio) -> None:
    ballot = Ballot(unregistered)
    asked = [ballot.ask() for _ in range(2 * OPEN)]
    assert set(ballot._open.values()) == {True, False}, "one of 2^15 times it is not"
    assert len(ballot._open) == OPEN
    with pytest.raises(UserError, match="waits for an answer"):
        ballot.answer(asked[0].token, "left")
    assert [question.number for question in asked] == list(range(1, 2 * OPEN + 1))


def test_without_a_registry_the_votes_are_said_to_be_kept_nowhere(unregistered: Studio) -> None:
    ballot = Ballot(unregistered)
    assert "registered" in ballot.not_kept
    ballot.answer(ballot.ask().token, "neither")
    assert "registered" in ballot.not_kept
    assert opinions.about(ballot.first, ballot.second) is None


COUNTS = st.integers(0, 10**6)


@given(counts=st.tuples(COUNTS, COUNTS, COUNTS), seed=st.integers(0, 2**32 - 1))
def test_a_record_is_read_as_it_was_written(counts: tuple[int, int, int], seed: int) -> None:
    said = votes.Votes(votes.begun("a" * 64, "b" * 64, seed), *counts)
    name, text = votes.written(said)
    assert votes.read({name: text, "ganlib.content": "c"}, "it") == [said]
    assert len(text) < LONGEST, "MLflow's database would refuse it or cut it off"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sitting": {}}', '{"sitting": 3, "for_first": 1}'])
def test_a_record_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(UserError, match="holds no votes"):
        votes.read({f"{votes.RECORD}1": text}, "pictures version 1")


def test_counts_below_zero_are_no_votes() -> None:
    words = {"at": "", "user": "", "host": "", "first": "", "second": "", "seed": 0}
    text = json.dumps({"sitting": words, "for_first": -1, "for_second": 0, "undecided": 0})
    with pytest.raises(UserError, match="holds no votes"):
        votes.read({f"{votes.RECORD}1": text}, "pictures version 1")
