"""How CIFAR-10 and CIFAR-100 are published: where, and in which files."""

from collections.abc import Mapping
from dataclasses import dataclass

SITE = "https://www.cs.toronto.edu/~kriz/"
SIDE = 32
PIXELS = 3 * SIDE * SIDE


@dataclass(frozen=True)
class Kind:
    """How one of the two data sets is stored."""

    title: str
    archive: str
    md5: str
    """Of the archive, as its authors publish it."""
    folder: str
    """What the archive unpacks to."""
    pictures: Mapping[str, int]
    """How many each file holds, in our order."""
    classes: tuple[int, ...]
    """How many there are, for each of the label bytes that lead a picture's pixels."""
    class_files: tuple[str, ...]
    """Where the names of these classes stand, one a line."""

    @property
    def record(self) -> int:
        """Bytes of one picture with its labels."""
        return len(self.classes) + PIXELS


CIFAR10 = Kind(
    title="CIFAR-10",
    archive="cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",
    folder="cifar-10-batches-bin",
    pictures={**{f"data_batch_{i}.bin": 10_000 for i in range(1, 6)}, "test_batch.bin": 10_000},
    classes=(10,),
    class_files=("batches.meta.txt",),
)
CIFAR100 = Kind(
    title="CIFAR-100",
    archive="cifar-100-binary.tar.gz",
    md5="03b5dce01913d631647c71ecec9e9cb8",
    folder="cifar-100-binary",
    pictures={"train.bin": 50_000, "test.bin": 10_000},
    classes=(20, 100),
    class_files=("coarse_label_names.txt", "fine_label_names.txt"),
)
KINDS = {"cifar10": CIFAR10, "cifar100": CIFAR100, "cifar100_coarse": CIFAR100}
"""By `data.variant`."""
