"""Tables of pictures as Hugging Face's `datasets` writes them: Parquet files with a column of encoded pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from ..components import component
from ..decoding import picture
from ..errors import UserError
from ..reading.names import hidden, readable_names, shown
from ..reading.parquet_tables import Classes, Columns, Table, classes_of, look_at, opened
from . import UNREADABLE, Batch, Contents, Job, Refused, Source

JOB_ROWS = 256
BATCH_ROWS = 64
BATCH_BYTES = 1 << 23
"""Of encoded pictures in memory at a time, as nearly as the averages of their table allow."""


@component
class Parquet(Source):
    """Every row of one .parquet file, or of all in a directory, in the order of the files' names and of their rows.

    A table is read in row groups, none of which can be entered midway: they are what processes share between them.
    A file that is a single huge row group is decoded by one process alone; write it with, say, 1000 rows in each.
    """

    decodes: ClassVar[bool] = True

    path: str
    image_column: str = "image"
    """Encoded pictures: bytes, or a struct with a field `bytes`."""
    label_column: str | None = None
    """Integers or texts, each different one a class, or a ClassLabel, whose -1 is no class. None: `label`, if any."""

    def open(self, scratch: Path) -> Contents:  # noqa: ARG002 - nothing has to be laid aside
        """Reads every file's footer, and the labels where their classes are not in it."""
        root = Path(self.path).expanduser()
        files = _files(root)
        tables = [look_at(file, image=self.image_column, label=self.label_column) for file in files]
        classes = classes_of(tables)
        names = readable_names([file.relative_to(root).as_posix() if file != root else file.name for file in files])
        return Contents(
            count=sum(sum(table.group_rows) for table in tables),
            classes=classes.names,
            jobs=[job for table, name in zip(tables, names, strict=True) for job in _jobs(table, name, classes)],
        )


@dataclass(frozen=True)
class Rows(Job):
    """Whole row groups of one file: several small ones, or a single one."""

    file: Path
    name: str
    columns: Columns
    classes: Classes
    groups: tuple[int, int]
    """The first, and the one after the last."""
    first: int
    """Row of the file that they start with."""
    stop: int
    """The one after their last."""
    batch_rows: int

    def run(self) -> Iterator[Batch | Refused]:
        """Row by row; of the file no more is read than the two columns of these row groups, piece by piece."""
        with opened(self.file) as table:
            batches = table.iter_batches(
                batch_size=self.batch_rows,
                row_groups=range(*self.groups),
                columns=self.columns.read(),
                use_threads=False,  # the processes are what runs in parallel
            )
            row = self.first
            for batch in batches:
                for content, label in zip(*self._values(batch), strict=True):
                    yield self._picture(row, content, label)
                    row += 1
        if row != self.stop:
            raise UserError(f"{shown(str(self.file))} has not the rows that its footer promises; fetch it again.")

    def _values(self, batch: pa.RecordBatch) -> tuple[list[bytes | None], list[int | str | None]]:
        pictures = batch.column(self.columns.image)
        if self.columns.struct:
            pictures = pc.struct_field(pictures, "bytes")
        if self.columns.label is None:
            return pictures.to_pylist(), [None] * len(batch)
        return pictures.to_pylist(), batch.column(self.columns.label).to_pylist()

    def _picture(self, row: int, content: bytes | None, label: int | str | None) -> Batch | Refused:
        name, place = f"{self.name}[{row}]", f"{shown(str(self.file))}, row {row},"
        number = -1
        if self.columns.label is not None:
            found = self.classes.number(label)
            if found is None:
                what = "no label" if label is None else f"the label {label!r}, which no class has"
                return Refused(name, UNREADABLE, f"{place} has {what}; correct it or remove the row.")
            number = found
        if content is None:
            what = "no bytes of a picture (but a path, perhaps)" if self.columns.struct else "no picture"
            return Refused(name, UNREADABLE, f"{place} has {what}; fill it in or remove the row.", number)
        return picture(content, name, place=place, label=number)


def _files(root: Path) -> Sequence[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise UserError(
            f"data.path is {str(root)!r}, which does not exist; name a .parquet file or a directory of them."
        )
    found = ((file.relative_to(root).as_posix(), file) for file in root.rglob("*.parquet") if file.is_file())
    files = [file for name, file in sorted(found) if not hidden(name)]
    if not files:
        raise UserError(f"data.path is {str(root)!r}, which holds no .parquet file; put some there.")
    return files


def _jobs(table: Table, name: str, classes: Classes) -> Iterator[Rows]:
    """Consecutive row groups up to JOB_ROWS rows; a larger one is a job of its own."""
    rows = sum(table.group_rows)
    batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(1, table.unpacked_bytes)))
    start, first, stop = 0, 0, 0
    for group, count in enumerate((*table.group_rows, JOB_ROWS)):  # the last, which is none, ends the last job
        if stop > first and stop - first + count > JOB_ROWS:
            yield Rows(table.file, name, table.columns, classes, (start, group), first, stop, batch_rows)
            start, first = group, stop
        stop += count
