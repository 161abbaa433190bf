"""Files that say of which class each picture is: StyleGAN's JSON, or a table as CSV or Parquet."""

import json
import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from ..errors import UserError
from .names import escaped, shown

KINDS = (".json", ".csv", ".parquet")
FILE_NAME, LABEL = "file_name", "label"
"""Columns of a table, as the Hugging Face imagefolder has them."""
WHOLE_NUMBER = re.compile("0|[1-9][0-9]{0,17}")
DIGITS = re.compile("[0-9]+")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|nan", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """Names of files, and the class of each."""

    names: list[str]
    labels: list[int] | list[str]
    """Class numbers, from 0, or class names."""
    unlabelled: bool = False
    """Whether the file says outright that there are no classes."""


def read_labels(content: bytes, place: str, *, image_column: str, label_column: str) -> Table | None:
    """The labels in a file of that content; `place`, how to name it to a person, ends like its kind.

    None where it is a JSON file that says nothing of labels. UserError where it is broken, lacks a column, or has
    labels that are no classes.
    """
    kind = PurePosixPath(place).suffix.lower()
    if kind == ".json":
        return _of_json(content, place)
    names, labels = (_of_csv if kind == ".csv" else _of_parquet)(content, place, image_column, label_column)
    return _checked(names, labels, place)


def _of_json(content: bytes, place: str) -> Table | None:
    """`{"labels": [["00000/img00000000.png", 6], ...]}`, as StyleGAN's dataset tool writes it; null: no labels."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        detail = type(error).__name__ if isinstance(error, RecursionError) else shown(str(error)).rstrip(".")
        raise UserError(f"{place} is no JSON ({detail}); mend it, or set data.labels to folders or none.") from None
    if not isinstance(values, dict) or "labels" not in values:
        return None
    pairs = values["labels"]
    if pairs is None:
        return Table([], [], unlabelled=True)
    if not isinstance(pairs, list):
        raise UserError(f'{place} has labels that are no list; they look like [["cat/1.png", 0], ...].')
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise UserError(
                f'{place} has {_short(pair)} among its labels; each is a name and a class, such as ["cat/1.png", 0].'
            )
    return _checked([name for name, _ in pairs], [label for _, label in pairs], place)


def _of_csv(content: bytes, place: str, image_column: str, label_column: str) -> tuple[list[str], list[Any]]:
    """Every value is text; labels that are all whole numbers are numbers."""
    import pandas as pd  # noqa: PLC0415 - half a second, which other sources need not pay

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header lose values
            frame = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8", index_col=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise UserError(f"{place} is no CSV table ({_reason(error)}); mend it.") from None
    columns = [str(column) for column in frame.columns]
    _check_columns(columns, place, image_column, label_column)
    labels = frame[label_column].tolist()
    # Numbers such as 0.5 and -1 are no names of classes; 007 is one.
    if all(map(NUMBER.fullmatch, labels)) and not all(map(DIGITS.fullmatch, labels)):
        labels = [int(label) if WHOLE_NUMBER.fullmatch(label) else float(label) for label in labels]
    elif all(map(WHOLE_NUMBER.fullmatch, labels)):
        labels = [int(label) for label in labels]
    return frame[image_column].tolist(), labels


def _of_parquet(content: bytes, place: str, image_column: str, label_column: str) -> tuple[list[str], list[Any]]:
    import pyarrow as pa  # noqa: PLC0415 - likewise
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        columns = [str(column) for column in file.schema_arrow.names]
        _check_columns(columns, place, image_column, label_column)
        table = file.read(columns=[image_column, label_column])
        names, labels = table[image_column].to_pylist(), table[label_column].to_pylist()
    except UserError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise UserError(f"{place} is no whole Parquet file ({_reason(error)}); make it anew.") from None
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise UserError(
            f"{place} has {_short(wrong[0])} in its column {image_column!r}, where files' names should be; set "
            f"data.image_column, or make the file anew."
        )
    return names, labels


def _check_columns(columns: list[str], place: str, image_column: str, label_column: str) -> None:
    for column, setting in ((image_column, "image_column"), (label_column, "label_column")):
        if column not in columns:
            raise UserError(
                f"{place} has no column {column!r}; set data.{setting} to one of: {shown(', '.join(columns))}."
            )


def _checked(names: list[str], labels: list[Any], place: str) -> Table:
    """Labels that are whole numbers from 0 throughout, or words throughout."""
    kinds = {type(label) for label in labels}
    if kinds <= {int} and min(labels, default=0) >= 0:
        return Table(names, labels)
    if kinds == {str} and "" not in labels:
        return Table(names, [escaped(label) for label in labels])
    if kinds == {int, str}:
        word, number = (next(label for label in labels if type(label) is kind) for kind in (str, int))
        raise UserError(f"{place} has the labels {_short(word)} and {number}; give it names alone, or numbers alone.")
    at, wrong = next((i, label) for i, label in enumerate(labels) if not _is_class(label))
    raise UserError(
        f"{place} has the label {_short(wrong)} for {_short(names[at])}; only class numbers from 0 and class names can "
        f"be used."
    )


def _is_class(label: object) -> bool:
    return (type(label) is int and label >= 0) or (type(label) is str and label != "")


def _short(value: Any) -> str:
    text = shown(repr(value))
    return text if len(text) <= 60 else f"{text[:60]}..."


def _reason(error: BaseException) -> str:
    return shown(" ".join(str(error).split())).rstrip(".") or type(error).__name__
