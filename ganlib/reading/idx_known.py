"""The data sets in IDX files that people know by name: where they are fetched and what their files must be."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from string import ascii_uppercase, digits

from .. import files
from ..downloads import fetch, other_md5
from ..errors import UserError
from .idx_format import IMAGES, LABELS, PIECE_BYTES, find, reading


@dataclass(frozen=True)
class Published:
    """What one file must be."""

    md5: str = ""
    """Of the .gz file as its authors publish it; "" where the content's digest is known."""
    length: int = 0
    sha256: str = ""
    """Of the content, which stays the same where a mirror compresses it anew."""

    def complaint(self, file: Path) -> str | None:
        """What tells the file from the published one; none where it is the same."""
        if not self.sha256:
            return other_md5(file, self.md5)
        digest, seen = sha256(), 0
        try:
            with reading(file) as stream:
                while seen <= self.length and (piece := stream.read(PIECE_BYTES)):
                    digest.update(piece)
                    seen += len(piece)
        except UserError as broken:
            return str(broken)
        return None if digest.hexdigest() == self.sha256 else f"its sha256 is not {self.sha256[:12]}..."


@dataclass(frozen=True)
class Known:
    """A published data set."""

    title: str
    classes: tuple[str, ...]
    parts: tuple[str, str] = ("train", "t10k")
    """How the names of the training and of the test files begin."""
    first_label: int = 0
    """The label of the first class."""
    transposed: bool = False
    """Whether the files store rows as columns."""
    mirrors: tuple[str, ...] = ()
    published: Mapping[str, Published] = field(default_factory=dict)
    """By file; empty where all lie in EMNIST's one archive."""
    folder: str = ""
    """Below data/sources, where a download goes when data.path is empty."""

    def names(self) -> list[str]:
        """The four files, without `.gz`."""
        return [f"{part}-{kind}" for part in self.parts for kind in (IMAGES, LABELS)]


ARCHIVE = "gzip.zip"
ARCHIVE_URLS = ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",)
ARCHIVE_MD5 = "58c8d27c78d21e728a6bc7b3cc06412e"
ARCHIVE_LARGEST = 1 << 30
LARGEST = 1 << 27
"""Bytes of a download whose length is not known beforehand."""

MIXED = digits + ascii_uppercase + "abdefghnqrt"
"""EMNIST's classes where small letters that look like their capitals are merged with them (Cohen et al. 2017)."""
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
SPLITS = {
    "byclass": digits + ascii_uppercase + ascii_uppercase.lower(),
    "bymerge": MIXED,
    "balanced": MIXED,
    "letters": ascii_uppercase,
    "digits": digits,
    "mnist": digits,
}

KNOWN = {
    "mnist": Known(
        title="MNIST",
        classes=tuple(digits),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        published={
            f"train-{IMAGES}": Published(
                length=47_040_016, sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            f"train-{LABELS}": Published(
                length=60_008, sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
            f"t10k-{IMAGES}": Published(
                length=7_840_016, sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            f"t10k-{LABELS}": Published(
                length=10_008, sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
        },
        folder="mnist",
    ),
    "fashion_mnist": Known(
        title="Fashion-MNIST",
        classes=CLOTHES,
        # The authors' bucket answers http alone; what it sends is compared with the md5 all the same.
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        published={
            f"train-{IMAGES}": Published(md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            f"train-{LABELS}": Published(md5="25c81989df183df01b3e8a0aad5dffbe"),
            f"t10k-{IMAGES}": Published(md5="bef4ecab320f06d8554ea6380940ec79"),
            f"t10k-{LABELS}": Published(md5="bb300cfdad3c16e7a12a480ee83cd310"),
        },
        folder="fashion_mnist",
    ),
    "kmnist": Known(
        title="KMNIST",
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        published={
            f"train-{IMAGES}": Published(md5="bdb82020997e1d708af4cf47b453dcf7"),
            f"train-{LABELS}": Published(md5="e144d726b3acfaa3e44228e80efcd344"),
            f"t10k-{IMAGES}": Published(md5="5c965bf0a639b31b8f53240b1b52f4d7"),
            f"t10k-{LABELS}": Published(md5="7320c461ea6c1c855c0b718fb2a4b134"),
        },
        folder="kmnist",
    ),
    **{
        f"emnist_{split}": Known(
            title=f"EMNIST {split}",
            classes=tuple(characters),
            parts=(f"emnist-{split}-train", f"emnist-{split}-test"),
            first_label=1 if split == "letters" else 0,
            transposed=True,
            folder="emnist",
        )
        for split, characters in SPLITS.items()
    },
}
"""By `data.variant`."""


def complete(folder: Path, known: Known) -> None:
    """Fetches the files of the data set that `folder` lacks.

    UserError where that fails, or where those that are there belong to another data set: the two are never mixed.
    """
    missing = [name for name in known.names() if find(folder, name) is None]
    if not missing:
        return
    if not known.published:
        _unpack(folder, missing, _archive(folder))
        return
    for name in known.names():
        present = find(folder, name)
        if present and (reason := known.published[name].complaint(present)):
            raise UserError(
                f"{present} is not {known.title}'s ({reason}), so data.download cannot complete {folder}; set "
                f"data.download: false and complete it yourself, or name another directory in data.path."
            )
    for name in missing:
        published = known.published[name]
        urls = [f"{mirror}{name}.gz" for mirror in known.mirrors]
        fetch(folder / f"{name}.gz", urls, largest=published.length or LARGEST, complaint=published.complaint)


def _archive(folder: Path) -> Path:
    """EMNIST's one archive, fetched where it is not there. It stays: the other splits lie in it as well."""
    archive = folder / ARCHIVE
    complaint = partial(other_md5, expected=ARCHIVE_MD5)
    if not archive.is_file():
        fetch(archive, ARCHIVE_URLS, largest=ARCHIVE_LARGEST, complaint=complaint)
    elif reason := complaint(archive):
        raise UserError(f"{archive} is not EMNIST's archive ({reason}); remove it, or name another data.path.")
    return archive


def _unpack(folder: Path, names: Sequence[str], archive: Path) -> None:
    """Takes files out by names of our own; what paths the archive has for them plays no part."""
    with zipfile.ZipFile(archive) as opened:
        members = {PurePosixPath(info.filename).name: info for info in opened.infolist()}
        for name in names:
            with (
                files.whole_file(folder / f"{name}.gz") as aside,
                opened.open(members[f"{name}.gz"]) as member,
                aside.open("wb") as file,
            ):
                copyfileobj(member, file, PIECE_BYTES)
