"""What the manifest says in numbers, read column by column: a few bytes for each row, whatever the names' lengths."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int64

from ..datasets import EXACT_DUPLICATE, REASONS

ROWS = 1 << 16
"""Rows of the manifest in memory as such."""
EXAMPLES = 10
"""Files shown for each reason."""
GROUPS = 12
"""Sets of equal files that are shown."""

Column = Int64[np.ndarray, " _"]


@dataclass(frozen=True)
class Example:
    """A file that is not among the pictures, and the sentence that says why."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Group:
    """Files with the same pixels."""

    kept: int
    """Row of the one that stands for all."""
    copies: Column
    """Rows of the others."""
    contradictory: bool
    """Whether the files name more than one class."""


class Manifest:
    """The manifest's columns as numbers; words become codes, and nothing is -1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: int = pq.ParquetFile(path).metadata.num_rows

    @cached_property
    def kept(self) -> np.ndarray:
        """Which rows are pictures of the data set."""
        return np.asarray(self.numbers("kept") == 1)

    def numbers(self, name: str) -> Column:
        """A column of numbers or truths."""
        parts = [
            column.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False) for (column,) in self._batches(name)
        ]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def words(self, name: str) -> tuple[Column, list[str]]:
        """A column of text as positions in the list of its different words, in the order of their appearance."""
        known: dict[str, int] = {}
        parts = [np.zeros(0, np.int32)]
        for (column,) in self._batches(name):
            encoded = column if pa.types.is_dictionary(column.type) else column.cast(pa.string()).dictionary_encode()
            codes = [known.setdefault(word, len(known)) for word in encoded.dictionary.to_pylist()]
            positions = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
            parts.append(np.array([*codes, -1], np.int32)[positions])
        return np.concatenate(parts).astype(np.int64), list(known)

    def tally(self, name: str, chosen: np.ndarray | None = None) -> dict[str, int]:
        """How often each word of a column occurs (in the chosen rows), the most frequent first."""
        codes, words = self.words(name)
        codes = codes if chosen is None else codes[chosen]
        counts = np.bincount(codes[codes >= 0], minlength=len(words)).tolist()
        return dict(sorted(((w, n) for w, n in zip(words, counts, strict=True) if n), key=lambda one: (-one[1], one)))

    def names(self, rows: Column | list[int]) -> dict[int, str]:
        """The places inside the source of some rows."""
        wanted = np.unique(np.asarray(rows, dtype=np.int64))
        found: dict[int, str] = {}
        for start, (column,) in zip(range(0, self.rows, ROWS), self._batches("source"), strict=True):
            here = wanted[(wanted >= start) & (wanted < start + ROWS)]
            found |= zip(here.tolist(), column.take(pa.array(here - start)).to_pylist(), strict=True)
        return found

    def first_rows(self, names: list[str]) -> Column:
        """For each name the first row of it, of kept ones where there are any; -1 for a name that is nowhere."""
        place = {name: number for number, name in enumerate(names)}
        rows = np.full((2, len(names)), -1, dtype=np.int64)
        for start, (source, kept) in zip(range(0, self.rows, ROWS), self._batches("source", "kept"), strict=True):
            for row, (name, stays) in enumerate(zip(source.to_pylist(), kept.to_pylist(), strict=True), start):
                number = place.get(name)
                if number is not None and rows[int(stays), number] < 0:
                    rows[int(stays), number] = row
        return np.asarray(np.where(rows[1] >= 0, rows[1], rows[0]))

    def examples(self) -> dict[str, list[Example]]:
        """The first files of each reason, in the source's order."""
        examples: dict[str, list[Example]] = {}
        for source, reason, detail in self._batches("source", "reason", "detail"):
            if reason.null_count == len(reason):
                continue
            for name, why, sentence in zip(*(part.to_pylist() for part in (source, reason, detail)), strict=True):
                if why is not None and len(examples.setdefault(why, [])) < EXAMPLES:
                    examples[why].append(Example(name, sentence or ""))
        return examples

    def _batches(self, *names: str) -> Iterator[list[Any]]:
        """The columns, some rows at a time; every batch but the last has ROWS rows."""
        for batch in pq.ParquetFile(self._path).iter_batches(batch_size=ROWS, columns=list(names)):
            yield [batch.column(name) for name in names]


@dataclass(frozen=True)
class Repeats:
    """Files that repeat an earlier one, exactly or nearly."""

    files: int
    groups: int
    """Different earlier files that they repeat."""
    contradictory: int
    """Those that name another class than the earlier one."""
    straddling: int
    """Those on the other side of the split than the earlier one."""
    shown: tuple[Group, ...]
    """Some of the groups: the contradictory ones first, then the largest."""


@dataclass(frozen=True)
class Facts:
    """Everything that the manifest alone can tell."""

    manifest: Manifest
    files: int
    kept: int
    reasons: dict[str, int]
    """Why files are not among the pictures, in the order of REASONS."""
    examples: dict[str, list[Example]]
    modes: dict[str, int]
    done: dict[str, int]
    width: Column
    height: Column
    """Of the files whose size is known."""
    kept_width: Column
    kept_height: Column
    """Of the kept ones among them."""
    exact: Repeats
    near: Repeats


def read(path: Path) -> Facts:
    """The facts of a manifest.parquet. Memory grows by some 30 bytes a row, and by the names of repeated files."""
    manifest = Manifest(path)
    counted = manifest.tally("reason")
    width, height = manifest.numbers("width"), manifest.numbers("height")
    known = (width > 0) & (height > 0)
    exact, near = _repeats(manifest)
    return Facts(
        manifest=manifest,
        files=manifest.rows,
        kept=int(manifest.kept.sum()),
        reasons={reason: counted[reason] for reason in REASONS if reason in counted},
        examples=manifest.examples(),
        modes=manifest.tally("mode"),
        done=alike(manifest.tally("done", manifest.kept)),
        width=width[known],
        height=height[known],
        kept_width=width[known & manifest.kept],
        kept_height=height[known & manifest.kept],
        exact=exact,
        near=near,
    )


def alike(notes: dict[str, int]) -> dict[str, int]:
    """What was done to how many pictures. A note holds several, and those that differ in a number only count as one:
    `cropped to 28x30` and `cropped to 31x28` are two of `cropped to …x…`."""
    counts: Counter[str] = Counter()
    spellings: dict[str, set[str]] = {}
    for note, count in notes.items():
        for part in filter(None, note.split("; ")):
            pattern = re.sub(r"\d+", "…", part)
            counts[pattern] += count
            spellings.setdefault(pattern, set()).add(part)
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one))
    return {min(spellings[name]) if len(spellings[name]) == 1 else name: count for name, count in ordered}


def _repeats(manifest: Manifest) -> tuple[Repeats, Repeats]:
    """(exact, near)."""
    original, names = manifest.words("duplicate_of")
    originals = manifest.first_rows(names)
    reason, reasons = manifest.words("reason")
    exact_code = reasons.index(EXACT_DUPLICATE) if EXACT_DUPLICATE in reasons else -2
    label, split = manifest.numbers("label"), manifest.words("split")[0]
    repeated = np.flatnonzero(original >= 0)
    first = originals[original[repeated]]
    found = first >= 0
    other_class = found & (label[repeated] != label[first]) & (label[repeated] >= 0) & (label[first] >= 0)
    other_side = found & (split[repeated] != split[first]) & (split[repeated] >= 0) & (split[first] >= 0)
    exact = reason[repeated] == exact_code

    def of(chosen: np.ndarray) -> Repeats:
        number, shown = _groups(repeated[chosen & found], first[chosen & found], other_class[chosen & found])
        files, contradictory, straddling = (int(mask[chosen].sum()) for mask in (chosen, other_class, other_side))
        return Repeats(files, number, contradictory, straddling, shown)

    return of(exact), of(~exact)


def _groups(copies: Column, first: Column, contradictory: np.ndarray) -> tuple[int, tuple[Group, ...]]:
    """How many groups there are, and those to show."""
    if len(copies) == 0:
        return 0, ()
    order = np.argsort(first, kind="stable")
    heads, starts, counts = np.unique(first[order], return_index=True, return_counts=True)
    other = np.maximum.reduceat(contradictory[order], starts)
    best = np.lexsort((heads, -counts, ~other))[:GROUPS].tolist()
    members = {one: copies[order[starts[one] : starts[one] + counts[one]]] for one in best}
    return len(heads), tuple(Group(int(heads[one]), members[one], bool(other[one])) for one in best)
