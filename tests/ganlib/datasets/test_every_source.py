"""What holds for every file of ganlib/datasets: its jobs travel to other processes, and content alone decides."""

import pickle

import numpy as np
import pytest
from source_files import hf_images, png, some, write_cifar, write_idx, write_table

from ganlib import components
from ganlib.datasets import REASONS, Batch, build_source
from ganlib.reading import cifar_known
from ganlib.settings import DataSettings


def digits(folder):
    return {}


def idx(folder):
    write_idx(folder, some(5), some(3, seed=1))
    return {"path": str(folder)}


def stacked_mnist(folder):
    write_idx(folder, some(5, 28, 28), some(3, 28, 28, seed=1))
    return {"path": str(folder), "count": 300, "seed": 7}


def cifar(folder):
    write_cifar(folder, cifar_known.CIFAR100, counts=cifar_known.CIFAR100.pictures)
    return {"path": str(folder), "variant": "cifar100_coarse"}


def parquet(folder):
    table = {"image": hf_images([png(1), None, png(2), b"broken", png(3)]), "label": ["a", "b", "b", "a", None]}
    return {"path": str(write_table(folder / "x.parquet", table, group=2))}


def image_folder(folder):
    for name in ("cat/1.png", "dog/2.png", "dog/3.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(int(name[4])))
    return {"path": str(folder)}


def gaussians(folder):
    return {"count": 5000, "seed": 3}


EXAMPLES = {make.__name__: make for make in (digits, idx, stacked_mnist, cifar, parquet, image_folder, gaussians)}


def plain(items):
    """Batches and refusals as values that can be compared."""
    return [
        (item.pixels.dtype, item.pixels.shape, item.pixels.tobytes(), item.labels.tolist(), item.names, item.mode,
         item.done) if isinstance(item, Batch) else item
        for item in items
    ]  # fmt: skip


@pytest.fixture(params=components.names("datasets"))
def opened(request, tmp_path, monkeypatch):
    """(Contents, folder of the source's files, a way to open it once more)."""
    for name, count in (("train.bin", 700), ("test.bin", 20)):
        monkeypatch.setitem(cifar_known.CIFAR100.pictures, name, count)
    source = build_source(DataSettings(source=request.param, **EXAMPLES[request.param](tmp_path / "files")))
    scratches = iter(range(9))

    def again():
        scratch = tmp_path / f"scratch{next(scratches)}"
        scratch.mkdir()
        return source.open(scratch)

    return again(), tmp_path / "files", again


def test_jobs_give_the_same_after_they_were_pickled(opened):
    contents, _, _ = opened
    for job in contents.jobs:
        travelled = pickle.loads(pickle.dumps(job))
        assert plain(travelled.run()) == plain(job.run())


def test_opening_it_again_gives_the_same_in_any_order_of_the_jobs(opened):
    contents, _, again = opened
    first = [plain(job.run()) for job in contents.jobs]
    other = again()
    assert [plain(job.run()) for job in reversed(other.jobs)] == first[::-1]
    assert (other.count, other.classes, other.notes) == (contents.count, contents.classes, contents.notes)


def test_every_input_is_yielded_once_with_a_class_that_there_is(opened):
    contents, files, _ = opened
    items = [item for job in contents.jobs for item in job.run()]
    names = [name for item in items for name in (item.names if isinstance(item, Batch) else [item.name])]
    assert len(names) == len(set(names)) == contents.count
    assert not any(str(files) in name for name in names)
    for item in items:
        if isinstance(item, Batch):
            assert len(item.pixels) == len(item.labels) == len(item.names)
            assert item.labels.dtype == np.int64
            assert set(item.labels.tolist()) <= {-1, *range(len(contents.classes))}
        else:
            assert item.reason in REASONS
            assert item.sentence.endswith(".")


def test_jobs_are_small_enough_to_be_sent_around(opened):
    contents, _, _ = opened
    assert max(len(pickle.dumps(job)) for job in contents.jobs) < 4000
