"""What tests of directories and archives make: one set of files in every form that they can be stored in."""

import io
import tarfile
import zipfile

import numpy as np
import pytest

from ganlib.datasets.image_folder import open_store

LONG = "a folder of a very long name, as some have/" * 5 + "and a file.png"

FILES = {
    "b.png": b"second",
    "cat/1.png": b"first" * 300,
    "cat/deep/er/2.png": b"",
    "Größe/日本.png": bytes(range(256)) * 9,
    "at 1.02\u202fPM.png": b"as macOS names them",
    "UPPER.PNG": b"u",
    "empty/": b"",
    LONG: b"long",
}

HIDDEN = {".hidden.png": b"x", "cat/.DS_Store": b"x", ".git/x.png": b"x", "__MACOSX/cat/._1.png": b"x"}

COMMENT = b"made by hand" * 99

LISTED = sorted(name for name in FILES if not name.endswith("/"))


def on_disk(root, files):
    root.mkdir(exist_ok=True)
    for name, content in files.items():
        if name.endswith("/"):
            (root / name).mkdir(parents=True)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    return root


def zipped(path, files, method=zipfile.ZIP_DEFLATED, comment=b""):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.comment = comment
    return path


def tarred(path, files, how="w", **options):
    with tarfile.open(path, how, **options) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def member(name, kind, **fields):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def wide_zip(path, files):
    """As if it were too large for 32 bits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", -1)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
        return zipped(path, files)


def behind_a_program(path, files):
    path.write_bytes(b"#!/bin/sh\n" * 50 + zipped(path, files).read_bytes())
    return path


def from_here(path, files):
    """As `tar -C folder .` has it."""
    return tarred(path, {f"./{name}": content for name, content in files.items()})


FORMS = {
    "directory": lambda folder, files: on_disk(folder / "pictures", files),
    "zip": lambda folder, files: zipped(folder / "it.zip", files),
    "stored zip": lambda folder, files: zipped(folder / "it.zip", files, zipfile.ZIP_STORED),
    "zip with a comment": lambda folder, files: zipped(folder / "it.zip", files, comment=COMMENT),
    "zip64": lambda folder, files: wide_zip(folder / "it.zip", files),
    "self-extracting zip": lambda folder, files: behind_a_program(folder / "it.zip", files),
    "zip of another name": lambda folder, files: zipped(folder / "it", files),
    "gnu tar": lambda folder, files: tarred(folder / "it.tar", files, format=tarfile.GNU_FORMAT),
    "pax tar": lambda folder, files: tarred(folder / "it.tar", files, format=tarfile.PAX_FORMAT),
    "tar from here": lambda folder, files: from_here(folder / "it.tar", files),
    "tar.gz": lambda folder, files: tarred(folder / "it.tar.gz", files, "w:gz"),
    "tgz": lambda folder, files: tarred(folder / "it.tgz", files, "w:gz"),
    "tar.bz2": lambda folder, files: tarred(folder / "it.tar.bz2", files, "w:bz2"),
    "tar.xz": lambda folder, files: tarred(folder / "it.tar.xz", files, "w:xz"),
}


def opened(path, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return open_store(path, scratch)


def read(store):
    part = store.part(np.arange(len(store.names)))
    return dict(zip(part.names, part.contents(), strict=True))


def patched(path, at, value):
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    return path
