"""Laws of labels: what each way of giving them means, and a sentence for every way in which they can be wrong."""

import json
import tarfile
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_files import on_disk, tarred, zipped

from ganlib.datasets.image_folder import ImageFolder
from ganlib.errors import UserError

PICTURES = ("00/a.png", "00/b.png", "01/c.png")


def as_json(labels):
    return json.dumps({"labels": labels}).encode()


def as_csv(text):
    return text.encode()


def as_parquet(columns):
    buffer = BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.fixture(params=["directory", "zip", "tar"])
def stored(request, tmp_path):
    def store(files, pictures=PICTURES):
        files = {**dict.fromkeys(pictures, b"no matter"), **files}
        if request.param == "directory":
            return on_disk(tmp_path / "pictures", files)
        return (zipped if request.param == "zip" else tarred)(tmp_path / f"pictures.{request.param}", files)

    return store


def read(path, **options):
    """(class by picture, classes, names of other files, notes)."""
    contents = ImageFolder(path=str(path), **options).open(path.parent)
    named = {name: label for job in contents.jobs for name, label in zip(job.part.names, job.labels, strict=True)}
    return named, contents.classes, [other.name for other in contents.others], contents.notes


NUMBERS = [["00/a.png", 1], ["00/b.png", 0], ["01/c.png", 1]]
WORDS = [["00/a.png", "dog"], ["00/b.png", "cat"], ["01/c.png", "dog"]]
IN_TABLE = "file_name,label\n" + "".join(f"{name},{label}\n" for name, label in WORDS)
EXPECTED = {"00/a.png": 1, "00/b.png": 0, "01/c.png": 1}


def test_a_dataset_json_with_labels_comes_before_folders(stored):
    path = stored({"dataset.json": as_json(NUMBERS), "notes.txt": b""})
    assert read(path) == (EXPECTED, ("0", "1"), ["notes.txt"], ())
    assert read(path, labels="folders") == (
        {"00/a.png": 0, "00/b.png": 0, "01/c.png": 1}, ("00", "01"), ["dataset.json", "notes.txt"], (),
    )  # fmt: skip
    assert read(path, labels="none")[:2] == (dict.fromkeys(PICTURES, -1), ())


def test_a_dataset_json_is_found_in_any_folder_that_everything_lies_in(stored):
    pictures = [f"my/set/00/{name}.png" for name in "ab"]
    labels = as_json([["00/a.png", 1], ["00/b.png", 0]])
    named, classes, others, _ = read(stored({"my/set/dataset.json": labels}, pictures))
    assert (named, classes, others) == (dict(zip(pictures, (1, 0), strict=True)), ("0", "1"), [])


def test_a_dataset_json_whose_labels_are_null_says_that_there_are_none(stored):
    path = stored({"dataset.json": as_json(None)})
    expected = dict.fromkeys(PICTURES, -1), (), [], ("dataset.json says that the pictures have no labels.",)
    assert read(path) == read(path, labels="dataset.json") == expected


@pytest.mark.parametrize("content", [b'{"shape": [1, 2]}', b"[1, 2]"])
def test_a_dataset_json_that_says_nothing_of_labels_leaves_folders_be(stored, content):
    path = stored({"dataset.json": content})
    assert read(path)[:3] == ({"00/a.png": 0, "00/b.png": 0, "01/c.png": 1}, ("00", "01"), ["dataset.json"])
    with pytest.raises(UserError, match=r"dataset\.json has no labels in it; set data\.labels to folders or none"):
        read(path, labels="dataset.json")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", as_json(WORDS)),
        ("labels.csv", as_csv(IN_TABLE)),
        ("labels.csv", b"\xef\xbb\xbf" + as_csv(IN_TABLE.replace("\n", "\r\n"))),
        ("labels.csv", as_csv('more,label,file_name\n"a,b",dog,./00/a.png\n,cat,00//b.png\n,dog,01/c.png\n')),
        ("LABELS.CSV", as_csv(IN_TABLE)),
        ("labels.parquet", as_parquet({"file_name": [n for n, _ in WORDS], "label": [c for _, c in WORDS]})),
        (
            "labels.parquet",
            as_parquet(
                {"file_name": [n for n, _ in WORDS], "label": pa.array([c for _, c in WORDS]).dictionary_encode()}
            ),
        ),
    ],
)
def test_names_are_classes_in_their_order_whatever_file_they_come_from(stored, tmp_path, name, content):
    inside = stored({name: content})
    assert read(inside, labels=name) == (EXPECTED, ("cat", "dog"), [], ())
    (tmp_path / name).write_bytes(content)
    outside = stored({})
    if outside.is_dir():
        (outside / name).unlink()
    assert read(outside, labels=str(tmp_path / name)) == (EXPECTED, ("cat", "dog"), [], ())


def test_a_file_on_disk_names_pictures_from_any_folder_that_everything_lies_in(stored, tmp_path):
    (tmp_path / "labels.csv").write_text("file_name,label\na.png,x\nb.png,y\n")
    path = stored({}, ["my/set/a.png", "my/set/b.png"])
    assert read(path, labels=str(tmp_path / "labels.csv"))[0] == {"my/set/a.png": 0, "my/set/b.png": 1}


def test_a_file_named_by_its_path_inside_a_directory_is_the_one_inside(tmp_path):
    files = {"in/a.png": b"", "in/labels.csv": b"file_name,label\na.png,x\n", "more/readme.txt": b""}
    root = on_disk(tmp_path / "pictures", files)
    assert read(root, labels=str(root / "in" / "labels.csv"))[:3] == ({"in/a.png": 0}, ("x",), ["more/readme.txt"])


def test_a_column_of_another_name_is_taken_when_it_is_named(stored):
    table = "path,kind\n" + IN_TABLE.partition("\n")[2]
    path = stored({"labels.csv": as_csv(table)})
    assert read(path, labels="labels.csv", image_column="path", label_column="kind")[0] == EXPECTED
    with pytest.raises(
        UserError, match=r"labels\.csv has no column 'label'; set data\.label_column to one of: path, kind"
    ):
        read(path, labels="labels.csv", image_column="path")
    with pytest.raises(UserError, match=r"has no column 'file_name'; set data\.image_column to one of: path, kind\.$"):
        read(path, labels="labels.csv")
    parquet = stored({"t.parquet": as_parquet({"file_name": ["00/a.png"], "kind": [1]})})
    with pytest.raises(UserError, match=r"no column 'label'; set data\.label_column to one of: file_name, kind"):
        read(parquet, labels="t.parquet")


def labels_in(kind, labels):
    names = [name for name, _ in zip(PICTURES, labels, strict=True)]
    if kind == ".json":
        return as_json([list(pair) for pair in zip(names, labels, strict=True)])
    frame = pd.DataFrame({"file_name": names, "label": labels})
    return frame.to_csv(index=False).encode() if kind == ".csv" else as_parquet({"file_name": names, "label": labels})


@pytest.mark.parametrize("kind", [".json", ".csv", ".parquet"])
@pytest.mark.parametrize(
    ("labels", "numbers", "classes"),
    [
        ([2, 0, 1], [2, 0, 1], ("0", "1", "2")),
        ([10, 9, 10], [1, 0, 1], ("9", "10")),
        (["10", "9", "x"], [0, 1, 2], ("10", "9", "x")),
        (["01", "00", "01"], [1, 0, 1], ("00", "01")),
        (["NA", "null", "nan "], [0, 2, 1], ("NA", "nan ", "null")),
    ],
)
def test_numbers_keep_their_order_and_their_place(tmp_path, kind, labels, numbers, classes):
    root = on_disk(tmp_path / "pictures", {**dict.fromkeys(PICTURES, b""), f"t{kind}": labels_in(kind, labels)})
    assert read(root, labels=f"t{kind}")[:2] == (dict(zip(PICTURES, numbers, strict=True)), classes)


def test_a_label_that_is_not_valid_text_is_escaped(tmp_path):
    root = on_disk(tmp_path / "pictures", {"a.png": b"", "t.json": b'{"labels": [["a.png", "caf\\udce9"]]}'})
    assert read(root, labels="t.json")[1] == ("caf\\udce9",)


@pytest.mark.parametrize("kind", [".json", ".csv", ".parquet"])
@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0.5, 1.0, 2.0], "has the label 0.5 for '00/a.png'; only class numbers from 0 and class names can be used"),
        ([1, 0, -1], "has the label -1(.0)? for '01/c.png'; only class numbers from 0"),
        (["cat", None, "dog"], "has the label (None|'') for '00/b.png'; only class numbers from 0"),
    ],
)
def test_a_label_that_is_no_class_is_named(tmp_path, kind, labels, sentence):
    root = on_disk(tmp_path / "pictures", {**dict.fromkeys(PICTURES, b""), f"t{kind}": labels_in(kind, labels)})
    with pytest.raises(UserError, match=sentence):
        read(root, labels=f"t{kind}")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([["00/a.png", [0, 1]]], r"has the label \[0, 1\] for '00/a.png'; only class numbers"),
        ([["00/a.png", True]], "has the label True for '00/a.png'; only class numbers"),
        ([["00/a.png", {"class": 1}]], "only class numbers"),
        ([["00/a.png", "cat"], ["00/b.png", 1]], "has the labels 'cat' and 1; give it names alone, or numbers alone"),
        ({"00/a.png": 1}, "has labels that are no list"),
        (["00/a.png"], "has '00/a.png' among its labels; each is a name and a class"),
        ([["00/a.png"]], "among its labels"),
        ([[1, "00/a.png"]], "among its labels"),
        ([*NUMBERS, ["00/a.png", 0]], r"dataset\.json has two labels for '00/a\.png', 1 and 0; keep one"),
        ([*NUMBERS, ["x.png", 1], ["y.png", 0]], r"has labels for 2 files that are not in .*, such as 'x\.png'"),
        ([*NUMBERS, ["x.png", 1]], r"has labels for a file that is not in pictures\S*, such as 'x\.png'"),
        (NUMBERS[:1], r"has no label for 2 of the 3 pictures, such as '00/b\.png'; add them, or remove the pictures"),
        ([], r"has no label for 3 of the 3 pictures"),
    ],
)
def test_labels_that_do_not_fit_are_named_in_one_sentence(stored, labels, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        read(stored({"dataset.json": as_json(labels)}))
    assert "\n" not in str(caught.value)


def test_the_same_label_twice_and_one_for_a_file_that_is_no_picture_do_no_harm(stored):
    labels = [*NUMBERS, NUMBERS[0], ["clip.mp4", 1]]
    assert read(stored({"dataset.json": as_json(labels), "clip.mp4": b""}))[:3] == (EXPECTED, ("0", "1"), ["clip.mp4"])


def test_a_label_for_a_link_in_an_archive_does_no_harm(tmp_path):
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        for name, kind in (("a.png", tarfile.REGTYPE), ("link.png", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type = kind
            archive.addfile(info)
    (tmp_path / "t.csv").write_text("file_name,label\na.png,x\nlink.png,y\n")
    assert read(tmp_path / "it.tar", labels=str(tmp_path / "t.csv"))[:3] == ({"a.png": 0}, ("x",), ["link.png"])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.json", b"{", r"t\.json is no JSON \(.*\); mend it, or set data\.labels to folders or none"),
        ("t.json", b"\xff\xfe\xfa", r"t\.json is no JSON"),
        ("t.json", b"[" * 100_000, r"t\.json is no JSON \(RecursionError\)"),
        ("t.csv", b"", r"t\.csv is no CSV table \(.*\); mend it"),
        ("t.csv", b"file_name,label\na.png,1,2\n", r"t\.csv is no CSV table"),
        ("t.csv", b"file_name,label\na.png,1\na.png,1,2\n", r"t\.csv is no CSV table"),
        ("t.csv", b'file_name,label\n"a.png,1\n', r"t\.csv is no CSV table"),
        ("t.csv", "file_name,label\nä.png,1\n".encode("latin-1"), r"t\.csv is no CSV table"),
        ("t.csv", b"file_name,label\n00/a.png\n", r"t\.csv has the label '' for '00/a.png'"),
        ("t.csv", b"file_name,label\n", r"t\.csv has no label for 3 of the 3 pictures"),
        ("t.parquet", b"PAR1 no more", r"t\.parquet is no whole Parquet file"),
        ("t.parquet", b"", r"t\.parquet is no whole Parquet file"),
        ("t.parquet", as_parquet({"file_name": [{"bytes": b"x"}], "label": [1]}), "where files' names should be"),
        (
            "t.parquet",
            as_parquet({"file_name": [None, "a.png"], "label": [1, 1]}),
            "has None in its column 'file_name'",
        ),
    ],
)
def test_a_file_of_labels_that_is_broken_is_named_in_one_sentence(stored, name, content, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        read(stored({name: content}), labels=name)
    assert "\n" not in str(caught.value)


def test_a_broken_dataset_json_is_not_passed_over(stored):
    with pytest.raises(UserError, match=r"dataset\.json is no JSON"):
        read(stored({"dataset.json": b"{"}))


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (
            "metadata.jsonl",
            r"^data\.labels is 'metadata\.jsonl'; choose folders, none, or name a \.json, \.csv, \.parquet",
        ),
        ("folder", r"^data\.labels is 'folder'; choose folders, none"),
        (
            "nowhere.csv",
            r"^data\.labels is 'nowhere\.csv', which is neither in pictures\S* nor a file; name one that is",
        ),
    ],
)
def test_labels_that_are_nowhere_are_named(stored, labels, sentence):
    with pytest.raises(UserError, match=sentence):
        read(stored({}), labels=labels)


def test_folders_that_are_asked_for_must_be_there(stored):
    with pytest.raises(UserError, match=r"^data\.labels is folders, but the pictures of pictures\S* lie in one; set"):
        read(stored({}, ["a.png", "b.png"]), labels="folders")
