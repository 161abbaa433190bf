"""How the newest training stands, in sentences."""

import json
from collections.abc import Sequence

from ganlib.desk_page import Mood, Standing
from ganlib.errors import UserError

from .. import lineage, params, paths
from ..trainings import State, Training
from .leaves import LEAVES, clock

MOODS: dict[State, Mood] = {"at work": "good", "silent": "warn", "stopped": "warn", "finished": "plain"}


def standing(project: str, found: Sequence[Training]) -> Standing:
    """Of the newest of the trainings, and of all pages."""
    leaves = {leaf.address: leaf.said() for leaf in LEAVES}
    if not found:
        words = "Nothing has been trained here yet; `dvc repro` prepares the data, trains and evaluates."
        return Standing(project, "plain", "Nothing is being trained", words, None, None, leaves)
    newest = found[0]
    tell = {"at work": _at_work, "silent": _silent, "stopped": _stopped, "finished": _finished}[newest.state]
    heading, sentence = tell(newest)
    others = [one.sign.name for one in found[1:] if one.state == "at work"]
    if others:
        sentence += f" At work, too: {', '.join(others)}."
    return Standing(
        project,
        mood=MOODS[newest.state],
        heading=heading,
        sentence=sentence,
        share=None if newest.state == "finished" else min(1.0, _seen(newest) / newest.sign.total),
        frame=None if newest.written is None else f"{newest.key[:16]}-{newest.written}",
        leaves=leaves,
    )


def _seen(one: Training) -> int:
    return one.saved if one.state == "stopped" else one.drawn


def _at_work(one: Training) -> tuple[str, str]:
    far = "its page comes with its first picture"
    if one.written is not None:
        far = f"at its newest picture it had seen {_of(one.drawn, one)}"
    return "Being trained now", f"{_named(one)}, since {clock(one.sign.began)}; {far}."


def _stopped(one: Training) -> tuple[str, str]:
    if one.key == key_now():
        way = "`dvc repro` goes on from there" if one.saved else "`dvc repro` begins it anew"
    else:
        way = "it goes on where these settings, code and data are trained again; the project's are others now"
    kept = f"{_of(one.saved, one)} saved" if one.saved else f"nothing of {one.sign.total:,} images saved"
    end = " stopped" if one.sign.ended else ": its process is gone and was last heard of"
    return "Stopped", f"{_named(one)}{end} {clock(one.heard)}, with {kept}; {way}."


def _silent(one: Training) -> tuple[str, str]:
    far = f"{_named(one)}, on {one.sign.host}: last heard of {clock(one.heard)} at {_of(one.drawn, one)}"
    return "Fallen silent", f"{far}. Whether it still lives can be seen there alone."


def _finished(one: Training) -> tuple[str, str]:
    return "Nothing is being trained", f"The last one, {_named(one)}, finished {clock(one.heard)}."


def _named(one: Training) -> str:
    return f"{one.sign.name} of {one.sign.model}"


def _of(seen: int, one: Training) -> str:
    return f"{seen:,} of {one.sign.total:,} images"


def key_now() -> str | None:
    """Of what `dvc repro` would train; None where that cannot be said, for one because no data are prepared."""
    try:
        described = json.loads((paths.PREPARED / "dataset.json").read_text(encoding="utf-8"))
        return lineage.of_training(params.load(), described["digest"]).key
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return None
