"""Where the pictures come from, as one digest that costs no reading: names, sizes and times of change."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ganlib.settings import DataSettings


def digest(project: Path, data: DataSettings) -> str | None:
    """Another one whenever a file comes, goes or is written; None where the settings name no place that there is."""
    if data.path is None:
        return None
    root = project / data.path
    if not root.exists():
        return None
    found = sha256()
    for path in _files(root):
        facts = path.stat()
        found.update(f"{path.relative_to(root)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return found.hexdigest()


def is_watched(data: DataSettings) -> bool:
    """Whether DVC itself sees to it that new pictures are prepared: `data.watch` is the place, or has it in it."""
    return data.path is not None and Path(data.path).is_relative_to(data.watch)


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, inner, names in os.walk(root, followlinks=True):
        inner.sort()
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())
