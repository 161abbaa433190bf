"""Laws of zip archives beyond those of every store, and of lists and members that are wrong."""

import re
import struct
import subprocess
import sys
import zipfile

import pytest
from archive_files import FILES, opened, patched, read, wide_zip, zipped

from ganlib.datasets import (
    BOMB,
    BROKEN,
    TRUNCATED,
)
from ganlib.errors import UserError
from ganlib.reading import archives, zip_directory
from ganlib.reading.stores import NoContent


def test_a_long_list_of_members_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_directory, "WINDOW_BYTES", 200_000)
    files = {f"{i:05d} {'x' * (i % 90)}.png": str(i).encode() for i in range(4000)}
    store = opened(zipped(tmp_path / "it.zip", files), tmp_path)
    assert read(store) == files


MEASURE = """
import sys, tracemalloc
from pathlib import Path
from ganlib.datasets.image_folder import open_store
tracemalloc.start()
store = open_store(Path(sys.argv[1]), Path(sys.argv[1]))
print(len(store.names), *tracemalloc.get_traced_memory())
"""


def test_a_list_of_a_hundred_thousand_members_stays_light(tmp_path):
    names = [f"class {i % 100}/{i:08d}.png".encode() for i in range(100_000)]
    entries = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 788, 20, 0, 8, 0, 33, 1, 9, 9, len(name), 0, 0, 0, 0, 0, 0) + name
        for name in names
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 100_000 % 65536, 100_000 % 65536, len(entries), 4, 0)
    (tmp_path / "it.zip").write_bytes(b"PK\3\4" + entries + end)
    # In a process of its own: the checks of types around these tests need memory too, and much time.
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "it.zip"], capture_output=True, text=True, check=True
    )
    count, kept, peak = map(int, measured.stdout.split())
    assert count == 100_000
    assert kept < 16_000_000
    assert peak < 32_000_000


@pytest.mark.parametrize(
    ("encoded", "name"),
    [("Größe.png".encode(), "Größe.png"), (b"Gr\x94\xe1e.png", "Größe.png"), (b"cut\0off.png", "cut")],
)
def test_a_zip_that_does_not_say_its_encoding_has_utf8_or_code_page_437(tmp_path, encoded, name):
    archive = zipped(tmp_path / "it.zip", {"#" * len(encoded): b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"#" * len(encoded), encoded))
    assert opened(archive, tmp_path).names == [name]


def test_a_zip_that_says_utf8_and_lies_is_read_nevertheless(tmp_path):
    archive = zipped(tmp_path / "it.zip", {"ä.png": b"x"})
    archive.write_bytes(archive.read_bytes().replace("ä".encode(), b"\xff\xfe"))
    assert read(opened(archive, tmp_path)) == {"\\udcff\\udcfe.png": b"x"}


def test_the_slashes_of_windows_part_folders_only_in_its_own_zips(tmp_path):
    for system, name in ((0, "cat/1.png"), (3, "cat\\1.png")):
        with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
            info = zipfile.ZipInfo("cat\\1.png")
            info.create_system = system
            archive.writestr(info, b"x")
        assert opened(tmp_path / "it.zip", tmp_path).names == [name]


def test_a_link_in_a_zip_is_set_apart_and_never_followed(tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        archive.writestr("a.png", b"x")
        info = zipfile.ZipInfo("soft.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    store = opened(tmp_path / "it.zip", tmp_path)
    assert (store.names, store.specials) == (["a.png"], {"soft.png": "a link"})


@pytest.mark.parametrize(
    ("signature", "offset", "value", "sentence"),
    [
        (b"PK\1\2", 8, b"\1", r"it\.zip: a\.png is encrypted; make the archive anew without a password\.$"),
        (b"PK\1\2", 10, b"\x0e", r"it\.zip: a\.png is packed by method 14; make the archive anew with deflate\.$"),
        (b"PK\5\6", 4, b"\1", "is one of several parts"),
        (b"PK\5\6", 10, b"\7", "the list of its members, at its end, is broken"),
        (b"PK\5\6", 12, b"\1", "the list of its members, at its end, is broken"),
        (b"PK\5\6", 16, b"\xff\xff", "the list of its members lies beyond its end"),
        (b"PK\1\2", 0, b"P?", "the list of its members, at its end, is broken"),
    ],
)
def test_a_zip_whose_list_is_wrong_is_named(tmp_path, signature, offset, value, sentence):
    archive = zipped(tmp_path / "it.zip", {"a.png": b"x" * 99})
    patched(archive, archive.read_bytes().index(signature) + offset, value)
    with pytest.raises(UserError, match=sentence):
        opened(archive, tmp_path)


def test_a_list_with_something_behind_its_members_is_broken(tmp_path):
    archive = zipped(tmp_path / "it.zip", {"a.png": b"x" * 99})
    content = archive.read_bytes()
    entries, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    archive.write_bytes(
        content[:end] + b"more" + content[end : end + 12] + struct.pack("<LLH", end - entries + 4, entries, 0)
    )
    with pytest.raises(UserError, match="the list of its members, at its end, is broken"):
        opened(archive, tmp_path)


def test_a_member_that_claims_to_reach_beyond_the_archive_is_what_its_checksum_says(tmp_path):
    archive = zipped(tmp_path / "it.zip", {"a.png": b"x" * 99})
    patched(archive, archive.read_bytes().index(b"PK\1\2") + 20, b"\xff\xff\xff\x7f")
    assert read(opened(archive, tmp_path)) == {"a.png": b"x" * 99}


def test_a_wide_zip_without_its_wide_end_is_named(tmp_path):
    archive = wide_zip(tmp_path / "it.zip", FILES)
    patched(archive, archive.read_bytes().index(b"PK\6\6"), b"P?")
    with pytest.raises(UserError, match="the list of its members, at its end, is broken"):
        opened(archive, tmp_path)


LIST = b"PK\1\2"


@pytest.mark.parametrize(
    ("signature", "offset", "value", "reason", "why"),
    [
        (b"PK\3\4", 40, b"\xff" * 20, BROKEN, "cannot be unpacked"),
        (b"PK\3\4", 0, b"P?", BROKEN, "is not where the archive says"),
        (LIST, 16, b"????", BROKEN, "is not what was packed, by its checksum"),
        (LIST, 20, b"\x05\0", TRUNCATED, r"unpacks to \d+ of 9900 bytes"),
        (LIST, 24, b"\xad\x26", TRUNCATED, "unpacks to 9900 of 9901 bytes"),
        (LIST, 24, b"\xab\x26", BROKEN, "is not what was packed"),
        (LIST, 24, b"\0\0", BROKEN, "is not what was packed"),
        (LIST, 24, b"\x01\0\0\x40", BOMB, r"holds 1073741825 bytes, too many for a picture; remove it"),
        (LIST, 42, b"\xff\xff\xff\x7f", TRUNCATED, "lies beyond the end of the archive"),
        (LIST, 42, b"\xff\xff\xff\xff", TRUNCATED, "lies beyond the end of the archive"),
    ],
)
def test_a_broken_member_of_a_zip_is_refused_and_the_others_are_not(
    tmp_path, monkeypatch, signature, offset, value, reason, why
):
    monkeypatch.setattr(archives, "MOST_UNPACKED", 1 << 40)
    archive = zipped(tmp_path / "it.zip", {"a.png": bytes(range(99)) * 100, "b.png": b"good"})
    patched(archive, archive.read_bytes().index(signature) + offset, value)
    contents = read(opened(archive, tmp_path))
    assert contents["a.png"] == NoContent(reason, contents["a.png"].why)
    assert re.match(why, contents["a.png"].why)
    assert contents["b.png"] == b"good"


def test_a_stored_member_of_another_length_is_refused(tmp_path):
    for value, reason in ((b"\x06", TRUNCATED), (b"\x04", BROKEN)):
        archive = zipped(tmp_path / "it.zip", {"a.png": b"12345"}, zipfile.ZIP_STORED)
        patched(archive, archive.read_bytes().index(LIST) + 24, value)
        assert read(opened(archive, tmp_path))["a.png"].reason == reason


def test_a_member_with_long_names_in_front_of_it_is_whole(tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        info = zipfile.ZipInfo("a.png")
        info.extra = struct.pack("<2H", 0xCAFE, 5000) + bytes(5000)
        archive.writestr(info, b"x" * 9)
    assert read(opened(tmp_path / "it.zip", tmp_path)) == {"a.png": b"x" * 9}
