"""Files fetched from mirrors: whole, checked before they get their name, or not at all."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from hashlib import md5
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from . import files
from .errors import UserError

PATIENCE = 30.0
"""Seconds without a byte before the next mirror is tried."""
PIECE = 1 << 18


class _UnusableError(Exception):
    """This mirror does not deliver; the message says why."""


def fetch(path: Path, urls: Sequence[str], *, largest: int, complaint: Callable[[Path], str | None]) -> None:
    """Makes `path` from the first of `urls` that delivers what is wanted.

    `complaint` looks at the downloaded file and says what is wrong with it, or nothing. A body of more than
    `largest` bytes is dropped. UserError lists why each mirror failed; an earlier file at `path` then stays.
    """
    reasons = []
    for url in urls:
        try:
            with files.whole_file(path) as aside:
                _download(url, aside, largest)
                if reason := complaint(aside):
                    raise _UnusableError(reason)
        except _UnusableError as reason:
            reasons.append(f"{urlsplit(url).netloc}: {reason}")
        else:
            return
    raise UserError(
        f"{path.name} could not be fetched ({'; '.join(reasons)}); check the network and try again, or put the file "
        f"into {path.parent} yourself."
    )


def other_md5(file: Path, expected: str) -> str | None:
    """What tells the file from one whose md5 has been published; none where it is the same.

    md5 keeps accidents away, not an attacker who could choose both files; it is what these authors publish.
    """
    digest = md5(usedforsecurity=False)
    with file.open("rb") as opened:
        while piece := opened.read(1 << 20):
            digest.update(piece)
    return None if digest.hexdigest() == expected else f"its md5 is not {expected}"


def _download(url: str, aside: Path, largest: int) -> None:
    total = 0
    with aside.open("wb") as file, tqdm(unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1], disable=None) as bar:
        for piece in _body(url):
            total += len(piece)
            if total > largest:
                raise _UnusableError(f"it sends more than the {largest} bytes expected")
            file.write(piece)
            bar.update(len(piece))


def _body(url: str) -> Iterator[bytes]:
    """The response in pieces. Only the network's errors become ours: those of the disk are the caller's to see."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - addresses of our own
            missing = response.length
            while piece := response.read(PIECE):
                missing = None if missing is None else missing - len(piece)
                yield piece
            if missing:
                raise _UnusableError(f"it stopped {missing} bytes before the end")
    except urllib.error.HTTPError as error:
        raise _UnusableError(f"it answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _UnusableError(f"it cannot be reached: {error.reason}") from None
    except (http.client.HTTPException, OSError) as error:
        raise _UnusableError(f"the connection broke: {error or type(error).__name__}") from None
