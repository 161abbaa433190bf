"""Laws of CIFAR's binary files, and a sentence for every way in which they can be wrong."""

import gzip
import tarfile
from hashlib import md5
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from source_files import everything, read, write_cifar

from ganlib.datasets import cifar
from ganlib.datasets.cifar import Cifar
from ganlib.errors import UserError
from ganlib.reading import cifar_known
from ganlib.reading.cifar_known import CIFAR10, CIFAR100, KINDS

RECORD10, RECORD100 = 3073, 3074


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Data sets of some pictures a file instead of ten thousand."""
    for kind in (CIFAR10, CIFAR100):
        for place, name in enumerate(kind.pictures):
            monkeypatch.setitem(kind.pictures, name, 5 + place)
    monkeypatch.setattr(cifar, "JOB_PICTURES", 4)


def write(folder, kind):
    return write_cifar(folder, kind, counts=kind.pictures)


def packed(archive, folder, *, prefix="", mode="w:gz", order=reversed):
    """The folder's files as the archives have them: in no helpful order."""
    with tarfile.open(archive, mode) as opened:
        for file in order(sorted(folder.iterdir())):
            opened.add(file, f"{prefix}{file.name}")
    return archive


def test_pictures_come_in_the_files_order_with_red_first(tmp_path):
    written = write(tmp_path, CIFAR10)
    contents, pixels, labels, names = read(Cifar(path=str(tmp_path)))
    rows = np.concatenate([written[name] for name in CIFAR10.pictures])
    assert contents.classes == tuple(f"b{i}" for i in range(10))
    assert labels.tolist() == rows[:, 0].tolist()
    np.testing.assert_array_equal(pixels.reshape(len(rows), -1), rows[:, 1:])
    # A record is 1024 bytes of red, then green, then blue, each row by row.
    assert pixels[3, 1, 2, 5] == rows[3, 1 + 1024 + 2 * 32 + 5]
    assert (names[0], names[5], names[-1]) == ("data_batch_1.bin[0]", "data_batch_2.bin[0]", "test_batch.bin[9]")


@pytest.mark.parametrize(("variant", "byte"), [("cifar100", 1), ("cifar100_coarse", 0), (None, 1)])
def test_cifar100_has_two_labels_of_which_the_variant_takes_one(tmp_path, variant, byte):
    written = write(tmp_path, CIFAR100)
    contents, pixels, labels, _ = read(Cifar(path=str(tmp_path), variant=variant))
    rows = np.concatenate([written["train.bin"], written["test.bin"]])
    assert labels.tolist() == rows[:, byte].tolist()
    np.testing.assert_array_equal(pixels.reshape(len(rows), -1), rows[:, 2:])
    assert contents.classes == tuple(f"{'cf'[byte]}{i}" for i in range((20, 100)[byte]))


@pytest.mark.parametrize("kind", [CIFAR10, CIFAR100], ids=lambda kind: kind.title)
def test_the_archive_gives_what_the_directory_gives(tmp_path, kind):
    write(tmp_path / "plain", kind)
    expected = read(Cifar(path=str(tmp_path / "plain")))
    places = [packed(tmp_path / "renamed.tar.gz", tmp_path / "plain", prefix="../../")]
    places.append(packed(tmp_path / "plain.tar", tmp_path / "plain", mode="w", order=iter))
    (tmp_path / "holds").mkdir()
    packed(tmp_path / "holds" / kind.archive, tmp_path / "plain", prefix=f"{kind.folder}/")
    write(tmp_path / "unpacked" / kind.folder, kind)
    for place in (*places, tmp_path / "holds", tmp_path / "unpacked"):
        contents, pixels, labels, names = read(Cifar(path=str(place)))
        assert (contents.classes, names) == (expected[0].classes, expected[3])
        np.testing.assert_array_equal(pixels, expected[1])
        np.testing.assert_array_equal(labels, expected[2])


def test_an_archive_writes_nothing_outside_the_scratch_folder(tmp_path):
    write(tmp_path / "plain", CIFAR10)
    archive = packed(tmp_path / "evil.tar.gz", tmp_path / "plain", prefix="../")
    with tarfile.open(tmp_path / "evil.tar", "w") as opened:
        link = tarfile.TarInfo("data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "../../target"
        opened.addfile(link)
    (tmp_path / "a" / "scratch").mkdir(parents=True)
    (tmp_path / "a" / "other").mkdir()
    Cifar(path=str(archive)).open(tmp_path / "a" / "scratch")
    assert {file.name for file in (tmp_path / "a").iterdir()} == {"scratch", "other"}
    with pytest.raises(UserError, match="has neither data_batch_1"):
        Cifar(path=str(tmp_path / "evil.tar")).open(tmp_path / "a" / "other")


def test_without_the_names_of_the_classes_they_are_numbers(tmp_path):
    write(tmp_path, CIFAR10)
    (tmp_path / "batches.meta.txt").unlink()
    contents = read(Cifar(path=str(tmp_path)))[0]
    assert contents.classes == tuple("0123456789")
    assert contents.notes == ("batches.meta.txt is missing: the classes are named by number",)


def test_both_in_one_directory_need_a_variant(tmp_path):
    write(tmp_path, CIFAR10)
    write(tmp_path, CIFAR100)
    with pytest.raises(UserError, match=r"has CIFAR-10 and CIFAR-100; set data\.variant"):
        everything(Cifar(path=str(tmp_path)))
    assert read(Cifar(path=str(tmp_path), variant="cifar10"))[0].classes[0] == "b0"


def change(name, how):
    return lambda folder: (folder / name).write_bytes(how((folder / name).read_bytes()))


MISTAKES = {
    "cut short": (change("data_batch_2.bin", lambda c: c[:-1]), r"data_batch_2\.bin is 18437 bytes long, .* 18438"),
    "a picture less": (change("test_batch.bin", lambda c: c[RECORD10:]), r"test_batch\.bin is 27657 bytes long"),
    "too long": (change("data_batch_1.bin", lambda c: c + b"x"), r"data_batch_1\.bin is 15366 bytes long"),
    "empty": (change("data_batch_1.bin", lambda _: b""), r"data_batch_1\.bin is 0 bytes long"),
    "a label too high": (
        change("data_batch_3.bin", lambda c: c[: 6 * RECORD10] + b"\x0a" + c[6 * RECORD10 + 1 :]),
        r"data_batch_3\.bin has the label 10 at picture 6, where 9 is the highest",
    ),
    "a file missing": (lambda folder: (folder / "data_batch_4.bin").unlink(), r"data_batch_4\.bin is missing of CIFAR"),
    "names missing": (change("batches.meta.txt", lambda c: c[3:]), r"batches\.meta\.txt has 9 names for 10 classes"),
}


@pytest.mark.parametrize(("spoil", "sentence"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("as_archive", [False, True], ids=["directory", "archive"])
def test_a_wrong_file_is_named_in_one_sentence(tmp_path, spoil, sentence, as_archive):
    write(tmp_path / "plain", CIFAR10)
    spoil(tmp_path / "plain")
    path = packed(tmp_path / "cifar-10-binary.tar.gz", tmp_path / "plain") if as_archive else tmp_path / "plain"
    with pytest.raises(UserError, match=sentence) as caught:
        everything(Cifar(path=str(path), variant="cifar10"))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("variant", "labels", "top"), [("cifar100", (20, 0), 19), ("cifar100_coarse", (0, 100), 99)])
def test_the_label_that_is_not_asked_for_is_checked_as_well(tmp_path, variant, labels, top):
    write(tmp_path, CIFAR100)
    change("train.bin", lambda c: bytes(labels) + c[2:])(tmp_path)
    with pytest.raises(
        UserError, match=rf"train\.bin has the label {max(labels)} at picture 0, where {top} is the high"
    ):
        everything(Cifar(path=str(tmp_path), variant=variant))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda c: c[: len(c) // 2], "is damaged|is no whole"),
        (lambda c: c[:-4] + b"\xff\xff\xff\xff", "is damaged"),
        (lambda c: gzip.compress(gzip.decompress(c) + bytes(3 << 20))[:-8] + bytes(8), "is damaged"),
        (lambda c: c[:100] + bytes(100) + c[200:], "is damaged|is no whole"),
        (lambda c: gzip.compress(gzip.decompress(c)[: 512 + 700]), "is damaged|is no whole"),
        (lambda c: b"PK no tar", "is no whole"),
        (lambda c: gzip.compress(b"\0" * 2000), "has neither data_batch_1.bin of CIFAR-10 nor train.bin of CIFAR-100"),
    ],
    ids=["cut", "checksum", "checksum far behind", "garbled", "the tar in it cut", "no archive", "empty"],
)
def test_a_broken_archive_is_one_sentence(tmp_path, spoil, sentence):
    write(tmp_path / "plain", CIFAR10)
    archive = packed(tmp_path / "it.tar.gz", tmp_path / "plain")
    archive.write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(UserError, match=sentence) as caught:
        everything(Cifar(path=str(archive)))
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_member_larger_than_any_of_cifars_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "LARGEST_MEMBER", 10_000)
    write(tmp_path / "plain", CIFAR10)
    archive = packed(tmp_path / "it.tar.gz", tmp_path / "plain")
    (tmp_path / "scratch").mkdir()
    with pytest.raises(UserError, match=r"holds 'test_batch\.bin' of 30730 bytes"):
        Cifar(path=str(archive)).open(tmp_path / "scratch")
    assert [file for file in (tmp_path / "scratch").rglob("*") if file.is_file()] == []


PYTHON = {"cifar-10-batches-py": ("data_batch_1", "test_batch", "batches.meta"), "cifar-100-python": ("train", "meta")}


@pytest.mark.parametrize("folder", PYTHON)
@pytest.mark.parametrize("how", ["its folder", "the folder around it", "its archive", "a folder with its archive"])
def test_the_pickled_version_is_never_read_and_the_sentence_says_which_to_get(tmp_path, folder, how):
    inner = tmp_path / "around" / folder
    inner.mkdir(parents=True)
    for name in PYTHON[folder]:
        (inner / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    archive = packed(tmp_path / f"cifar-10{'0' * ('100' in folder)}-python.tar.gz", inner, prefix=f"{folder}/")
    path = {"its folder": inner, "the folder around it": inner.parent, "its archive": archive}.get(how, tmp_path)
    with pytest.raises(UserError, match=r"version for Python, made of pickles.*take the binary version.*-binary\.tar"):
        everything(Cifar(path=str(path)))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, r"^data\.path is empty"),
        ({"path": "nowhere"}, r"which does not exist"),
        ({"path": "."}, r"has neither data_batch_1\.bin of CIFAR-10 nor train\.bin of CIFAR-100"),
        ({"path": ".", "variant": "cifar"}, r"data\.variant is 'cifar'; choose one of: cifar10, cifar100, cifar100_co"),
    ],
)
def test_nothing_there_is_one_sentence(tmp_path, monkeypatch, settings, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        everything(Cifar(**settings))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The authors' site, with an archive of CIFAR-10 whose md5 is the known one; what it was asked for."""
    write(tmp_path / "plain", CIFAR10)
    archive = packed(tmp_path / CIFAR10.archive, tmp_path / "plain").read_bytes()
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(archive)))
            self.end_headers()
            self.wfile.write(archive)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(cifar, "SITE", f"http://127.0.0.1:{server.server_port}/")
    published = CIFAR10.md5
    object.__setattr__(CIFAR10, "md5", md5(archive).hexdigest())
    yield asked
    object.__setattr__(CIFAR10, "md5", published)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_is_fetched_once_and_read(site, tmp_path):
    folder = tmp_path / "new"
    first = read(Cifar(path=str(folder), download=True))
    again = read(Cifar(path=str(folder), download=True, variant="cifar10"))
    assert first[0].classes == again[0].classes == tuple(f"b{i}" for i in range(10))
    np.testing.assert_array_equal(first[1], again[1])
    assert site == [f"/{CIFAR10.archive}"]
    assert [file.name for file in folder.iterdir()] == [CIFAR10.archive]


def test_a_download_with_another_md5_leaves_nothing(site, tmp_path):
    object.__setattr__(CIFAR10, "md5", "0" * 32)
    with pytest.raises(UserError, match=r"could not be fetched .*its md5 is not 0000"):
        everything(Cifar(path=str(tmp_path / "new"), download=True))
    assert list((tmp_path / "new").iterdir()) == []


def test_the_published_checksums_are_the_authors():
    assert {name: kind.md5 for name, kind in KINDS.items()} == {
        "cifar10": "c32a1d4ab5d03f1284b67883e8d87530",
        "cifar100": "03b5dce01913d631647c71ecec9e9cb8",
        "cifar100_coarse": "03b5dce01913d631647c71ecec9e9cb8",
    }
    assert cifar_known.SITE == "https://www.cs.toronto.edu/~kriz/"
