"""Where a command writes what it was asked for: refused before any work where that would lose something."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganlib.errors import UserError

from . import stage

NOT_TO_BE_MADE = {
    **stage.OUT_OF_OUR_HANDS,
    errno.ENOENT: "nothing can be created there; make its folder",
    errno.ENAMETOOLONG: "the name is too long; shorten it",
    errno.ELOOP: "its links lead in a circle; mend them",
    errno.EINVAL: "the file system does not take that name; change it",
}
"""Of a place that a person named, what a stage's own outputs never meet."""


def check_file(path: Path, *, overwrite: bool) -> None:
    """UserError where the file exists and may not be replaced."""
    there, folder = found(path)
    if folder:
        raise UserError(f"{path} is a folder, not a file; name another.")
    if there and not overwrite:
        raise UserError(f"{path} exists; name another, or replace it with --overwrite.")


def check_folder(path: Path) -> None:
    """UserError where a folder with something in it, or a file, is in the way; --overwrite deletes no folder."""
    there, folder = found(path)
    if there and not folder:
        raise UserError(f"{path} is a file, not a folder; name another.")
    if folder and any(path.iterdir()):
        raise UserError(f"{path} is a folder that is not empty; name another, or empty it.")


def found(path: Path) -> tuple[bool, bool]:
    """(whether there is something, whether it is a folder); UserError where not even that can be asked."""
    with writing(path):
        return path.exists(), path.is_dir()


def require_writable(path: Path) -> None:
    """Makes the file's folder; UserError where the file could not be written into it in the end."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A longer name beside it, as files are written aside first.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system does not let us write in the block becomes a UserError."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_TO_BE_MADE:
            raise
        reason = NOT_TO_BE_MADE[error.errno]
        raise UserError(f"{path} cannot be written: {reason}, or name another place.") from None
