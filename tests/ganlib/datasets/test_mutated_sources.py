"""Files with wrong bytes in them: what comes out is pictures, refusals or one sentence, never a traceback."""

import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_files import everything, hf_images, png, some, write_cifar, write_idx, write_table

from ganlib.datasets import Batch
from ganlib.datasets.cifar import Cifar
from ganlib.datasets.idx import Idx
from ganlib.datasets.parquet import Parquet
from ganlib.errors import UserError
from ganlib.reading.cifar_known import CIFAR10


def idx(folder):
    write_idx(folder, some(4), some(2))
    return Idx(path=str(folder)), folder / "train-images-idx3-ubyte"


def cifar(folder):
    write_cifar(folder / "plain", CIFAR10, counts=CIFAR10.pictures)
    with tarfile.open(folder / "it.tar", "w") as archive:
        for file in sorted((folder / "plain").iterdir()):
            archive.add(file, file.name)
    return Cifar(path=str(folder / "it.tar")), folder / "it.tar"


def parquet(folder):
    file = write_table(
        folder / "x.parquet", {"image": hf_images([png(i) for i in range(6)]), "label": list("ababab")}, group=4
    )
    return Parquet(path=str(file)), file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each source with the file that is spoiled, and its content."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CIFAR10.pictures:
            patch.setitem(CIFAR10.pictures, name, 1)
        sources = {}
        for make in (idx, cifar, parquet):
            source, file = make(tmp_path_factory.mktemp(make.__name__))
            sources[make.__name__] = (source, file, file.read_bytes())
        yield sources


@pytest.mark.parametrize("name", ["idx", "cifar", "parquet"])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_wrong_bytes_end_in_one_sentence_or_in_pictures(made, name, data):
    source, file, content = made[name]
    spoiled = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        # Headers and footers are what steers the reading.
        place = data.draw(st.integers(-len(spoiled), len(spoiled) - 1) | st.integers(-300, 300), label="place")
        place = max(-len(spoiled), min(place, len(spoiled) - 1))
        spoiled[place] = data.draw(st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255), label="byte")
    length = data.draw(st.just(len(spoiled)) | st.integers(1, len(spoiled)), label="length")
    file.write_bytes(spoiled[:length])
    sentence = "It is as good as it was."
    try:
        contents, items = everything(source)
        assert contents.count == sum(len(item.names) if isinstance(item, Batch) else 1 for item in items)
    except UserError as error:
        sentence = str(error)
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
