"""Laws of tables of pictures, and a sentence for every way in which a Parquet file can be wrong."""

from contextlib import suppress
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_files import HF_IMAGE, everything, hf_images, png, write_table

from ganlib.datasets import UNREADABLE, Batch, Refused, parquet
from ganlib.datasets.parquet import Parquet
from ganlib.errors import UserError

CLASS_LABEL = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def shades(items):
    """The grey value of each picture, None for a refused one."""
    return [int(item.pixels[0, 0, 0, 0]) if isinstance(item, Batch) else None for item in items]


def labels(items):
    return [int(item.labels[0]) if isinstance(item, Batch) else None for item in items]


def names(items):
    return [item.names[0] if isinstance(item, Batch) else item.name for item in items]


def pngs(*grey):
    return [None if shade is None else png(shade) for shade in grey]


def table(tmp_path, columns, **options):
    return Parquet(path=str(write_table(tmp_path / "x.parquet", columns, **options)))


def test_rows_come_in_order_with_the_names_of_the_class_label(tmp_path):
    columns = {"image": hf_images(pngs(1, 2, 3)), "label": [1, 0, -1]}
    contents, items = everything(table(tmp_path, columns, features=CLASS_LABEL))
    assert (contents.count, contents.classes) == (3, ("cat", "dog"))
    assert (shades(items), labels(items)) == ([1, 2, 3], [1, 0, -1])
    assert names(items) == ["x.parquet[0]", "x.parquet[1]", "x.parquet[2]"]


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.binary_view(), HF_IMAGE], ids=["binary", "large", "view", "struct"]
)
def test_pictures_may_be_bytes_or_structs_with_bytes(tmp_path, kind):
    values = pngs(1, 2)
    column = pa.array([{"bytes": value} for value in values] if kind == HF_IMAGE else values, kind)
    _, items = everything(table(tmp_path, {"image": column}))
    assert shades(items) == [1, 2]


@pytest.mark.parametrize(
    ("values", "classes", "numbers"),
    [
        (pa.array([7, 3, 7, 11]), ("3", "7", "11"), [1, 0, 1, 2]),
        (pa.array([7, 3, 7, 255], pa.uint8()), ("3", "7", "255"), [1, 0, 1, 2]),
        (pa.array([-1, 1, 1, -1]), ("-1", "1"), [0, 1, 1, 0]),
        (pa.array(["b", "a", "b", "ä"]), ("a", "b", "ä"), [1, 0, 1, 2]),
        (pa.array(["b", "a", "b", "c"]).dictionary_encode(), ("a", "b", "c"), [1, 0, 1, 2]),
    ],
    ids=["integers", "bytes", "signs", "texts", "dictionary"],
)
def test_each_different_label_is_a_class(tmp_path, values, classes, numbers):
    columns = {"image": hf_images(pngs(1, 2, 3, 4)), "label": values}
    contents, items = everything(table(tmp_path, columns, group=2))
    assert (contents.classes, labels(items)) == (classes, numbers)


@pytest.mark.parametrize(
    "features",
    [{"label": {"dtype": "int64", "_type": "Value"}}, {"label": {"names": None, "_type": "ClassLabel"}}, ["label"], {}],
)
def test_where_the_features_have_no_class_names_the_numbers_are_names(tmp_path, features):
    columns = {"image": hf_images(pngs(1, 2)), "label": [5, 4]}
    assert everything(table(tmp_path, columns, features=features))[0].classes == ("4", "5")


def test_metadata_that_are_no_json_are_passed_over(tmp_path):
    written = pa.table({"image": hf_images(pngs(1)), "label": [5]}).replace_schema_metadata({"huggingface": "{"})
    pq.write_table(written, tmp_path / "x.parquet")
    assert everything(Parquet(path=str(tmp_path)))[0].classes == ("5",)


def test_without_a_column_of_labels_there_are_none(tmp_path):
    contents, items = everything(table(tmp_path, {"image": hf_images(pngs(1, 2)), "caption": ["a", "b"]}))
    assert (contents.classes, labels(items)) == ((), [-1, -1])


def test_other_columns_may_be_named(tmp_path):
    columns = {"img": hf_images(pngs(1, 2)), "fine": ["b", "a"], "label": ["x", "x"], "image": [1, 2]}
    write_table(tmp_path / "x.parquet", columns)
    contents, items = everything(Parquet(path=str(tmp_path), image_column="img", label_column="fine"))
    assert (contents.classes, labels(items), shades(items)) == (("a", "b"), [1, 0], [1, 2])


def test_a_directorys_files_come_in_the_order_of_their_names(tmp_path):
    for place, name in enumerate(("train-00001", "train-00000", "deep/er/a", ".cache/hidden")):
        write_table(tmp_path / f"{name}.parquet", {"image": hf_images(pngs(10 * place, 10 * place + 1))})
    (tmp_path / "README.md").write_text("no table")
    _, items = everything(Parquet(path=str(tmp_path)))
    assert shades(items) == [20, 21, 10, 11, 0, 1]
    assert names(items)[::2] == ["deep/er/a.parquet[0]", "train-00000.parquet[0]", "train-00001.parquet[0]"]


def test_classes_are_those_of_all_files_together(tmp_path):
    write_table(tmp_path / "1.parquet", {"image": hf_images(pngs(1)), "label": ["b"]})
    write_table(tmp_path / "2.parquet", {"image": hf_images(pngs(2)), "label": ["a"]})
    contents, items = everything(Parquet(path=str(tmp_path)))
    assert (contents.classes, labels(items)) == (("a", "b"), [1, 0])


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 40), group=st.integers(1, 40), job_rows=st.integers(1, 12), batch_rows=st.integers(1, 9))
def test_however_it_is_cut_every_row_comes_once_in_order(tmp_path_factory, rows, group, job_rows, batch_rows):
    folder = tmp_path_factory.mktemp("rows")
    columns = {"image": hf_images(pngs(*range(rows))), "label": list(range(rows))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "JOB_ROWS", job_rows)
        patch.setattr(parquet, "BATCH_ROWS", batch_rows)
        contents, items = everything(table(folder, columns, group=group))
    assert shades(items) == labels(items) == list(range(rows))
    assert names(items) == [f"x.parquet[{i}]" for i in range(rows)]
    groups = [job.groups for job in contents.jobs]
    assert all(a[1] == b[0] for a, b in pairwise(groups))
    assert all(min(b * group, rows) - a * group <= job_rows or b - a == 1 for a, b in groups)


def test_a_file_of_no_rows_has_no_pictures(tmp_path):
    contents, items = everything(table(tmp_path, {"image": hf_images([])}))
    assert (contents.count, contents.jobs, items) == (0, [], [])


def test_rows_without_a_picture_or_a_label_are_refused_by_file_and_row(tmp_path):
    images = pa.array([{"bytes": png(1)}, None, {"bytes": None, "path": "1.png"}, {"bytes": png(2)}], HF_IMAGE)
    source = table(tmp_path, {"image": images, "label": ["a", "a", "b", None]})
    _, items = everything(source)
    assert [item.reason for item in items[1:]] == [UNREADABLE] * 3
    assert [item.label for item in items[1:]] == [0, 1, -1]
    for row, what in ((1, "no bytes of a picture"), (2, "no bytes of a picture"), (3, "no label")):
        assert items[row].sentence.startswith(f"{source.path}, row {row}, has {what}")
        assert items[row].name == f"x.parquet[{row}]"


def test_a_number_that_no_class_has_is_refused(tmp_path):
    columns = {"image": hf_images(pngs(1, 2, 3)), "label": [2, -2, 1]}
    _, items = everything(table(tmp_path, columns, features=CLASS_LABEL))
    assert [item.sentence for item in items[:2]] == [
        f"{tmp_path / 'x.parquet'}, row {row}, has the label {label}, which no class has; correct it or remove the row."
        for row, label in ((0, 2), (1, -2))
    ]
    assert labels(items) == [None, None, 1]


def test_a_broken_picture_is_refused_by_file_and_row(tmp_path):
    source = table(tmp_path, {"image": hf_images([png(1), b"", png(2)[:40], b"hello"]), "label": [0, 1, 1, 1]})
    _, items = everything(source)
    assert [isinstance(item, Refused) for item in items] == [False, True, True, True]
    for row in (1, 2, 3):
        assert items[row].sentence.startswith(f"{source.path}, row {row}, ")
        assert items[row].label == 1


ONE = {"image": hf_images(pngs(1)), "label": [1]}
MISTAKES = {
    "no image column": ({"img": ONE["image"], "n": [1]}, {}, r"no column 'image'; set data\.image_column .*: img, n\."),
    "no such image column": (ONE, {"image_column": "x"}, r"has no column 'x'; set data\.image_column to one of: image"),
    "no such label column": (ONE, {"label_column": "x"}, r"has no column 'x'; set data\.label_column to one of: image"),
    "numbers for pictures": ({"image": [1.5]}, {}, r"no encoded pictures in its column 'image', but double; set"),
    "pixels for pictures": ({"image": [[1, 2]]}, {}, r"no encoded pictures in its column 'image', but list<"),
    "paths for pictures": (
        {"image": pa.array([{"path": "1.png"}])},
        {},
        r"only the paths of its pictures in the column 'image'; write it anew with their bytes inside",
    ),
    "fractions for labels": ({**ONE, "label": [0.5]}, {}, r"holds double in its column 'label', but labels are int"),
    "lists for labels": ({**ONE, "tags": [["a"]]}, {"label_column": "tags"}, r"holds list<.* in its column 'tags'"),
}


@pytest.mark.parametrize(("columns", "options", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_table_is_one_sentence(tmp_path, columns, options, sentence):
    file = write_table(tmp_path / "x.parquet", columns)
    with pytest.raises(UserError, match=sentence) as caught:
        everything(Parquet(path=str(file), **options))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


RENAMED = {"label": {"names": ["dog", "cat"], "_type": "ClassLabel"}}


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [(CLASS_LABEL, RENAMED, 1), (CLASS_LABEL, None, 1), (None, None, "cat")],
    ids=["other names", "no names", "other type"],
)
def test_files_that_disagree_on_labels_are_named(tmp_path, first, second, label):
    write_table(tmp_path / "1.parquet", ONE, features=first)
    write_table(tmp_path / "2.parquet", {**ONE, "label": [label]}, features=second)
    with pytest.raises(UserError, match=r"2\.parquet and .*1\.parquet have labels of different types or class names"):
        everything(Parquet(path=str(tmp_path)))


BROKEN = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "cut by a byte": lambda content: content[:-1],
    "no table": lambda content: b"<html>404</html>",
    "a lying footer": lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1",
    "garbled footer": lambda content: content[:-60] + bytes(40) + content[-20:],
    "garbled pages": lambda content: content[:4] + b"\xff" * 60 + content[64:],
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_one_sentence(tmp_path, spoil):
    file = write_table(tmp_path / "x.parquet", {"image": hf_images(pngs(*range(50))), "label": ["a"] * 50})
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(UserError, match=r"x\.parquet is no whole Parquet file \(.*\); fetch it again\.$") as caught:
        everything(Parquet(path=str(file)))
    assert "\n" not in str(caught.value)


def test_a_footer_that_contradicts_itself_is_one_sentence(tmp_path):
    file = write_table(tmp_path / "x.parquet", {"image": hf_images(pngs(*range(77)))})
    content = file.read_bytes()
    told, told_otherwise = b"\x9a\x01", b"\x9c\x01"  # 77 and 78, as Thrift's compact protocol writes them
    sentences = []
    place = len(content) - int.from_bytes(content[-8:-4], "little") - 8
    while (place := content.find(told, place + 1)) >= 0:
        file.write_bytes(content[:place] + told_otherwise + content[place + 2 :])
        # Elsewhere it counts a column's values, the paths' for one, which nobody reads.
        with suppress(UserError):
            everything(Parquet(path=str(file)))
            continue
        with pytest.raises(UserError) as caught:
            everything(Parquet(path=str(file)))
        sentences.append(str(caught.value))
    assert sum("contradicts itself on how many rows it has; fetch it again." in text for text in sentences) == 2


def test_a_file_that_changed_since_it_was_opened_is_one_sentence(tmp_path):
    file = write_table(tmp_path / "x.parquet", {"image": hf_images(pngs(*range(9)))})
    (job,) = Parquet(path=str(file)).open(tmp_path).jobs
    write_table(file, {"image": hf_images(pngs(*range(7)))})
    with pytest.raises(UserError, match=r"x\.parquet has not the rows that its footer promises; fetch it again\.$"):
        list(job.run())


def test_nothing_there_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"which does not exist; name a \.parquet file or a directory"):
        everything(Parquet(path=str(tmp_path / "nowhere")))
    with pytest.raises(UserError, match=r"which holds no \.parquet file"):
        everything(Parquet(path=str(tmp_path)))


def test_a_giant_row_group_is_read_piece_by_piece(tmp_path):
    noise = np.random.default_rng(0).bytes(20_000)
    rows = 1500
    images = pa.array([{"bytes": noise + i.to_bytes(2, "big")} for i in range(rows)], HF_IMAGE)
    # A page is read whole; by default one holds 1024 rows.
    pq.write_table(pa.table({"image": images}), tmp_path / "x.parquet", row_group_size=rows, write_batch_size=16)
    del images
    (job,) = Parquet(path=str(tmp_path)).open(tmp_path).jobs
    before = pa.total_allocated_bytes()
    highest, count = 0, 0
    for _ in job.run():
        highest, count = max(highest, pa.total_allocated_bytes() - before), count + 1
    assert count == rows
    assert highest < 8_000_000  # bytes, of 30 MB in the row group
