"""What a Parquet file says of itself: its columns, its row groups, and the classes of its labels."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from ..errors import UserError
from .names import shown

LABEL = "label"
"""The column of labels that is read without being named, where there is one."""


@dataclass(frozen=True)
class Columns:
    """Which are read."""

    image: str
    struct: bool
    """Whether it holds structs with the pictures in their field `bytes`."""
    label: str | None

    @property
    def pictures(self) -> str:
        """The pictures' bytes, as Parquet names what lies in a column."""
        return f"{self.image}.bytes" if self.struct else self.image

    def read(self) -> list[str]:
        """All that pyarrow is to read."""
        return [self.pictures] if self.label is None else [self.pictures, self.label]


@dataclass(frozen=True)
class Table:
    """One file."""

    file: Path
    columns: Columns
    kind: Literal["none", "names", "integers", "texts"]
    """What its labels are; names: a ClassLabel's numbers."""
    names: tuple[str, ...]
    """The ClassLabel's."""
    group_rows: tuple[int, ...]
    """Rows of each row group."""
    unpacked_bytes: int
    """Of all its columns."""


@dataclass(frozen=True)
class Classes:
    """From the values in a column of labels to class numbers."""

    names: tuple[str, ...] = ()
    numbered: bool = False
    """Whether the values are class numbers themselves."""
    numbers: Mapping[int | str, int] = field(default_factory=dict)
    """Otherwise the number of each value."""

    def number(self, value: int | str | None) -> int | None:
        """The class, -1 where the value says that there is none; None for a value that no class has."""
        if value is None or not self.numbered:
            return None if value is None else self.numbers.get(value)
        return value if isinstance(value, int) and -1 <= value < len(self.names) else None


@contextmanager
def opened(file: Path) -> Iterator[pq.ParquetFile]:
    """The file with its footer read; whatever of it turns out to be damaged becomes one sentence."""
    try:
        # Without a buffer a whole column of a row group is read at once, however large.
        with pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as table:
            yield table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = shown(str(error).split("\n", 1)[0].rstrip(". ")) or type(error).__name__
        raise UserError(f"{shown(str(file))} is no whole Parquet file ({reason}); fetch it again.") from None


def look_at(file: Path, *, image: str, label: str | None) -> Table:
    """Everything that the footer tells. UserError where a column is missing or holds something else."""
    with opened(file) as table:
        schema, metadata = table.schema_arrow, table.metadata
        columns = Columns(image, _is_struct(schema, image, file), _label_column(schema, label, file))
        kind, names = _labels(schema, columns.label, file)
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        rows = tuple(group.num_rows for group in groups)
        if min(rows, default=0) < 0 or sum(rows) != metadata.num_rows:
            raise UserError(f"{shown(str(file))} contradicts itself on how many rows it has; fetch it again.")
        return Table(
            file=file,
            columns=columns,
            kind=kind,
            names=names,
            group_rows=rows,
            # Of the pictures' own column pyarrow ends the process where its metadata are damaged.
            unpacked_bytes=sum(group.total_byte_size for group in groups),
        )


def classes_of(tables: Sequence[Table]) -> Classes:
    """The classes of all files together. UserError where they do not agree on what a label is."""
    first = tables[0]
    for table in tables:
        if (table.kind, table.names) != (first.kind, first.names):
            raise UserError(
                f"{shown(str(table.file))} and {shown(str(first.file))} have labels of different types or class names; "
                f"make them agree, or name one of the two files in data.path."
            )
    if first.kind == "none":
        return Classes()
    if first.kind == "names":
        return Classes(names=first.names, numbered=True)
    values = sorted(set().union(*(_values(table) for table in tables)))
    return Classes(names=tuple(str(value) for value in values), numbers={v: i for i, v in enumerate(values)})


def _is_struct(schema: pa.Schema, image: str, file: Path) -> bool:
    index = schema.get_field_index(image)
    if index < 0:
        raise UserError(_no_column(schema, image, file, "data.image_column"))
    kind = schema.field(index).type
    if pt.is_struct(kind):
        if (inside := kind.get_field_index("bytes")) >= 0 and _is_binary(kind.field(inside).type):
            return True
        if kind.get_field_index("path") >= 0:
            raise UserError(
                f"{shown(str(file))} holds only the paths of its pictures in the column {image!r}; write it anew with "
                f"their bytes inside."
            )
    if not _is_binary(kind):
        raise UserError(
            f"{shown(str(file))} holds no encoded pictures in its column {image!r}, but {kind}; set data.image_column "
            f"to another of: {', '.join(schema.names)}."
        )
    return False


def _label_column(schema: pa.Schema, label: str | None, file: Path) -> str | None:
    name = LABEL if label is None else label
    if schema.get_field_index(name) >= 0:
        return name
    if label is None:
        return None
    raise UserError(_no_column(schema, label, file, "data.label_column"))


def _labels(
    schema: pa.Schema, column: str | None, file: Path
) -> tuple[Literal["none", "names", "integers", "texts"], tuple[str, ...]]:
    if column is None:
        return "none", ()
    kind = schema.field(column).type
    kind = kind.value_type if pt.is_dictionary(kind) else kind
    if pt.is_integer(kind):
        names = _class_names(schema, column)
        return ("names", names) if names else ("integers", ())
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        return "texts", ()
    raise UserError(
        f"{shown(str(file))} holds {kind} in its column {column!r}, but labels are integers or texts; set "
        f"data.label_column to another of: {', '.join(schema.names)}."
    )


def _class_names(schema: pa.Schema, column: str) -> tuple[str, ...]:
    """Those of a ClassLabel among the features that `datasets` writes into the schema; () where there is none."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[column]["names"]
    except (KeyError, TypeError, ValueError):
        return ()
    well_formed = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if well_formed else ()


def _values(table: Table) -> set[int | str]:
    """The different labels of a file, read in pieces."""
    values: set[int | str] = set()
    with opened(table.file) as opened_table:
        for batch in opened_table.iter_batches(batch_size=1 << 16, columns=[table.columns.label], use_threads=False):
            values.update(pc.unique(batch.column(0)).to_pylist())
    return values - {None}


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind))


def _no_column(schema: pa.Schema, name: str, file: Path, setting: str) -> str:
    return f"{shown(str(file))} has no column {name!r}; set {setting} to one of: {', '.join(schema.names)}."
