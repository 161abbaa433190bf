"""Near duplicates among the pictures that a preparation keeps."""

from typing import Any

import numpy as np

from . import duplicates
from .arrays import ImagesFile
from .data_card import PAIRS, NearPair
from .manifest import SIDES, Manifest


def note(manifest: Manifest, images: ImagesFile, *, drop: bool, threads: int) -> tuple[list[NearPair], dict[str, Any]]:
    """Writes into the manifest who looks like an earlier picture, and takes those out where that is wanted.

    Gives some of the pairs to be shown, and how many there are: `pairs`, `straddling` (one picture of training, one
    held out), `complete` (whether none can have been missed).
    """
    rows = manifest.kept_rows()
    if not manifest.hashed or len(rows) < 2:
        return [], {"pairs": 0, "straddling": 0, "complete": True}
    side, place = manifest.column("split")[rows], manifest.column("place")[rows]

    written = {number: images.written(name) for number, name in SIDES.items()}

    def picture_at(positions: np.ndarray) -> np.ndarray:
        pictures = np.empty((len(positions), *images.shape), images.dtype)
        for number, array in written.items():
            chosen = side[positions] == number
            pictures[chosen] = array[place[positions[chosen]]]
        return pictures

    values = manifest.hashes()
    pairs, correlations, complete = duplicates.near_pairs(values, picture_at, threads=threads)
    straddling = side[pairs[:, 0]] != side[pairs[:, 1]]
    shown = []
    for number in np.unique(np.linspace(0, len(pairs) - 1, min(PAIRS, len(pairs))).astype(int)).tolist():
        first, second = picture_at(pairs[number])
        names = [manifest.names[row] for row in rows[pairs[number]]]
        bits = int(np.bitwise_count(values[pairs[number, 0]] ^ values[pairs[number, 1]]))
        straddles = bool(straddling[number])
        shown.append(NearPair(names[0], names[1], first, second, bits, float(correlations[number]), straddles))
    manifest.note_near_duplicates(rows[pairs[:, 0]], rows[pairs[:, 1]])
    if drop:
        manifest.drop_near_duplicates(rows[_later_ones(pairs)])
    return shown, {"pairs": len(pairs), "straddling": int(straddling.sum()), "complete": complete}


def _later_ones(pairs: duplicates.Pairs) -> np.ndarray:
    """Whoever looks like an earlier picture that stays."""
    dropped: set[int] = set()
    for first, second in sorted(pairs.tolist(), key=lambda pair: (pair[1], pair[0])):
        if first not in dropped:
            dropped.add(second)
    return np.array(sorted(dropped), np.int64)
