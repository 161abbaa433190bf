"""What class each picture of a folder is: by the folder it lies in, or by a file that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from sys import intern

import numpy as np

from ..errors import UserError, unreadable
from ..prepared import LabelArray
from .label_files import FILE_NAME, KINDS, LABEL, Table, read_labels
from .names import escaped, shown, tidy
from .stores import Store

DESCRIPTION = "dataset.json"
"""Where the StyleGAN convention has the labels."""


TRAINING = {"train", "training"}
PARTS = TRAINING | {"test", "testing", "val", "valid", "validation", "dev", "eval"}
"""How folders are called that hold parts of a data set: taken for classes, they would be learned as such."""


@dataclass(frozen=True)
class Labelled:
    """The classes of pictures."""

    numbers: LabelArray
    """In the pictures' order; -1 throughout where there are no classes."""
    classes: tuple[str, ...]
    file: str = ""
    """The file of the store that they were read from, which is no picture and no mistake either."""
    notes: tuple[str, ...] = ()


def labelled(
    store: Store, pictures: list[str], how: str | None, *, image_column: str | None, label_column: str | None
) -> Labelled:
    """The class of each picture. `how` is `data.labels`: folders, none, a file, or nothing, which is `dataset.json`
    where it speaks of labels and the folders otherwise.

    UserError where that is contradictory, where pictures and labels do not belong together, and where a label is
    no class.
    """
    if how == "none":
        return _unlabelled(len(pictures))
    levels = outer_folders(store, pictures)
    found = next((level + DESCRIPTION for level in levels if store.has(level + DESCRIPTION)), None)
    if how == "folders" or (how is None and found is None):
        return by_folder(store, pictures, levels[-1], wanted=how is not None)
    file = _label_file(store, how, levels) if how is not None else _inside(store, str(found))
    table = read_labels(
        file.content, file.place, image_column=image_column or FILE_NAME, label_column=label_column or LABEL
    )
    if table is not None and table.unlabelled:
        note = f"{PurePosixPath(file.name or file.place).name} says that the pictures have no labels."
        return _unlabelled(len(pictures), file.name, note)
    if table is not None:
        return by_table(store, pictures, file, table)
    if how is not None:
        raise UserError(f"{file.place} has no labels in it; set data.labels to folders or none, or name another file.")
    return by_folder(store, pictures, levels[-1])


def _unlabelled(count: int, file: str = "", *notes: str) -> Labelled:
    return Labelled(np.full(count, -1, dtype=np.int64), (), file, notes)


def outer_folders(store: Store, pictures: list[str]) -> list[str]:
    """`""`, then each folder that everything lies in, such as `photos/`, `photos/more/`.

    A folder that stands alone is stepped into, however deep: archives wrap what they hold, and one class would say
    nothing.
    """
    folders = _all_folders(store)
    holding = {name.rpartition("/")[0] for name in pictures}
    levels = [""]
    while levels[-1][:-1] not in holding:
        base = levels[-1]
        children = {folder[len(base) :].partition("/")[0] for folder in folders if folder.startswith(base)}
        if len(children) != 1:
            break
        levels.append(f"{base}{children.pop()}/")
    return levels


def _all_folders(store: Store) -> set[str]:
    """With those that only hold folders, but not the outermost."""
    folders = {""}
    for folder in store.folders | {name.rpartition("/")[0] for name in store.names}:
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]  # noqa: PLW2901 - outward, as far as nobody has been
    return folders - {""}


def by_folder(store: Store, pictures: list[str], base: str, *, wanted: bool = False) -> Labelled:
    """Folders in `base` are classes, numbered in the order of their names; what lies deeper belongs to the outer one.

    Pictures without folders have no class, which is a mistake where classes are `wanted`.
    """
    # One text for each class, however many pictures it has.
    labels = [intern(name[len(base) : max(name.find("/", len(base)), len(base))]) for name in pictures]
    folders = {folder[len(base) :].partition("/")[0] for folder in _all_folders(store) if folder.startswith(base)}
    if "" in labels and folders:
        loose = pictures[labels.index("")]
        raise UserError(
            f"{store.place(loose)} lies beside the folder {shown(min(folders))!r}; put every picture into a class's "
            f"folder, or all into one folder without classes, or set data.labels to none."
        )
    if "" in labels:
        if wanted:
            raise UserError(
                f"data.labels is folders, but the pictures of {store.title} lie in one; set data.labels to none."
            )
        return _unlabelled(len(pictures))
    if empty := folders - set(labels):
        raise UserError(
            f"{store.place(base + min(empty))} is a class's folder without pictures; put some there or remove it."
        )
    if not wanted and {folder.lower() for folder in folders} <= PARTS:
        inside = store.place(base + min(folders, key=lambda folder: folder.lower() not in TRAINING))
        raise UserError(
            f"The folders {' and '.join(sorted(map(shown, folders)))} are called like parts of a data set and not like "
            f"classes; name one of them in data.path ({inside}), or set data.labels to folders or none."
        )
    return _numbered(labels)


@dataclass(frozen=True)
class LabelFile:
    """A file with labels, and where the names in it may begin."""

    content: bytes
    place: str
    """To a person."""
    bases: Sequence[str]
    """Folders of the store, with a slash, of which the names in the file are relative to one."""
    name: str = ""
    """Inside the store, where it is there."""


def _label_file(store: Store, path: str, levels: list[str]) -> LabelFile:
    """Inside the source, at its base; otherwise on disk."""
    if PurePosixPath(path).suffix.lower() not in KINDS:
        raise UserError(
            f"data.labels is {path!r}; choose folders, none, or name a {', '.join(KINDS)} file with labels."
        )
    for level in levels:
        if store.has(level + tidy(path)):
            return _inside(store, level + tidy(path))
    disk = Path(path).expanduser()
    name = store.inside(disk)
    if name is not None and store.has(name):
        return _inside(store, name)
    if not disk.is_file():
        raise UserError(
            f"data.labels is {path!r}, which is neither in {store.title} nor a file; name one that is there."
        )
    try:
        return LabelFile(disk.read_bytes(), shown(str(disk)), levels)
    except OSError as error:
        raise unreadable(disk, error) from None


def _inside(store: Store, name: str) -> LabelFile:
    return LabelFile(store.read(name), store.place(name), [name[: name.rfind("/") + 1]], name)


def by_table(store: Store, pictures: list[str], file: LabelFile, table: Table) -> Labelled:
    """Every picture has its label in the file, and every name in the file is a file that is there."""
    names = [escaped(tidy(name)) for name in table.names]
    base = next((base for base in file.bases if names and store.has(base + names[0])), file.bases[0])
    given: dict[str, int | str] = {}
    labels: Sequence[int | str] = table.labels
    for name, label in zip(names, labels, strict=True):
        if given.setdefault(base + name, label) != label:
            raise UserError(
                f"{file.place} has two labels for {shown(name)!r}, {given[base + name]!r} and {label!r}; keep one."
            )
    found = [given.pop(name, None) for name in pictures]
    if missing := [name for name in given if not store.has(name) and name not in store.specials]:
        raise UserError(
            f"{file.place} has labels for {_files(len(missing))} not in {store.title}, such as "
            f"{shown(missing[0][len(base) :])!r}; its names are relative to {shown(base) or 'the outermost folder'}."
        )
    if unlabelled := [name for name, label in zip(pictures, found, strict=True) if label is None]:
        raise UserError(
            f"{file.place} has no label for {len(unlabelled)} of the {len(pictures)} pictures, such as "
            f"{shown(unlabelled[0])!r}; add them, or remove the pictures."
        )
    return _numbered([label for label in found if label is not None], file.name)


def _files(count: int) -> str:
    return "a file that is" if count == 1 else f"{count} files that are"


def _numbered(labels: Sequence[int | str], file: str = "") -> Labelled:
    """Classes in the order of their names, or of the numbers that are their names: 0 to K - 1 stay what they are."""
    order = {label: number for number, label in enumerate(sorted(set(labels)))}
    numbers = np.fromiter((order[label] for label in labels), dtype=np.int64, count=len(labels))
    return Labelled(numbers, tuple(str(label) for label in order), file)
