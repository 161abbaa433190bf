"""Laws of reading a person's own pictures, and a sentence for every way in which a folder can be wrong."""

import os
import zipfile
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganlib.datasets import image_folder
from ganlib.datasets.image_folder import ImageFolder
from ganlib.errors import UserError


def png(shade=0):
    buffer = BytesIO()
    Image.new("L", (2, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


def on_disk(root, files):
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return root


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read(path):
    contents = ImageFolder(path=str(path)).open()
    batches = list(contents.batches)
    labels = [int(label) for batch in batches for label in batch.labels]
    names = [name for batch in batches for name in batch.names]
    assert contents.count == len(names)
    return contents, names, labels, [int(batch.pixels[0, 0, 0, 0]) for batch in batches]


CLASSES = {"dog/b.png": png(1), "dog/a.png": png(2), "cat/deep/er/x.jpg": png(3), "Zebra/1.PNG": png(4)}
BARE = {"b.png": png(1), "a.png": png(2)}
WRAPPED = {f"My pictures/inner/{name}": content for name, content in CLASSES.items()}
CLUTTER = {
    "notes.txt": b"hello",
    ".hidden.png": b"no picture",
    "dog/.DS_Store": b"",
    "dog/labels.csv": b"a,b",
    ".git/x.png": b"no picture",
    "__MACOSX/dog/._b.png": b"no picture",
}


@pytest.fixture(params=["directory", "zip"])
def stored(request, tmp_path):
    """A way to put files somewhere: the same laws hold for both."""
    if request.param == "zip":
        return lambda files: zipped(tmp_path / "pictures.zip", files)
    return lambda files: on_disk(tmp_path / "pictures", files)


def test_folders_are_classes_in_the_order_of_their_names(stored):
    contents, names, labels, shades = read(stored(CLASSES))
    assert contents.classes == ("Zebra", "cat", "dog")
    assert names == ["Zebra/1.PNG", "cat/deep/er/x.jpg", "dog/a.png", "dog/b.png"]
    assert labels == [0, 1, 2, 2]
    assert shades == [4, 3, 2, 1]


def test_pictures_without_folders_have_no_classes(stored):
    contents, names, labels, shades = read(stored(BARE))
    assert (contents.classes, names, labels, shades) == ((), ["a.png", "b.png"], [-1, -1], [2, 1])


def test_folders_around_everything_change_no_label(stored):
    plain = sorted(CLASSES)
    contents, names, labels, _ = read(stored(WRAPPED))
    assert contents.classes == ("Zebra", "cat", "dog")
    assert names == [f"My pictures/inner/{name}" for name in plain]
    assert labels == [0, 1, 2, 2]


def test_one_folder_alone_is_no_class(stored):
    contents, _, labels, _ = read(stored({"photos/a.png": png(), "photos/b.png": png(1)}))
    assert (contents.classes, labels) == ((), [-1, -1])


def test_hidden_files_are_not_looked_at_and_other_files_are_counted(stored):
    contents, names, _, _ = read(stored({**CLASSES, **CLUTTER}))
    assert names == sorted(CLASSES)
    assert contents.ignored == 2


def test_pictures_are_decoded_one_by_one_as_they_are_asked_for(stored):
    contents = ImageFolder(path=str(stored({**BARE, "z.png": b"broken"}))).open()
    assert next(contents.batches).names == ["a.png"]
    assert next(contents.batches).names == ["b.png"]
    with pytest.raises(UserError, match=r"z\.png"):
        next(contents.batches)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"cat/1.png": png(), "dog/2.png": png()[:46]}, r"dog/2\.png is a broken picture .* repair or remove it\.$"),
        ({"cat/1.png": png(), "dog/2.png": b""}, r"dog/2\.png is broken or in no picture format"),
        ({"cat/1.png": png(), "dog/": b""}, r"dog is a class's folder without pictures"),
        ({"cat/1.png": png(), "dog/notes.txt": b"hello"}, r"dog is a class's folder without pictures"),
        ({"in/cat/1.png": png(), "in/dog/": b""}, r"in.dog is a class's folder without pictures"),
        ({"cat/1.png": png(), "loose.png": png()}, r"loose\.png lies beside the folder 'cat'"),
        ({"notes.txt": b"hello"}, "holds no picture"),
        ({"cat/": b"", "dog/": b""}, "holds no picture"),
        ({".hidden.png": png()}, "holds no picture"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(stored, files, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        read(stored(files))
    assert "\n" not in str(caught.value)


def test_an_empty_directory_holds_no_picture(tmp_path):
    with pytest.raises(UserError, match="holds no picture"):
        read(tmp_path)


def test_an_empty_archive_holds_no_picture(tmp_path):
    with pytest.raises(UserError, match="holds no picture"):
        read(zipped(tmp_path / "empty.zip", {}))


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UserError, match=r"^data\.path is '.*nowhere', which does not exist"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 neither"])
def test_a_file_that_is_no_zip_is_named(tmp_path, content):
    (tmp_path / "it.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"neither a directory nor a whole \.zip"):
        read(tmp_path / "it.zip")


def test_a_zip_cut_short_is_no_whole_zip(tmp_path):
    archive = zipped(tmp_path / "it.zip", CLASSES)
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"neither a directory nor a whole \.zip"):
        read(archive)


def test_a_garbled_member_is_named(tmp_path):
    archive = zipped(tmp_path / "it.zip", BARE)
    content = bytearray(archive.read_bytes())
    content[45:60] = b"\xff" * 15
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"it\.zip: b\.png cannot be unpacked .*; make the archive anew\.$"):
        read(archive)


def test_an_encrypted_member_is_named(tmp_path):
    archive = zipped(tmp_path / "it.zip", BARE)
    content = bytearray(archive.read_bytes())
    # The first bit of a member's flags, in its own header and in the directory at the end.
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"it\.zip: b\.png is encrypted"):
        read(archive)


@pytest.mark.parametrize("name", ["../outside.png", "/outside.png", "cat/../../outside.png"])
def test_a_member_that_points_outside_is_refused_and_never_written(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(UserError, match=r"outside\.png points outside the archive"):
        read(zipped(folder / "it.zip", {**BARE, name: png()}))
    assert [file.name for file in tmp_path.rglob("*")] == ["in", "it.zip"]


def test_a_member_far_too_large_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "it.zip", {"a.png": bytes(5000)})
    monkeypatch.setattr(image_folder, "LARGEST_FILE", 4999)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    with pytest.raises(UserError, match=r"a\.png unpacks to 5000 bytes"):
        read(archive)


def test_a_link_to_a_folder_is_followed(tmp_path):
    elsewhere = on_disk(tmp_path / "elsewhere", {"1.png": png(7)})
    root = on_disk(tmp_path / "pictures", {"cat/1.png": png(5)})
    (root / "dog").symlink_to(elsewhere)
    _, names, labels, shades = read(root)
    assert (names, labels, shades) == (["cat/1.png", "dog/1.png"], [0, 1], [5, 7])


def test_links_that_lead_back_up_are_named_instead_of_followed_for_ever(tmp_path):
    root = on_disk(tmp_path / "pictures", CLASSES)
    (root / "cat" / "to dog").symlink_to(root / "dog")
    (root / "dog" / "to cat").symlink_to(root / "cat")
    with pytest.raises(UserError, match="is a link to a folder that it lies in"):
        read(root)


def test_a_link_to_nothing_is_named(tmp_path):
    root = on_disk(tmp_path / "pictures", BARE)
    (root / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(UserError, match=r"gone\.png cannot be read: No such file"):
        read(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_picture_that_may_not_be_read_is_named(tmp_path):
    root = on_disk(tmp_path, BARE)
    (root / "a.png").chmod(0)
    with pytest.raises(UserError, match=r"a\.png cannot be read: Permission denied"):
        read(root)


def test_what_zlib_raises_is_a_sentence_too(tmp_path, monkeypatch):
    def fail(*args):
        raise zlib.error("Error -3")

    archive = zipped(tmp_path / "it.zip", BARE)
    monkeypatch.setattr(zipfile.ZipFile, "read", fail)
    with pytest.raises(UserError, match="cannot be unpacked"):
        read(archive)


def test_a_grey_and_a_colour_picture_have_one_and_three_channels(tmp_path):
    root = on_disk(tmp_path, {"a.png": png()})
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3)).save(root / "b.png")
    grey, colour = ImageFolder(path=str(root)).open().batches
    assert (grey.pixels.shape, grey.mode) == ((1, 1, 3, 2), "L")
    assert (colour.pixels.shape, colour.mode) == ((1, 3, 2, 2), "RGB")
    assert colour.pixels[0, :, 0, 0].tolist() == [0, 1, 2]
