"""What a person should look at before training on the data: rules of thumb, each a sentence with its numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..datasets import BOMB, BROKEN, NEAR_DUPLICATE, OTHER_SIZE, TOO_SMALL, TRUNCATED, UNREADABLE
from ..html.markup import by, count, percent, shortened
from .facts import Facts
from .summary import Summary

LOST = (UNREADABLE, TRUNCATED, BROKEN, TOO_SMALL, BOMB, OTHER_SIZE)
"""Reasons that cost a picture; duplicates and texts among the pictures do not."""
FEW_HELDOUT = 500
"""Below this, scores on held-out pictures scatter widely."""
IMBALANCE = 3.0
NOTABLE = 0.01
"""Share of files from which on lost, repeated or enlarged ones are worth a sentence."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at, and the section of the page that shows it."""

    sentence: str
    section: str


def findings(facts: Facts, summary: Summary) -> list[Finding]:
    """In the order of their weight; empty where nothing stands out."""
    return [
        *_repeats(facts, summary),
        *_classes(summary),
        *_split(summary),
        *_lost(facts, summary),
        *_sizes(facts, summary),
    ]


def _repeats(facts: Facts, summary: Summary) -> Iterator[Finding]:
    exact, near, item = facts.exact, facts.near, summary.item
    if exact.contradictory:
        have = count(exact.contradictory, f"{item} has", f"{item}s have")
        yield Finding(
            f"{have} the same pixels as an earlier one under another class: one of the two labels is wrong, and the "
            f"earlier one was taken.",
            "exact-duplicates",
        )
    if straddling := straddling_pairs(facts, summary):
        lie = count(straddling, "pair of near duplicates lies", "pairs of near duplicates lie")
        yield Finding(
            f"{lie} on both sides of the split, so the held-out pictures are not quite new to a model "
            f"(data.near_duplicates: drop leaves the later ones out).",
            "near-duplicates",
        )
    if near.contradictory:
        yield Finding(
            f"{count(near.contradictory, 'picture has', 'pictures have')} another class than the earlier one that "
            f"{'it looks' if near.contradictory == 1 else 'they look'} like.",
            "near-duplicates",
        )
    for files, what, section in (
        (exact.files, "an exact copy of an earlier one", "exact-duplicates"),
        (near.files, "nearly the same as an earlier one", "near-duplicates"),
    ):
        if files >= max(1, NOTABLE * facts.files):
            yield Finding(f"{percent(files / facts.files)} of the input {item}s ({files:,}) are {what}.", section)


def straddling_pairs(facts: Facts, summary: Summary) -> int:
    """Pairs with a picture on either side of the split; none where the later pictures were dropped."""
    return 0 if NEAR_DUPLICATE in facts.reasons else int(summary.near.get("straddling", facts.near.straddling))


def _classes(summary: Summary) -> Iterator[Finding]:
    for part, words in (("train", "training"), ("heldout", "held-out")):
        empty = [name for name, n in summary.class_counts.get(part, {}).items() if n == 0]
        if empty:
            more = f" and {count(len(empty) - 3, 'other class', 'other classes')}" if len(empty) > 3 else ""
            names = ", ".join(shortened(name, 40) for name in empty[:3])
            yield Finding(f"There is no {words} picture of {names}{more}.", "classes")
    counts = {name: n for name, n in summary.class_counts.get("train", {}).items() if n}
    if counts:
        rare, common = min(counts, key=lambda name: counts[name]), max(counts, key=lambda name: counts[name])
        if counts[common] > IMBALANCE * counts[rare]:
            most, ratio = shortened(common, 40), times(counts[common] / counts[rare])
            yield Finding(
                f"The classes are unbalanced: {most} has {ratio} times as many training {summary.noun}s as "
                f"{shortened(rare, 40)} ({counts[common]:,} and {counts[rare]:,}).",
                "classes",
            )


def _split(summary: Summary) -> Iterator[Finding]:
    if summary.heldout < FEW_HELDOUT:
        yield Finding(
            f"Only {count(summary.heldout, summary.noun)} held out: scores on so few scatter widely from one choice of "
            f"them to another.",
            "split",
        )
    asked = summary.asked_share
    if asked is not None and summary.total:
        # Each picture's side is drawn by its content: what was got scatters around what was asked.
        deviation = (asked * (1 - asked) / summary.total) ** 0.5
        if abs(summary.got_share - asked) > max(4 * deviation, 0.02):
            yield Finding(f"{percent(asked)} were to be held out and {percent(summary.got_share)} are.", "split")


def _lost(facts: Facts, summary: Summary) -> Iterator[Finding]:
    lost = {reason: facts.reasons[reason] for reason in LOST if reason in facts.reasons}
    if sum(lost.values()) >= max(1, NOTABLE * facts.files):
        listed = ", ".join(f"{n:,} {reason}" for reason, n in lost.items())
        yield Finding(f"{count(sum(lost.values()), summary.item)} could not be used: {listed}.", "files")


def _sizes(facts: Facts, summary: Summary) -> Iterator[Finding]:
    if summary.kind == "points":
        return
    enlarged, cropped = enlargement(facts, summary), crop(facts, summary)
    size = f"{by(summary.shape[2], summary.shape[1])} pixels"
    blur = "a generator learns the blur of that"
    notable = max(1, NOTABLE * len(enlarged))
    twice, larger = int((enlarged > 2).sum()), int((enlarged > 1).sum())
    if larger >= notable:
        more = f", {twice:,} of them to more than twice their size" if twice else ""
        share = percent(larger / len(enlarged))
        yield Finding(f"{share} of the pictures ({larger:,}) were enlarged to {size}{more}: {blur}.", "sizes")
    halved = int((cropped < 0.5).sum())
    if halved >= notable:
        yield Finding(
            f"{percent(halved / len(cropped))} of the pictures ({halved:,}) lost more than half of their area to the "
            f"crop in their middle.",
            "sizes",
        )


def times(ratio: float) -> str:
    """With a digit after the point where that says something."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


def enlargement(facts: Facts, summary: Summary) -> np.ndarray:
    """For each kept picture by what factor its sides grew; below 1 they shrank."""
    across, down = summary.shape[2] / facts.kept_width, summary.shape[1] / facts.kept_height
    return np.minimum(across, down) if summary.fit == "pad" else np.maximum(across, down)


def crop(facts: Facts, summary: Summary) -> np.ndarray:
    """For each kept picture the share of its area that is left."""
    ratio = facts.kept_width / facts.kept_height * summary.shape[1] / summary.shape[2]
    return np.minimum(ratio, 1 / ratio) if summary.fit == "center_crop" else np.ones_like(ratio)
