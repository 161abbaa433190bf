"""Laws of directories and archives: all forms of one thing are the same."""

import os
import pickle
import socket
import tarfile

import numpy as np
import pytest
from archive_files import FILES, FORMS, HIDDEN, LISTED, on_disk, opened, read, tarred

from ganlib.datasets import (
    BOMB,
    NOT_AN_IMAGE,
    UNREADABLE,
)
from ganlib.errors import UserError
from ganlib.reading import stores
from ganlib.reading import tar as reading_tar
from ganlib.reading import zip as reading_zip
from ganlib.reading.stores import NoContent


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_folder_holds_the_same_files_in_the_same_order(form, tmp_path):
    shuffled = dict(sorted({**FILES, **HIDDEN}.items(), key=lambda item: hash(item[0]) % 7))
    store = opened(FORMS[form](tmp_path, shuffled), tmp_path)
    assert store.names == LISTED
    assert read(store) == {name: FILES[name] for name in LISTED}
    assert "empty" in store.folders
    assert not store.specials
    assert not store.notes


@pytest.mark.parametrize("form", FORMS)
def test_a_part_is_read_by_another_process_as_by_this_one(form, tmp_path):
    store = opened(FORMS[form](tmp_path, FILES), tmp_path)
    part = pickle.loads(pickle.dumps(store.part(np.array([3, 1]))))
    assert part.names == [LISTED[3], LISTED[1]]
    assert list(part.contents()) == [FILES[LISTED[3]], FILES[LISTED[1]]]
    assert store.read("UPPER.PNG") == b"u"


@pytest.mark.parametrize("form", FORMS)
def test_nothing_that_is_there_is_an_empty_store(form, tmp_path):
    assert opened(FORMS[form](tmp_path, {}), tmp_path).names == []


def test_a_name_that_is_not_valid_text_is_escaped_alike_on_disk_and_in_a_tar(tmp_path):
    raw = os.fsdecode(b"caf\xe9.png")
    disk = opened(on_disk(tmp_path / "pictures", {raw: b"x", "b.png": b"y"}), tmp_path)
    tar = opened(tarred(tmp_path / "it.tar", {raw: b"x", "b.png": b"y"}, format=tarfile.GNU_FORMAT), tmp_path)
    assert disk.names == tar.names == ["b.png", "caf\\udce9.png"]
    assert read(disk) == read(tar) == {"b.png": b"y", "caf\\udce9.png": b"x"}


def test_escaping_never_makes_two_names_one(tmp_path):
    files = {os.fsdecode(b"\xe9.png"): b"x", "\\udce9.png": b"y"}
    files |= {os.fsdecode(b"\xe8\\udce9"): b"1", os.fsdecode(b"\\udce8\xe9"): b"2"}
    contents = read(opened(on_disk(tmp_path / "pictures", files), tmp_path))
    assert contents.pop("\\\\udce9.png") == b"x"
    assert contents.pop("\\udce9.png") == b"y"
    assert set(contents) == {"\\udce8\\udce9", "\\\\udce8\\\\udce9"}
    assert set(contents.values()) == {b"1", b"2"}


def test_pipes_sockets_and_devices_in_a_directory_are_set_apart(tmp_path, monkeypatch):
    root = on_disk(tmp_path / "pictures", {"a.png": b"x"})
    os.mkfifo(root / "pipe.png")
    (root / "zero.png").symlink_to("/dev/zero")
    monkeypatch.chdir(root)  # the name of a socket has a short limit
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        store = opened(root, tmp_path)
    assert store.names == ["a.png"]
    assert store.specials == {
        "pipe.png": "a pipe or a socket", "socket.png": "a pipe or a socket", "zero.png": "a device",
    }  # fmt: skip


def test_a_pipe_that_took_a_files_place_is_not_waited_for(tmp_path):
    root = on_disk(tmp_path / "pictures", {"a.png": b"x"})
    store = opened(root, tmp_path)
    (root / "a.png").unlink()
    os.mkfifo(root / "a.png")
    assert read(store)["a.png"].reason == NOT_AN_IMAGE


def test_links_to_files_and_folders_on_disk_are_followed(tmp_path):
    elsewhere = on_disk(tmp_path / "elsewhere", {"1.png": b"one"})
    root = on_disk(tmp_path / "pictures", {"a.png": b"x"})
    (root / "dog").symlink_to(elsewhere)
    (root / "b.png").symlink_to(elsewhere / "1.png")
    assert read(opened(root, tmp_path)) == {"a.png": b"x", "b.png": b"one", "dog/1.png": b"one"}


def test_links_that_lead_back_up_are_named_instead_of_followed_for_ever(tmp_path):
    root = on_disk(tmp_path / "pictures", {"cat/1.png": b"x", "dog/1.png": b"x"})
    (root / "cat" / "to dog").symlink_to(root / "dog")
    (root / "dog" / "to cat").symlink_to(root / "cat")
    with pytest.raises(UserError, match="is a link to a folder that it lies in; remove it"):
        opened(root, tmp_path)


@pytest.mark.parametrize("target", ["nowhere.png", "gone.png"])
def test_a_link_to_nothing_or_to_itself_is_unreadable(tmp_path, target):
    root = on_disk(tmp_path / "pictures", {"a.png": b"x"})
    (root / "gone.png").symlink_to(root / target)
    contents = read(opened(root, tmp_path))
    assert contents["gone.png"].reason == UNREADABLE
    assert "cannot be read: " in contents["gone.png"].why


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_or_folder_that_may_not_be_read(tmp_path):
    root = on_disk(tmp_path / "pictures", {"a.png": b"x", "in/b.png": b"x"})
    (root / "a.png").chmod(0)
    assert read(opened(root, tmp_path))["a.png"].reason == UNREADABLE
    (root / "in").chmod(0)
    with pytest.raises(UserError, match="in cannot be read: Permission denied"):
        opened(root, tmp_path)
    (root / "in").chmod(0o700)


def test_a_file_that_the_disk_cannot_give_is_unreadable(tmp_path, monkeypatch):
    def broken(*args):
        raise OSError(5, "Input/output error")

    for form in ("directory", "zip", "gnu tar"):
        store = opened(FORMS[form](tmp_path, {"a.png": b"x"}), tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fstat" if form == "directory" else "pread", broken)
            part = store.part(np.array([0]))
            (content,) = part.contents()
        assert content.reason == UNREADABLE
        assert content.why.startswith("cannot be read: Input/output error; ")


@pytest.mark.parametrize("form", ["directory", "zip", "gnu tar"])
def test_one_file_far_too_large_is_refused_before_it_is_read(form, tmp_path, monkeypatch):
    store = opened(FORMS[form](tmp_path, {"a.png": bytes(5001), "b.png": bytes(5000)}), tmp_path)
    for module in (stores, reading_tar, reading_zip):
        monkeypatch.setattr(module, "LARGEST_FILE", 5000)
    contents = read(store)
    assert contents["a.png"] == NoContent(BOMB, "holds 5001 bytes, too many for a picture; remove it")
    assert contents["b.png"] == bytes(5000)
