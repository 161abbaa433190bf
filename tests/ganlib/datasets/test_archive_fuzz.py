"""Whatever bytes an archive or a picture holds: a sentence or a picture, never a traceback and never a hang.

GANLIB_FUZZ_SECONDS says for how long in all; each case tries the same mutations in the same order every time.
"""

import json
import os
import random
import tarfile
import zipfile
import zlib
from io import BytesIO
from itertools import count
from time import monotonic

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ganlib.datasets import REASONS, Batch
from ganlib.datasets.image_folder import ImageFolder
from ganlib.errors import UserError

SECONDS = float(os.environ.get("GANLIB_FUZZ_SECONDS", "10"))
SHADES = np.random.default_rng(0).integers(0, 256, (6, 5, 4), np.uint8)
NUMBERS = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff",
    b"\0\0\0\x80",
    b"\xff\xff\xff\x7f",
    b"\xff" * 8,
    b"77777777777",
)


def saved(kind, mode, **options):
    buffer = BytesIO()
    Image.fromarray(SHADES).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def saved_16_bits():
    buffer = BytesIO()
    Image.fromarray(SHADES[:, :, 0].astype(np.uint16) * 257).save(buffer, "PNG")
    return buffer.getvalue()


def pictures():
    """One of each format and of its odder variants."""
    frames = [Image.fromarray(SHADES[:, :, 0] // n).convert("P") for n in (1, 2)]
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "a/rgb.png": saved("PNG", "RGB"),
        "a/palette.png": saved("PNG", "P", transparency=3),
        "a/16.png": saved_16_bits(),
        "a/baseline.jpg": saved("JPEG", "RGB", exif=exif),
        "a/cmyk.jpg": saved("JPEG", "CMYK", progressive=True),
        "b/moving.gif": saved("GIF", "P", save_all=True, append_images=frames),
        "b/lossy.webp": saved("WEBP", "RGB"),
        "b/moving.webp": saved("WEBP", "RGBA", save_all=True, append_images=frames, lossless=True),
        "b/24.bmp": saved("BMP", "RGB"),
        "b/lzw.tiff": saved("TIFF", "RGB", compression="tiff_lzw"),
        "b/raw.tiff": saved("TIFF", "L"),
        "b/plain.ppm": saved("PPM", "RGB"),
        "b/many.ico": saved("ICO", "RGBA", sizes=[(4, 4), (6, 5)]),
        "b/rle.tga": saved("TGA", "RGBA", compression="tga_rle"),
    }


def mutated(content, rng):
    """A few flips, numbers at the ends of their ranges, cuts, and blocks that moved or came twice."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, to = sorted(rng.randrange(len(content) + 1) for _ in range(2))
        to = min(to, at + rng.choice((1, 4, 40, 600, len(content))))
        match rng.randrange(6):
            case 0 | 1 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 2:
                number = rng.choice(NUMBERS)
                content[at : at + len(number)] = number
            case 3:
                del content[at:to]
            case 4:
                content[at:at] = content[rng.randrange(len(content) + 1) :][: to - at]
            case 5:
                content[at:to] = rng.randbytes(to - at)
    return bytes(content[: rng.randrange(len(content) + 1)] if rng.random() < 0.1 else content)


def with_checksums(content):
    """Past the check that finds most mutations: the headers of a tar, or the chunks of a PNG, sealed anew."""
    content = bytearray(content)
    if content.startswith(b"\x89PNG"):
        at = 8
        while at + 12 <= len(content):
            end = at + 8 + int.from_bytes(content[at : at + 4], "big")
            content[end : end + 4] = zlib.crc32(content[at + 4 : end]).to_bytes(4, "big")
            at = end + 4
    else:
        for at in range(0, len(content) - 511, 512):
            if content[at + 257 : at + 262] == b"ustar":
                content[at + 148 : at + 156] = b" " * 8
                content[at + 148 : at + 156] = b"%06o\0 " % sum(content[at : at + 512])
    return bytes(content)


def zipped(files, method=zipfile.ZIP_DEFLATED):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files, how="w", form=tarfile.PAX_FORMAT):
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode=how, format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))
    return buffer.getvalue()


LONG = {f"{'long/' * 30}{name}": content for name, content in pictures().items() if name.startswith("a")}


def wide_zip(files):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", -1)
        return zipped(files)


def table(files):
    buffer = BytesIO()
    pq.write_table(pa.table({"file_name": list(files), "label": ["x", "y"] * (len(files) // 2)}), buffer)
    return buffer.getvalue()


ARCHIVES = {
    "zip": lambda: zipped(pictures()),
    "stored zip": lambda: zipped(pictures(), zipfile.ZIP_STORED),
    "zip64": lambda: wide_zip(pictures()),
    "gnu tar": lambda: tarred(LONG, form=tarfile.GNU_FORMAT),
    "pax tar": lambda: tarred(LONG),
    "tar.gz": lambda: tarred(pictures(), "w:gz"),
    "tar.bz2": lambda: tarred(pictures(), "w:bz2"),
    "tar.xz": lambda: tarred(pictures(), "w:xz"),
}


def check(path, scratch, labels=None):
    """Opens and runs everything: what is not a UserError is a result for each file."""
    sentence = None
    try:
        contents = ImageFolder(path=str(path), labels=labels).open(scratch)
        found = [result for job in contents.jobs for result in job.run()]
    except UserError as error:
        sentence = str(error)
    if sentence is not None:
        assert "\n" not in sentence
        return
    assert contents.count == len(found)
    names = [other.name for other in contents.others]
    for result in found:
        if isinstance(result, Batch):
            assert result.pixels.dtype == np.uint8
            names += result.names
        else:
            assert result.reason in REASONS
            assert "\n" not in result.sentence
            names.append(result.name)
    assert len({name.encode("utf-8") for name in names}) == len(names)


def fuzz(case, tmp_path, make, labels=None):
    """Until this case's part of the time is over; the first mutation always."""
    end = monotonic() + SECONDS / (len(ARCHIVES) + 2)
    for number in count():
        rng = random.Random(f"{case} {number}")
        labels_file = labels and rng.choice(labels)
        (tmp_path / "it").write_bytes(make(rng, labels_file) if labels else make(rng))
        try:
            check(tmp_path / "it", tmp_path, labels_file)
        except Exception as error:
            raise AssertionError(f"mutation {number} of {case}") from error
        if monotonic() > end:
            return


pytestmark = pytest.mark.timeout(120 + SECONDS)  # something hangs


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    """So that a mutated width costs no minute."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)


@pytest.mark.parametrize("form", ARCHIVES)
def test_a_mutated_archive_ends_in_a_sentence_or_in_pictures(form, tmp_path):
    whole = ARCHIVES[form]()
    (tmp_path / "it").write_bytes(whole)
    assert ImageFolder(path=str(tmp_path / "it")).open(tmp_path).count > 4

    def make(rng):
        content = mutated(whole, rng)
        return with_checksums(content) if "tar" in form and rng.random() < 0.7 else content

    fuzz(form, tmp_path, make)


def test_a_mutated_picture_is_decoded_or_refused(tmp_path):
    files = pictures()

    def make(rng):
        mutations = {name: mutated(content, rng) for name, content in files.items()}
        if rng.random() < 0.7:
            mutations.update({name: with_checksums(mutations[name]) for name in files if name.endswith(".png")})
        return zipped(mutations)

    fuzz("pictures", tmp_path, make)


def test_mutated_labels_end_in_a_sentence_or_in_classes(tmp_path):
    files = pictures()
    labels = {
        "dataset.json": json.dumps({"labels": [[name, 0] for name in files]}).encode(),
        "t.csv": b"file_name,label\n" + b"".join(f"{name},{i % 2}\n".encode() for i, name in enumerate(files)),
        "t.parquet": table(files),
    }

    def make(rng, name):
        return zipped({**dict.fromkeys(files, b"x"), name: mutated(labels[name], rng)})

    fuzz("labels", tmp_path, make, list(labels))
