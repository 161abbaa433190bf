"""Laws of every archive, and a sentence for each way in which one can be unfit to read."""

import bz2
import gzip
import lzma
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from archive_files import (
    COMMENT,
    FILES,
    FORMS,
    opened,
    read,
    tarred,
    zipped,
)

from ganlib.datasets.image_folder import open_store
from ganlib.errors import UserError
from ganlib.reading import archives


@pytest.mark.parametrize(
    "name",
    [
        "../out.png",
        "/out.png",
        "cat/../../out.png",
        "C:\\out.png",
        "d:/out.png",
        "..\\out.png",
        "\\out.png",
        "cat\\..\\..\\out.png",
    ],
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_member_that_points_outside_is_refused_and_never_written(tmp_path, name, pack):
    (tmp_path / "in").mkdir()
    archive = pack(tmp_path / "in" / "it", {"b.png": b"x", name: b"x"})
    with pytest.raises(UserError, match=r"out\.png points outside the archive; make the archive anew without that\.$"):
        opened(archive, tmp_path)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["in", "it", "scratch"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_longer_than_any_path_is_refused(tmp_path, pack):
    assert opened(pack(tmp_path / "it", {"a/" * 2000 + ".png": b"", "a/" * 2000 + "a.png": b""}), tmp_path).names
    with pytest.raises(UserError, match="it has a member with a name of 60001 characters; make the archive anew"):
        opened(pack(tmp_path / "it", {"a/" * 30000 + "a": b"x"}), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_of_members_with_one_name_the_last_is_kept_and_it_is_said(tmp_path, pack):
    class Twice(dict):
        def items(self):
            return [("a.png", b"old"), ("b.png", b"b"), ("a.png", b"older"), ("a.png", b"new")]

    store = opened(pack(tmp_path / "it", Twice()), tmp_path)
    assert read(store) == {"a.png": b"new", "b.png": b"b"}
    assert store.notes == (
        "it holds 2 members whose names come again later, such as a.png; the last of each name is read, as unpacking "
        "would leave it.",
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("it.zip", b"", r"it\.zip is no whole \.zip: the list of its members, at its end, is missing; copy or"),
        ("it.zip", b"not a zip", "is missing"),
        ("it", b"PK\3\4 neither" * 99, "is missing"),
        ("it.tar", b"", r"it\.tar', which is neither a directory nor a whole \.zip, \.tar, \.tar\.gz"),
        ("it.rar", b"Rar!" * 999, r"it\.rar', which is neither a directory nor a whole \.zip"),
        ("it.tar.gz", gzip.compress(b"hello"), r"it\.tar\.gz', which is neither a directory nor a whole"),
        (
            "it.tar.gz",
            gzip.compress(b"x" * 9999)[:20],
            "ends before its gzip data does: it was cut short; copy it anew",
        ),
        ("it.tar.bz2", bz2.compress(os.urandom(9999))[:99], "ends before its bzip2 data does"),
        ("it.tar.xz", lzma.compress(os.urandom(9999))[:99], "ends before its xz data does"),
        (
            "it.tar.gz",
            b"\x1f\x8b\x08\x00" + b"?" * 99,
            r"it\.tar\.gz is garbled gzip data \(.*\); copy or make it anew",
        ),
        ("it.tar.gz", b"\x1f\x8bx" + bytes(9), r"it\.tar\.gz is garbled gzip data"),
        ("it.tar.gz", gzip.compress(b"x") + b"more", r"it\.tar\.gz is garbled gzip data"),
        ("it.tar.bz2", b"BZh9" + b"?" * 99, "is garbled bzip2 data"),
        ("it.tar.xz", b"\xfd7zXZ\x00" + b"?" * 99, "is garbled xz data"),
    ],
    ids=range(14),  # not by content: that of gzip holds the time, and every test process must see the same names
)
def test_what_is_no_archive_is_named_in_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence) as caught:
        opened(tmp_path / name, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_path_to_nothing_and_one_to_a_device_are_named(tmp_path):
    with pytest.raises(UserError, match=r"^data\.path is '.*nowhere', which does not exist; name a directory, \.zip"):
        opened(tmp_path / "nowhere", tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="which is no file"):
        opened(tmp_path / "pipe", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_archive_that_may_not_be_read_is_named(tmp_path):
    archive = zipped(tmp_path / "it.zip", FILES)
    archive.chmod(0)
    with pytest.raises(UserError, match=r"it\.zip cannot be read: Permission denied\.$"):
        opened(archive, tmp_path)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "directory"])
def test_an_archive_cut_short_anywhere_is_never_taken_for_a_smaller_one(form, tmp_path):
    archive = FORMS[form](tmp_path, {name: content for name, content in FILES.items() if "long" not in name})
    whole = archive.read_bytes()
    # Behind the end mark of a plain tar there is only padding, and a comment may be lost.
    end = len(whole.rstrip(b"\0")) // 512 * 512 + 512 if "tar" in form and "." not in form else len(whole)
    end -= len(COMMENT) if "comment" in form else 0
    for length in {*range(0, end, 311), end - 1}:
        archive.write_bytes(whole[:length])
        with pytest.raises(UserError):
            opened(archive, tmp_path)


def test_an_archive_that_changes_while_it_is_read_is_not_read_on(tmp_path):
    for form in ("zip", "gnu tar"):
        archive = FORMS[form](tmp_path, FILES)
        part = pickle.loads(pickle.dumps(opened(archive, tmp_path).part(np.array([0]))))
        archives._opened.cache_clear()
        archive.write_bytes(archive.read_bytes() + b"more")
        with pytest.raises(UserError, match="changed while it was being read; leave it alone and prepare again"):
            list(part.contents())


def test_the_descriptor_of_an_archive_closes_with_its_last_user(tmp_path):
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not list them")
    before = len(list(descriptors.iterdir()))
    for i in range(20):
        read(opened(zipped(tmp_path / f"{i}.zip", {"a.png": b"x"}), tmp_path))
    assert len(list(descriptors.iterdir())) - before <= 4


@pytest.mark.parametrize("form", ["zip", "tar.gz", "tar.xz"])
def test_an_archive_that_unpacks_to_far_more_than_itself_is_refused(form, tmp_path, monkeypatch):
    archive = FORMS[form](tmp_path, {"a.png": bytes(3_000_000), "b.png": bytes(3_000_000)})
    monkeypatch.setattr(archives, "MOST_UNPACKED", 6_100_000)
    assert len(opened(archive, tmp_path).names) == 2
    monkeypatch.setattr(archives, "MOST_UNPACKED", 5_900_000)
    with pytest.raises(
        UserError, match="unpacks to more than 5900000 bytes, as archives do that are made to fill a disk"
    ):
        opened(archive, tmp_path)


def test_a_disk_too_full_to_unpack_on_is_named(tmp_path):
    archive = tarred(tmp_path / "it.tar.gz", FILES, "w:gz")
    with pytest.raises(UserError, match=r"cannot be unpacked into .*nowhere: No such file or directory"):
        open_store(archive, tmp_path / "nowhere")
