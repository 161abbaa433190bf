"""Blind votes between two generators: which is left is tossed anew for each question, and known to nobody but here."""

import secrets
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal, TypeAlias

from ganlib import sampling
from ganlib.errors import UserError
from ganlib.pictures import Pixels
from ganlib.preference import Preference

from .. import tracking
from ..tracking import votes
from ..tracking.votes import Votes
from .studio import Studio

Choice: TypeAlias = Literal["left", "right", "neither"]
OPEN = 16
"""Questions that may wait for their answer; older ones are forgotten."""


@dataclass(frozen=True)
class Question:
    """Two pictures of one class, from the same latents; whose is which is not in it."""

    token: str
    number: int
    name: str
    """Of the class; empty where there is none."""
    left: Pixels
    right: Pixels


class Ballot:
    """A sitting about the studio's two generators; what is said is kept in the registry with each vote."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.first, self.second = (drawer.named for drawer in studio.drawers.values())
        self._votes = Votes(votes.begun(self.first.content, self.second.content, secrets.randbits(32)))
        self._asked = 0
        self._open: dict[str, bool] = {}
        """By token: whether the first generator's picture is left."""
        self._lock = Lock()
        self.not_kept = self._why_not_kept()
        """Why the votes so far are not in the registry, as a sentence; empty where they are."""

    @property
    def preference(self) -> Preference:
        """Of the first generator beside the second one, in this sitting."""
        said = self._votes
        return Preference(said.for_first, said.for_second, said.undecided, 1)

    def ask(self) -> Question:
        """Another question, which no other picture of this sitting was in."""
        with self._lock:
            index, self._asked = self._asked, self._asked + 1
        seed, known = self._votes.sitting.seed, self.studio.known
        label = None
        if known.classes and sum(known.class_counts):
            label = int(sampling.sample_labels(seed, [index], known.class_counts)[0])
        ours, theirs = (self.studio.pictures(letter, seed, [index], label, None) for letter in self.studio.drawers)
        token, first_is_left = secrets.token_urlsafe(16), secrets.randbits(1) == 1
        with self._lock:
            self._open[token] = first_is_left
            while len(self._open) > OPEN:
                del self._open[next(iter(self._open))]
        left, right = (ours, theirs) if first_is_left else (theirs, ours)
        return Question(token, index + 1, self.studio.named(self.studio.label(index, label)), left, right)

    def answer(self, token: str, choice: Choice) -> int:
        """Counts the vote and keeps it; how many there are now. UserError where the question does not wait for it."""
        with self._lock:
            first_is_left = self._open.pop(token, None)
            if first_is_left is None:
                raise UserError("question is none that waits for an answer; ask for another: /question.")
            said = self._votes
            if choice == "neither":
                self._votes = replace(said, undecided=said.undecided + 1)
            elif (choice == "left") == first_is_left:
                self._votes = replace(said, for_first=said.for_first + 1)
            else:
                self._votes = replace(said, for_second=said.for_second + 1)
            self._keep()
            return self.preference.decided + self._votes.undecided

    def _keep(self) -> None:
        """Writes all votes so far; where the store is away now, the next vote brings this one along."""
        if versions := self._versions():
            try:
                with tracking.opened(making=False) as store:
                    votes.record(store, versions, self._votes)
                self.not_kept = ""
            except tracking.StoreError as error:
                self.not_kept = str(error)

    def _versions(self) -> list[tuple[str, int]]:
        registrations = (named.registration for named in (self.first, self.second))
        return [(one.model, one.version) for one in registrations if one is not None]

    def _why_not_kept(self) -> str:
        if self._versions():
            return ""
        return "Neither generator is registered, so the result is kept nowhere; publish one: dvc repro."
