"""Laws of tar archives beyond those of every store, and of headers that are wrong."""

import io
import tarfile

import pytest
from archive_files import FILES, LONG, member, opened, read, tarred

from ganlib.errors import UserError


def test_a_ustar_name_in_two_halves_is_one(tmp_path):
    archive = tarred(tmp_path / "it.tar", {LONG: b"x"}, format=tarfile.USTAR_FORMAT)
    assert opened(archive, tmp_path).names == [LONG]


def test_pax_records_for_all_members_hold_for_each(tmp_path):
    files = {"a.png": b"x", LONG: b"y", "b.png": b"z"}
    archive = tarred(tmp_path / "it.tar", files, format=tarfile.PAX_FORMAT, pax_headers={"path": "one.png"})
    # Its own record is heard before.
    assert read(opened(archive, tmp_path)) == {LONG: b"y", "one.png": b"z"}


def test_a_size_in_a_pax_record_comes_before_the_headers(tmp_path):
    with tarfile.open(tmp_path / "it.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member("a.png", tarfile.REGTYPE, size=3, pax_headers={"size": "3"}), io.BytesIO(b"abc"))
    content = bytearray((tmp_path / "it.tar").read_bytes())
    header = memoryview(content)[1024:1536]  # behind that of the record, and the record
    header[124:136] = b"%011o\0" % 0
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "it.tar").write_bytes(content)
    assert read(opened(tmp_path / "it.tar", tmp_path)) == {"a.png": b"abc"}


@pytest.mark.parametrize("length", [b"999", b"005", b"00x"])
def test_a_pax_record_of_another_length_is_garbled(tmp_path, length):
    archive = tarred(tmp_path / "it.tar", {LONG: b"x"}, format=tarfile.PAX_FORMAT)
    content = archive.read_bytes()
    archive.write_bytes(content.replace(content[512:515], length))
    with pytest.raises(
        UserError, match=r"it\.tar is no whole \.tar: what it says of a member is garbled; copy or make"
    ):
        opened(archive, tmp_path)


def test_more_is_not_said_of_a_member_than_memory_should_hold(tmp_path):
    archive = tarred(tmp_path / "it.tar", FILES, format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * (1 << 20)})
    with pytest.raises(UserError, match=r"it has 10485\d\d bytes to say of one member"):
        opened(archive, tmp_path)


def test_a_folder_of_an_old_tar_is_known_by_its_slash(tmp_path):
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        archive.addfile(member("cat/", tarfile.AREGTYPE))
    store = opened(tmp_path / "it.tar", tmp_path)
    assert (store.names, store.folders) == ([], {"cat"})


def test_a_size_in_bytes_of_a_number_is_read(tmp_path):
    archive = tarred(tmp_path / "it.tar", {"a.png": b"abc"})
    content = bytearray(archive.read_bytes())
    content[124:136] = b"\x80" + (3).to_bytes(11, "big")
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    archive.write_bytes(content)
    assert read(opened(archive, tmp_path)) == {"a.png": b"abc"}


def test_what_is_no_file_in_a_tar_is_set_apart_and_never_followed(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        archive.addfile(member("a.png", tarfile.REGTYPE, size=1), io.BytesIO(b"x"))
        archive.addfile(member("hard.png", tarfile.LNKTYPE, linkname="a.png", size=1))
        archive.addfile(member("soft.png", tarfile.SYMTYPE, linkname=str(tmp_path / "secret.png")))
        archive.addfile(member("pipe.png", tarfile.FIFOTYPE))
        archive.addfile(member("device.png", tarfile.CHRTYPE, devmajor=1, devminor=5))
        archive.addfile(member("odd.png", b"V"))
        archive.addfile(member("sparse.png", tarfile.GNUTYPE_SPARSE, size=3), io.BytesIO(b"abc"))
        archive.addfile(
            member("b.png", tarfile.REGTYPE, size=1, pax_headers={"GNU.sparse.major": "1"}), io.BytesIO(b"y")
        )
        archive.addfile(member("c.png", tarfile.CONTTYPE, size=1), io.BytesIO(b"z"))
    store = opened(tmp_path / "it.tar", tmp_path)
    assert read(store) == {"a.png": b"x", "c.png": b"z"}
    assert store.specials == {
        "b.png": "a sparse file", "device.png": "a device", "hard.png": "a link",
        "odd.png": "a member of an unknown kind", "pipe.png": "a pipe", "soft.png": "a link",
        "sparse.png": "a sparse file",
    }  # fmt: skip


def test_the_maps_of_an_old_sparse_file_are_stepped_over(tmp_path):
    archive = tarred(tmp_path / "it.tar", {"s.png": bytes(512) + bytes(504) + b"\0" + bytes(7) + b"abc", "z.png": b"z"})
    content = bytearray(archive.read_bytes())
    content[124:136] = b"%011o\0" % 3
    content[156:157], content[482] = b"S", 1
    content[512 + 504] = 1  # another map follows this one
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    archive.write_bytes(content)
    assert read(opened(archive, tmp_path)) == {"z.png": b"z"}


def test_a_file_with_the_name_of_a_link_takes_its_place(tmp_path):
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        archive.addfile(member("a.png", tarfile.SYMTYPE, linkname="b.png"))
        archive.addfile(member("a.png", tarfile.REGTYPE, size=1), io.BytesIO(b"x"))
    store = opened(tmp_path / "it.tar", tmp_path)
    assert (store.names, store.specials) == (["a.png"], {})


def test_a_tar_that_is_garbled_halfway_is_named(tmp_path):
    archive = tarred(tmp_path / "it.tar", FILES)
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"b.png", b"c.png", 1))
    opened_at = content.index(b"b.png")
    sentence = "neither" if opened_at == 0 else f"no member begins at byte {opened_at}, where one should"
    with pytest.raises(UserError, match=sentence):
        opened(archive, tmp_path)
