"""Where a command writes what it was asked for: refused before any work where that would lose something."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganlib.errors import UserError

from . import stage


def check_file(path: Path, *, overwrite: bool) -> None:
    """UserError where the file exists and may not be replaced."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a file; name another.")
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists; name another, or replace it with --overwrite.")


def check_folder(path: Path) -> None:
    """UserError where a folder with something in it, or a file, is in the way; --overwrite deletes no folder."""
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file, not a folder; name another.")
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"{path} is a folder that is not empty; name another, or empty it.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system does not let us write in the block becomes a UserError."""
    try:
        yield
    except OSError as error:
        if error.errno not in stage.OUT_OF_OUR_HANDS:
            raise
        reason = stage.OUT_OF_OUR_HANDS[error.errno]
        raise UserError(f"{path} cannot be written: {reason}, or name another place.") from None
