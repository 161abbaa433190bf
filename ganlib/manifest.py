"""manifest.parquet: one row per input file, kept or not, in the source's order."""

from array import array
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int64

from .datasets import EXACT_DUPLICATE, NEAR_DUPLICATE
from .duplicates import Hashes
from .prepared import LabelArray
from .working import Work

ROWS = 1 << 14
"""Rows written at a time: those are the ones that stand in memory as Python's and pandas' objects."""

SCHEMA = pa.schema({
    "source": pa.string(),
    "kept": pa.bool_(),
    "reason": pa.string(),
    "detail": pa.string(),
    "index": pa.int64(),
    "split": pa.string(),
    "sha256": pa.string(),
    "phash": pa.string(),
    "label": pa.int64(),
    "class_name": pa.string(),
    "width": pa.int32(),
    "height": pa.int32(),
    "mode": pa.string(),
    "duplicate_of": pa.string(),
    "done": pa.string(),
})  # fmt: skip

TRAIN, HELDOUT, NOWHERE = 0, 1, 2
SIDES = {TRAIN: "train", HELDOUT: "heldout"}
"""What the two sides of the split are called."""
TYPES = {"b": np.int8, "i": np.int32, "q": np.int64, "Q": np.uint64}
NOTHING = b"\0" * 32


class Manifest:
    """What is known of each input file: some 300 bytes a file, its name included."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes
        self.hashed = True
        """Whether perceptual hashes mean something; they do not for points."""
        self.names: list[str] = []
        self.details: dict[int, str] = {}
        """By row; of refused files."""
        self._words: dict[str, int] = {}
        """Numbers of the strings that repeat: reasons, modes, what was done."""
        self._seen: dict[bytes, int] = {}
        """Digest to the row of the picture that was kept."""
        self._digests = bytearray()
        self._columns = {
            "label": array("q"), "width": array("i"), "height": array("i"), "mode": array("i"), "done": array("i"),
            "reason": array("i"), "split": array("b"), "place": array("q"), "duplicate_of": array("q"),
            "phash": array("Q"),
        }  # fmt: skip
        self._places = [0, 0]

    def column(self, name: str) -> np.ndarray:
        """One number per row so far."""
        values = self._columns[name]
        return np.array(values, TYPES[values.typecode])

    def add(self, work: Work) -> Bool[np.ndarray, " pictures"]:
        """The rows of a piece of work; says which of its pictures are new. The others show what an earlier one
        shows, to the last pixel."""
        start, rows = len(self.names), len(work.names)
        refused = work.refused
        pictures = (row for row in range(start, start + rows) if row - start not in refused)
        sources = [self._seen.setdefault(digest, row) for digest, row in zip(work.digests, pictures, strict=True)]
        pictures_rows = np.array([row for row in range(rows) if row not in refused], np.int64)
        originals = np.array(sources, np.int64)
        new = originals == pictures_rows + start
        self.names.extend(work.names)
        columns = {
            "label": work.labels, "width": work.widths, "height": work.heights,
            "mode": self._numbers(work.modes), "done": self._numbers(work.done),
        }  # fmt: skip
        for name, values in columns.items():
            self._columns[name].extend(values)
        self._add_places(rows, pictures_rows, new, np.array(work.heldout, bool), work)
        duplicate_of = np.full(rows, -1, np.int64)
        duplicate_of[pictures_rows[~new]] = originals[~new]
        self._columns["duplicate_of"].frombytes(duplicate_of.tobytes())
        for row, (_, sentence) in refused.items():
            self.details[start + row] = _without_place(sentence, work.names[row])
        return np.asarray(new)

    def _add_places(
        self, rows: int, pictures: Int64[np.ndarray, " k"], new: np.ndarray, heldout: np.ndarray, work: Work
    ) -> None:
        reason = np.full(rows, self._word(""), np.int32)
        split, place = np.full(rows, NOWHERE, np.int8), np.full(rows, -1, np.int64)
        hashes, digests = np.zeros(rows, np.uint64), np.zeros((rows, 32), np.uint8)
        reason[pictures[~new]] = self._word(EXACT_DUPLICATE)
        for row, (word, _) in work.refused.items():
            reason[row] = self._word(word)
        for side in SIDES:
            chosen = pictures[new & (heldout == bool(side))]
            split[chosen] = side
            place[chosen] = np.arange(len(chosen)) + self._places[side]
            self._places[side] += len(chosen)
        hashes[pictures] = work.hashes
        digests[pictures] = np.frombuffer(b"".join(work.digests), np.uint8).reshape(-1, 32)
        self._digests += digests.tobytes()
        for name, values in (("reason", reason), ("split", split), ("place", place), ("phash", hashes)):
            self._columns[name].frombytes(values.tobytes())

    def _numbers(self, words: list[str]) -> list[int]:
        numbers = {word: self._word(word) for word in dict.fromkeys(words)}
        return [numbers[word] for word in words]

    def _word(self, word: str) -> int:
        return self._words.setdefault(word, len(self._words))

    def kept_rows(self) -> Int64[np.ndarray, " kept"]:
        """The rows of the pictures that are in the array, in order."""
        return np.nonzero(self.column("split") != NOWHERE)[0]

    def hashes(self) -> Hashes:
        """Perceptual hashes of the kept pictures, in order."""
        return np.asarray(self.column("phash")[self.kept_rows()])

    def note_near_duplicates(self, first: np.ndarray, second: np.ndarray) -> None:
        """Rows `second` show nearly what the rows `first` show. Pairs come in order, so the earliest is noted."""
        notes = self._columns["duplicate_of"]
        for earlier, later in zip(first.tolist(), second.tolist(), strict=True):
            if notes[later] < 0:
                notes[later] = earlier

    def drop_near_duplicates(self, rows: np.ndarray) -> None:
        """Takes rows out of what is kept."""
        word = self._word(NEAR_DUPLICATE)
        for row in rows.tolist():
            self._columns["split"][row] = NOWHERE
            self._columns["reason"][row] = word

    def labels(self, side: int) -> LabelArray:
        """Of the kept pictures of one side, in order."""
        return np.asarray(self.column("label")[self.column("split") == side])

    def written(self, side: int) -> int:
        """Pictures that were added to one side, those dropped since included."""
        return self._places[side]

    def reasons(self) -> dict[str, int]:
        """How many files are not kept, by reason, the most frequent first."""
        counts = np.bincount(self.column("reason"), minlength=len(self._words))
        named = [(word, int(counts[number])) for word, number in self._words.items() if word and counts[number]]
        return dict(sorted(named, key=lambda item: (-item[1], item[0])))

    def count_done(self, part: str) -> int:
        """Kept pictures of which `done` says so."""
        numbers = [number for word, number in self._words.items() if part in word]
        return int(np.isin(self.column("done")[self.kept_rows()], numbers).sum())

    def write(self, path: Path, index: Int64[np.ndarray, " rows"]) -> None:
        """The file; `index` is each row's place in images.npy, or -1."""
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            for start in range(0, max(1, len(self.names)), ROWS):
                writer.write_table(self._table(start, min(start + ROWS, len(self.names)), index))

    def _table(self, start: int, stop: int, index: np.ndarray) -> pa.Table:
        rows = slice(start, stop)
        words, classes = list(self._words), [*self.classes, ""]
        numbers = {
            name: np.frombuffer(values, TYPES[values.typecode])[rows] for name, values in self._columns.items()
        }  # fmt: skip
        split, label, earlier = numbers["split"], numbers["label"], numbers["duplicate_of"].tolist()
        digests = [self._digests[32 * row : 32 * row + 32] for row in range(start, stop)]
        unknown = np.array([digest == NOTHING for digest in digests], bool)
        hexadecimal = self._digests[32 * start : 32 * stop].hex()
        columns = {
            "source": self.names[rows],
            "kept": split != NOWHERE,
            "reason": _words(words, numbers["reason"], empty=words.index("")),
            "detail": [self.details.get(row) for row in range(start, stop)],
            "index": pa.array(index[rows], mask=index[rows] < 0),
            "split": _words([*SIDES.values(), ""], split, empty=NOWHERE),
            "sha256": pa.array([hexadecimal[i : i + 64] for i in range(0, len(hexadecimal), 64)], mask=unknown),
            "phash": pa.array([f"{v:016x}" for v in numbers["phash"].tolist()], mask=unknown | (not self.hashed)),
            "label": label,
            "class_name": _words(classes, np.where(label < 0, len(classes) - 1, label), empty=len(classes) - 1),
            **{name: pa.array(numbers[name], mask=numbers[name] == 0) for name in ("width", "height")},
            "mode": _words(words, numbers["mode"], empty=words.index("")),
            "duplicate_of": [None if row < 0 else self.names[row] for row in earlier],
            "done": _words(words, numbers["done"], empty=None),
        }
        arrays = [column if isinstance(column, pa.Array) else pa.array(column) for column in columns.values()]
        return pa.table(dict(zip(columns, arrays, strict=True))).cast(SCHEMA)


def _words(words: list[str], numbers: np.ndarray, *, empty: int | None) -> pa.Array:
    """Strings by number; null where the number is `empty`."""
    mask = None if empty is None else numbers == empty
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32(), mask=mask), pa.array(words, pa.string()))


def _without_place(sentence: str, name: str) -> str:
    """The sentence from the file's name inside the source on: where the source lies is no part of the data."""
    start = sentence.find(f"{name} ")
    return sentence[start:] if start >= 0 else sentence
