"""Which trainings there are, and whether somebody is at them: a small file beside the checkpoints of each says who.

It names the process, so one that was killed is known for dead by everybody on its machine, with no store to ask.
"""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from ganlib import files
from ganlib.settings import Settings, images_of

from . import paths, processes
from .lineage import Lineage

SIGN = "training.json"
PAGE = "training.html"
"""As the train stage writes it while the training lasts."""
SILENT_SECONDS = 15 * 60.0
"""Of a training on another machine that has written nothing for so long nobody knows whether it lives."""

Ending = Literal["stopped", "finished"]
State = Literal["at work", "silent", "stopped", "finished"]


@dataclass(frozen=True)
class Sign:
    """Who is, or was, at a training."""

    name: str
    """As its run is called."""
    model: str
    """Under which its generator is registered."""
    total: int
    """Of its images."""
    host: str
    process: int
    started: float
    """Of the process, in seconds since 1970: tells it from a later one with its number."""
    began: float
    """Of the training, or of its going on, likewise."""
    ended: Ending | None = None
    """None as long as it lasts, and for ever where it was killed."""


@dataclass(frozen=True)
class Training:
    """What its folder tells of it."""

    key: str
    sign: Sign
    state: State
    saved: int
    """Images seen, of its newest checkpoint."""
    drawn: int
    """Images seen, of its newest picture."""
    heard: float
    """When it last wrote anything, in seconds since 1970."""
    page: Path
    written: int | None
    """When its page was, in nanoseconds; None where there is none yet."""


class Signed:
    """A training that says of itself that it lasts. No method raises: the training is what matters."""

    def __init__(self, settings: Settings, lineage: Lineage, name: str) -> None:
        started = psutil.Process().create_time()
        total = images_of(settings.train.kimg)
        self._folder = paths.checkpoints() / lineage.key
        self._sign = Sign(
            name, settings.publish.model, total, socket.gethostname(), os.getpid(), started, time.time()
        )  # fmt: skip
        self._write(self._sign)

    def end(self, how: Ending) -> None:
        """It lasts no longer."""
        self._write(replace(self._sign, ended=how))

    def _write(self, sign: Sign) -> None:
        with suppress(OSError):
            files.write_text(self._folder / SIGN, json.dumps(asdict(sign)))


def newest() -> list[Training]:
    """All that have a sign: those at work first, and of these and of the others the one that began last."""
    found = [one for folder in paths.checkpoints().glob("*") if (one := read(folder)) is not None]
    return sorted(found, key=lambda one: (one.state == "at work", one.sign.began), reverse=True)


def read(folder: Path) -> Training | None:
    """What the folder tells; None where nobody has signed it."""
    try:
        sign = Sign(**json.loads((folder / SIGN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    saved = list(folder.glob("[0-9]*.safetensors"))
    drawn = list((folder / "grids").glob("[0-9]*.png"))
    page = folder / PAGE
    written = _written(page)
    heard = max(filter(None, (written, *map(_written, (folder / SIGN, *saved, *drawn)))), default=0) / 1e9
    return Training(
        folder.name, sign, _state(sign, heard), _most(saved), max(_most(drawn), _most(saved)), heard, page, written
    )


def _state(sign: Sign, heard: float) -> State:
    if sign.ended is not None:
        return sign.ended
    if sign.host == socket.gethostname():
        return "at work" if processes.is_alive(sign.process, sign.started) else "stopped"
    return "at work" if time.time() - heard < SILENT_SECONDS else "silent"


def _written(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # another process may have taken it away just now
        return None


def _most(found: list[Path]) -> int:
    return max((int(path.stem) for path in found if path.stem.isdecimal()), default=0)
