"""Laws of reading a person's own pictures, and a sentence for every way in which a folder can be wrong."""

import os
import pickle
import tarfile
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from archive_files import on_disk, tarred, zipped
from PIL import Image

from ganlib.datasets import BOMB, BROKEN, NOT_AN_IMAGE, TRUNCATED, UNREADABLE, Batch, Refused, image_folder
from ganlib.datasets.image_folder import ImageFolder
from ganlib.errors import UserError

REAL = Path(os.environ.get("GANLIB_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "cifar10-jpg"


def png(shade=0, mode="L"):
    buffer = BytesIO()
    Image.new(mode, (2, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


STORED = {
    "directory": lambda folder, files: on_disk(folder / "pictures", files),
    "zip": lambda folder, files: zipped(folder / "pictures.zip", files),
    "tar": lambda folder, files: tarred(folder / "pictures.tar", files),
    "tar.gz": lambda folder, files: tarred(folder / "pictures.tar.gz", files, "w:gz"),
}


@pytest.fixture(params=STORED)
def stored(request, tmp_path):
    """A way to put files somewhere: the same laws hold for all."""
    return lambda files: STORED[request.param](tmp_path, files)


@pytest.fixture
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture
def opened(scratch):
    return lambda path, **options: ImageFolder(path=str(path), **options).open(scratch)


def results(contents):
    """What all jobs yield, each sent to a worker as it would be."""
    found = [result for job in contents.jobs for result in pickle.loads(pickle.dumps(job)).run()]
    assert contents.count == len(found)
    return found


def names_of(found):
    return [result.name if isinstance(result, Refused) else result.names[0] for result in found]


def labels_of(found):
    return [result.label if isinstance(result, Refused) else int(result.labels[0]) for result in found]


CLASSES = {"dog/b.png": png(1), "dog/a.png": png(2), "cat/deep/er/x.jpg": png(3), "Zebra/1.PNG": png(4)}
BARE = {"b.png": png(1), "a.png": png(2)}
WRAPPED = {f"My pictures/inner/{name}": content for name, content in CLASSES.items()}
CLUTTER = {
    "notes.txt": b"hello",
    ".hidden.png": b"no picture",
    "dog/.DS_Store": b"",
    "dog/labels.csv": b"a,b",
    "cat/README": b"",
    ".git/x.png": b"no picture",
    "__MACOSX/dog/._b.png": b"no picture",
}


def test_folders_are_classes_in_the_order_of_their_names(stored, opened):
    contents = opened(stored(CLASSES))
    found = results(contents)
    assert contents.classes == ("Zebra", "cat", "dog")
    assert names_of(found) == ["Zebra/1.PNG", "cat/deep/er/x.jpg", "dog/a.png", "dog/b.png"]
    assert labels_of(found) == [0, 1, 2, 2]
    assert [batch.pixels.tolist() for batch in found] == [[[[[shade] * 2] * 3]] for shade in (4, 3, 2, 1)]
    assert not contents.others


def test_pictures_without_folders_have_no_classes(stored, opened):
    contents = opened(stored(BARE))
    found = results(contents)
    assert (contents.classes, names_of(found), labels_of(found)) == ((), ["a.png", "b.png"], [-1, -1])


def test_folders_around_everything_change_no_label(stored, opened):
    contents = opened(stored(WRAPPED))
    found = results(contents)
    assert contents.classes == ("Zebra", "cat", "dog")
    assert names_of(found) == [f"My pictures/inner/{name}" for name in sorted(CLASSES)]
    assert labels_of(found) == [0, 1, 2, 2]


def test_one_folder_alone_is_no_class(stored, opened):
    contents = opened(stored({"photos/a.png": png(), "photos/b.png": png(1), "about.txt": b""}))
    assert (contents.classes, labels_of(results(contents))) == ((), [-1, -1])


def test_with_labels_none_folders_are_nothing(stored, opened):
    contents = opened(stored({**CLASSES, "loose.png": png(9), "empty/": b""}), labels="none")
    found = results(contents)
    assert (contents.classes, set(labels_of(found)), len(found)) == ((), {-1}, 5)


def test_hidden_files_are_not_looked_at_and_other_files_have_a_row_each(stored, opened):
    contents = opened(stored({**CLASSES, **CLUTTER}))
    assert names_of(results(contents)) == sorted(CLASSES)
    assert [(other.name, other.reason, other.label) for other in contents.others] == [
        (name, NOT_AN_IMAGE, -1) for name in ("cat/README", "dog/labels.csv", "notes.txt")
    ]
    assert contents.others[2].sentence.endswith("notes.txt is no picture by its name; it is left out.")


def test_a_link_in_an_archive_that_is_named_like_a_picture_has_a_row(tmp_path, opened):
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        for name, kind in (("a.png", tarfile.REGTYPE), ("link.png", tarfile.SYMTYPE), ("latest", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "a.png"
            archive.addfile(info)
    (other,) = opened(tmp_path / "it.tar").others
    assert (other.name, other.reason) == ("link.png", NOT_AN_IMAGE)
    assert other.sentence.endswith("it.tar: link.png is a link; put the picture itself there.")


def test_broken_files_are_refused_in_their_place_and_the_others_are_not(stored, opened):
    files = {"cat/1.png": png(), "cat/2.png": png()[:46], "dog/3.png": b"", "dog/4.png": b"hello", "dog/5.png": png(5)}
    found = results(opened(stored(files)))
    assert [result.reason if isinstance(result, Refused) else "" for result in found][::4] == ["", ""]
    assert [type(result) for result in found] == [Batch, Refused, Refused, Refused, Batch]
    assert found[1].reason in (BROKEN, TRUNCATED)
    assert found[3].reason == NOT_AN_IMAGE
    assert labels_of(found) == [0, 0, 1, 1, 1]
    for result in found[1:4]:
        assert result.name in result.sentence
        assert "\n" not in result.sentence


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, opened, monkeypatch):
    archive = zipped(tmp_path / "it.zip", {"cat/1.png": png(1), "dog/2.png": png(2)})
    content = bytearray(archive.read_bytes())
    content[content.index(b"cat/1.png") + 12] ^= 0xFF
    archive.write_bytes(content)
    broken, good = results(opened(archive))
    assert (broken.name, broken.reason, broken.label) == ("cat/1.png", BROKEN, 0)
    assert broken.sentence.startswith(f"{archive}: cat/1.png ")
    assert broken.sentence.endswith("make the archive anew.")
    assert good.pixels[0, 0, 0, 0] == 2

    root = on_disk(tmp_path / "pictures", {"1.png": png(1)})
    (root / "2.png").symlink_to(root / "nowhere")
    gone = results(opened(root))[1]
    assert (gone.name, gone.reason) == ("2.png", UNREADABLE)
    assert gone.sentence == (
        f"{root / '2.png'} cannot be read: No such file or directory; make it readable or remove it."
    )


def test_a_picture_that_unpacks_to_too_many_pixels_is_a_bomb(stored, opened, monkeypatch):
    contents = opened(stored({"a.png": png(), "b.png": png()}))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    assert [result.reason for result in results(contents)] == [BOMB, BOMB]


def test_a_grey_and_a_colour_picture_have_one_and_three_channels(stored, opened):
    grey, colour = results(opened(stored({"a.png": png(7), "b.png": png((1, 2, 3), "RGB")})))
    assert (grey.pixels.shape, grey.mode) == ((1, 1, 3, 2), "L")
    assert (colour.pixels.shape, colour.mode) == ((1, 3, 3, 2), "RGB")
    assert colour.pixels[0, :, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"cat/1.png": png(), "dog/": b""}, r"dog is a class's folder without pictures"),
        ({"cat/1.png": png(), "dog/notes.txt": b"hello"}, r"dog is a class's folder without pictures"),
        ({"in/cat/1.png": png(), "in/dog/": b""}, r"in.dog is a class's folder without pictures"),
        ({"in/cat/1.png": png(), "in/a/b/": b""}, r"in.a is a class's folder without pictures"),
        ({"cat/1.png": png(), "loose.png": png()}, r"loose\.png lies beside the folder 'cat'"),
        ({"notes.txt": b"hello"}, r"holds no picture \(\.png, \.jpg, \.\.\.\) among its 1 files; put some there\.$"),
        ({"cat/": b"", "dog/": b""}, "holds no picture"),
        ({".hidden.png": png()}, "holds no picture"),
        ({}, r"holds no picture \(\.png, \.jpg, \.\.\.\); put some there"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(stored, opened, files, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        opened(stored(files))
    assert "\n" not in str(caught.value)


def test_no_sentence_holds_what_a_file_is_named_to_break_it(stored, opened):
    (refused,) = results(opened(stored({"two\nlines \x1b[31m.png": b"hello"})))
    assert refused.name == "two\nlines \x1b[31m.png"
    assert refused.sentence.isprintable()
    with pytest.raises(UserError) as caught:
        opened(stored({"two\nlines/1.png": png(), "loose.png": png()}))
    assert str(caught.value).isprintable()


def test_a_class_named_in_another_encoding_is_valid_text(tmp_path, opened):
    raw = os.fsdecode(b"caf\xe9")
    contents = opened(on_disk(tmp_path / "pictures", {f"{raw}/1.png": png(), "bar/1.png": png()}))
    assert contents.classes == ("bar", "caf\\udce9")
    assert labels_of(results(contents)) == [0, 1]


def test_jobs_are_small_parts_in_order_made_when_asked_for(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(image_folder, "PICTURES_PER_JOB", 3)
    contents = opened(on_disk(tmp_path / "pictures", {f"{i}.png": png(i) for i in range(8)}))
    assert len(contents.jobs) == len(list(contents.jobs)) == 3
    assert [len(list(job.run())) for job in contents.jobs] == [3, 3, 2]
    assert contents.jobs[-1].part.names == contents.jobs[1:][1].part.names == ["6.png", "7.png"]
    assert contents.jobs[0] is not contents.jobs[0]
    with pytest.raises(IndexError):
        contents.jobs[3]


def test_a_job_holds_no_more_than_names_and_places(tmp_path, opened):
    contents = opened(zipped(tmp_path / "it.zip", {f"{i:05d}.png": png() for i in range(300)}))
    assert len(pickle.dumps(contents.jobs[0])) < 128 * 60


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here")
def test_ten_thousand_jpegs_of_cifar_are_what_pillow_says(opened):
    contents = opened(REAL / "test.zip")
    assert contents.classes == (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    assert Counter(label for job in contents.jobs for label in job.labels) == dict.fromkeys(range(10), 1000)
    found = list(contents.jobs[5].run())
    with zipfile.ZipFile(REAL / "test.zip") as archive:
        for batch in found:
            expected = np.asarray(Image.open(BytesIO(archive.read(batch.names[0]))))
            assert (batch.pixels[0] == expected.transpose(2, 0, 1)).all()
