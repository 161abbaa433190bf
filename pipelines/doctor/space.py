"""Room on the disks, and leave to write there."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipelines import paths

from . import Circumstances, Finding, State
from .stores import dvc_cache

GROUP = "disk"
LITTLE_BYTES = 2e9


def check(_: Circumstances) -> Iterator[Finding]:
    """Every folder that the pipeline writes to; those on one disk share a line where all is well."""
    free: dict[tuple[int, int], tuple[list[str], int]] = {}
    for name, folder in places().items():
        existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        if (refused := why_unwritable(existing)) is not None:
            yield Finding(GROUP, State.WRONG, f"{existing} cannot be written to: {refused}.", "Make it writable.")
        usage = shutil.disk_usage(existing)
        names, _room = free.setdefault((existing.stat().st_dev, usage.total), ([], usage.free))
        names.append(name)
    for names, room in free.values():
        says = f"{room / 1e9:.1f} GB free for {', '.join(names)}"
        if room < LITTLE_BYTES:
            yield Finding(GROUP, State.WRONG, f"only {says}.", "Free some: ganlib doctor --fix; dvc gc -w")
        else:
            yield Finding(GROUP, State.OK, says)


def places() -> dict[str, Path]:
    """Where the pipeline writes, by what people call it."""
    found = {
        "the project": Path.cwd(),
        "checkpoints": paths.checkpoints(),
        "temporary files": Path(tempfile.gettempdir()),
    }
    if (cache := dvc_cache()) is not None:
        found["DVC's cache"] = cache
    return found


def why_unwritable(folder: Path) -> str | None:
    """None where a file can be made there."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
