"""What tests of sources make: small files of every kind, and everything that a source hands out."""

import struct
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ganlib.datasets import Batch
from ganlib.reading.idx_format import IMAGES, LABELS


def idx(array, magic=None):
    """An array of unsigned bytes as an IDX file."""
    return struct.pack(f">{1 + array.ndim}I", magic or 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write_idx(
    folder, train, test, *, parts=("train", "t10k"), pack=lambda content: content, suffix="", spelling="-idx"
):
    folder.mkdir(parents=True, exist_ok=True)
    for part, (images, labels) in zip(parts, (train, test), strict=True):
        for name, array in ((IMAGES, images), (LABELS, labels)):
            file = folder / f"{part}-{name}{suffix}".replace("-idx", spelling)
            file.write_bytes(pack(idx(np.asarray(array, np.uint8))))
    return folder


def some(count, height=3, width=2, seed=0, first_label=0):
    """Pictures and labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(first_label, first_label + 4, count, np.uint8)
    return random.integers(0, 256, (count, height, width), np.uint8), labels


def write_cifar(folder, kind, *, counts, seed=0):
    """Random files of a `cifar_known.Kind` with so many pictures; returns the bytes of each."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    contents = {}
    for name, count in counts.items():
        labels = random.integers(0, kind.classes, (count, len(kind.classes)), np.uint8)
        contents[name] = np.hstack([labels, random.integers(0, 256, (count, 3072), np.uint8)])
        (folder / name).write_bytes(contents[name].tobytes())
    for name, count in zip(kind.class_files, kind.classes, strict=True):
        (folder / name).write_text("".join(f"{name[0]}{i}\n" for i in range(count)) + "\n")
    return contents


def png(shade=0, size=(3, 2), mode="L"):
    buffer = BytesIO()
    Image.new(mode, size, shade).save(buffer, "PNG")
    return buffer.getvalue()


HF_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write_table(file, columns, *, features=None, group=None):
    """A Parquet file; `features` are those that Hugging Face's `datasets` leaves in its metadata."""
    import json

    table = pa.table(columns)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, row_group_size=group)
    return file


def hf_images(contents):
    return pa.array([None if c is None else {"bytes": c, "path": f"{i}.png"} for i, c in enumerate(contents)], HF_IMAGE)


def everything(source):
    """(Contents, what its jobs yield)."""
    with tempfile.TemporaryDirectory() as scratch:
        contents = source.open(Path(scratch))
        return contents, [item for job in contents.jobs for item in job.run()]


def read(source):
    """(Contents, pixels, labels, names) of a source of pictures of one size, none of which is refused."""
    contents, batches = everything(source)
    assert all(isinstance(batch, Batch) for batch in batches)
    pixels = np.concatenate([batch.pixels for batch in batches])
    names = [name for batch in batches for name in batch.names]
    assert contents.count == len(pixels) == len(names) == len(set(names))
    return contents, pixels, np.concatenate([batch.labels for batch in batches]), names
