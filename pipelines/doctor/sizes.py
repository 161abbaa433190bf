"""How much files take, and since when nobody has touched them."""

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

QUIET_SECONDS = 600.0


def size(place: Path) -> int:
    """Bytes of the file, or of all files in the folder; what vanishes meanwhile counts nothing."""
    return sum(each.st_size for each in _stats(place) if stat.S_ISREG(each.st_mode))


def is_quiet(place: Path, seconds: float = QUIET_SECONDS) -> bool:
    """Whether nothing in it has changed for so long: nobody is at work there."""
    return max((each.st_mtime for each in _stats(place)), default=0.0) < time.time() - seconds


def _stats(place: Path) -> list[os.stat_result]:
    found = []
    for each in (place, *place.rglob("*")):
        with suppress(FileNotFoundError):
            found.append(each.lstat())
    return found


def shown(count: int) -> str:
    """Bytes for people: `12.3 MB`."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"
