import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ganlib import files
from ganlib.datasets.digits import read_table
from ganlib.errors import UserError
from ganlib.features import classifier
from ganlib.features._stacked import STACKED, is_stacked, single_digits
from ganlib.features.classifier import Architecture, Classifier, ClassifierLoader
from ganlib.prepared import PreparedData, Split
from ganlib.settings import ClassifierSettings

CPU = torch.device("cpu")


def data_of(pixels: np.ndarray, labels: np.ndarray, *, heldout: int, classes: tuple[str, ...]) -> PreparedData:
    return PreparedData(
        train=Split(pixels[heldout:], labels[heldout:]),
        heldout=Split(pixels[:heldout], labels[:heldout]),
        classes=classes,
        digest="d" * 64,
    )


@pytest.fixture(scope="module")
def digits() -> PreparedData:
    table = read_table()
    table = table[np.random.default_rng(0).permutation(len(table))]
    small = (table[:, :-1] * 255 // 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    pixels = small.repeat(2, axis=2).repeat(2, axis=3)
    return data_of(pixels, table[:, -1].copy(), heldout=360, classes=tuple("0123456789"))


def two_kinds(n: int = 24, *, shape: tuple[int, int, int] = (1, 8, 8)) -> PreparedData:
    """Dark pictures and bright ones."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 2
    pixels = (random.integers(0, 100, (n, *shape)) + 150 * labels[:, None, None, None]).astype(np.uint8)
    return data_of(pixels, labels.astype(np.int64), heldout=8, classes=("dark", "bright"))


def brief(**changes: int) -> ClassifierSettings:
    return ClassifierSettings(**{"epochs": 2, "width": 4, "batch_size": 8, **changes})


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Convolutions this small gain nothing from more, and lose much where other tests run beside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_digits_are_told_apart(digits: PreparedData) -> None:
    network = classifier.train(digits, ClassifierSettings(epochs=10, lr=5e-3), device=CPU)
    heldout = classifier.accuracy(network, digits.heldout)
    assert heldout is not None
    assert heldout >= 0.97
    features, logits = network(torch.from_numpy(digits.heldout.pixels))
    assert features.shape == (360, 64)
    assert logits.shape == (360, 10)
    # A feature that is the same everywhere would make every covariance singular.
    assert (features.std(dim=0) > 0).all()


def test_the_same_settings_give_the_same_weights_and_another_seed_others() -> None:
    data = two_kinds()
    once, again, other = (classifier.train(data, brief(seed=seed), device=CPU).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(once[key], again[key]) for key in once)
    assert not all(torch.equal(once[key], other[key]) for key in once)


def test_training_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    classifier.train(two_kinds(), brief(), device=CPU)
    assert torch.equal(torch.random.get_rng_state(), before)


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(4, 40),
    width=st.integers(4, 40),
    features=st.sampled_from([1, 5, 32]),
)
def test_pictures_of_any_size_have_twice_the_width_of_features(
    channels: int, height: int, width: int, features: int
) -> None:
    network = Classifier(Architecture((channels, height, width), features, ("a", "b", "c"))).eval()
    seen, logits = network(torch.zeros(2, channels, height, width, dtype=torch.uint8))
    assert seen.shape == (2, 2 * features)
    assert logits.shape == (2, 3)


def test_fewer_pictures_than_a_batch_still_train() -> None:
    network = classifier.train(two_kinds(12, shape=(3, 4, 9)), brief(batch_size=64), device=CPU)
    assert classifier.accuracy(network, two_kinds(12, shape=(3, 4, 9)).heldout) is not None


def test_shifted_pictures_keep_their_pixels_and_repeat_their_edge() -> None:
    pixels = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 3, 4)
    moved = classifier._shifted(pixels, 1, -1)[0, 0].tolist()
    assert moved == [[1, 2, 3, 3], [1, 2, 3, 3], [5, 6, 7, 7]]


@hypothesis_settings(deadline=None)
@given(steps=st.integers(1, 500))
def test_the_learning_rate_rises_to_its_full_height_and_falls(steps: int) -> None:
    shares = [classifier.rate_share(step, steps) for step in range(steps)]
    top = shares.index(max(shares))
    assert max(shares) == 1
    assert all(0 < share <= 1 for share in shares)
    assert sorted(shares[: top + 1]) == shares[: top + 1]
    assert sorted(shares[top:], reverse=True) == shares[top:]


def test_pictures_without_label_neither_teach_nor_count() -> None:
    data = two_kinds()
    unlabelled = data.train.labels.copy()
    unlabelled[:4] = -1
    partly = Split(data.train.pixels, unlabelled)
    rest = Split(data.train.pixels[4:], data.train.labels[4:])
    network = classifier.train(PreparedData(partly, data.heldout, data.classes, ""), brief(), device=CPU)
    alike = classifier.train(PreparedData(rest, data.heldout, data.classes, ""), brief(), device=CPU)
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in alike.state_dict().items())
    assert classifier.accuracy(network, partly) == classifier.accuracy(network, rest)
    assert classifier.accuracy(network, Split(data.train.pixels[:4], unlabelled[:4])) is None


def test_data_without_two_classes_says_why_it_trains_none() -> None:
    data = two_kinds()
    assert classifier.why_untrainable(data) is None
    nameless = PreparedData(data.train, data.heldout, (), "")
    assert classifier.why_untrainable(nameless) == "the data has no classes"
    alone = Split(data.train.pixels, np.zeros_like(data.train.labels))
    assert "one class" in str(classifier.why_untrainable(PreparedData(alone, data.heldout, data.classes, "")))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    classifier.save_classifier(tmp_path, classifier.train(two_kinds(), brief(), device=CPU), data_digest="d" * 64)
    return tmp_path


def test_what_was_saved_is_what_is_loaded(saved: Path) -> None:
    loaded = ClassifierLoader().load(saved).eval()
    pixels = torch.from_numpy(two_kinds().heldout.pixels)
    trained = classifier.train(two_kinds(), brief(), device=CPU)
    assert torch.equal(loaded(pixels)[0], trained(pixels)[0])
    assert loaded.digest == files.sha256_of(saved / classifier.WEIGHTS)
    assert loaded.digest == json.loads((saved / classifier.DESCRIPTION).read_text())["sha256"]


def test_another_classifier_may_be_named(saved: Path, tmp_path: Path) -> None:
    weights = str(saved / classifier.WEIGHTS)
    assert ClassifierLoader(weights=weights).load(tmp_path / "nowhere").name == "classifier"
    with pytest.raises(UserError, match=f"sha256 .* but {'0' * 64} is expected"):
        ClassifierLoader(weights=weights, weights_sha256="0" * 64).load(tmp_path)


def test_a_missing_or_absent_classifier_offers_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dvc repro classifier"):
        ClassifierLoader().load(tmp_path)
    classifier.save_absence(tmp_path, "the data has no classes")
    with pytest.raises(UserError, match=r"the data has no classes .* set evaluate\.extractor to inception"):
        ClassifierLoader().load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x80\x04not tensors", b"{}"])
def test_a_file_of_something_else_is_one_sentence(saved: Path, content: bytes) -> None:
    (saved / classifier.WEIGHTS).write_bytes(content)
    with pytest.raises(UserError, match="does not hold the weights"):
        ClassifierLoader().load(saved)


def test_pictures_of_other_channels_are_refused(saved: Path) -> None:
    with pytest.raises(UserError, match="1 channels and got 3"):
        ClassifierLoader().load(saved)(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def stacked(n: int, *, seed: int = 0) -> PreparedData:
    """Digits that are as bright as they are great, three as the channels of a picture."""
    random = np.random.default_rng(seed)
    labels = random.integers(1000, size=n)
    levels = np.stack([labels // 100, labels // 10 % 10, labels % 10], axis=1) * 25
    noise = random.integers(0, 12, (n, 3, 8, 8))
    return data_of((levels[..., None, None] + noise).astype(np.uint8), labels, heldout=60, classes=STACKED)


@pytest.mark.usefixtures("one_thread")
def test_stacked_digits_are_named_one_by_one_by_a_network_of_one_channel(tmp_path: Path) -> None:
    data = stacked(360)
    network = classifier.train(data, brief(epochs=8, width=8), device=CPU)
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    assert shapes["to_features.0.weight"][1] == 1
    assert shapes["to_logits.weight"] == (10, 16)
    pixels = torch.from_numpy(data.heldout.pixels)
    features, logits = network(pixels)
    assert features.shape == (60, 48)
    assert logits.shape == (60, 1000)
    # Probabilities of the triples, and the product of those of the digits.
    torch.testing.assert_close(logits.exp().sum(dim=1), torch.ones(60), atol=1e-4, rtol=0)
    for channel, digit in enumerate((3, 1, 4)):
        own, said = network.see(pixels[:, channel : channel + 1])
        torch.testing.assert_close(features[:, 16 * channel : 16 * channel + 16], own)
        total = logits.unflatten(1, (10, 10, 10)).transpose(1, 1 + channel)[:, digit].flatten(1).logsumexp(dim=1)
        torch.testing.assert_close(total, said.log_softmax(dim=1)[:, digit], atol=1e-4, rtol=1e-4)
    shares = classifier.accuracies(network, data.heldout)
    assert shares["accuracy"] is not None
    assert shares["digit_accuracy"] is not None
    assert shares["digit_accuracy"] > 0.9
    assert shares["digit_accuracy"] ** 3 - 0.2 < shares["accuracy"] <= shares["digit_accuracy"]
    classifier.save_classifier(tmp_path, network, data_digest="d" * 64)
    assert torch.equal(ClassifierLoader().load(tmp_path).eval()(pixels)[1], logits)


def test_single_digits_are_the_channels_with_the_digits_of_the_class() -> None:
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 2, 2)
    single = single_digits(Split(pixels, np.array([314, 7])))
    assert single.labels.tolist() == [3, 1, 4, 0, 0, 7]
    assert single.pixels.shape == (6, 1, 2, 2)
    assert (single.pixels[4, 0] == pixels[1, 1]).all()
    assert np.shares_memory(single.pixels, pixels)  # nothing is read before its batch comes


def test_only_stacked_digits_are_taken_for_such() -> None:
    assert is_stacked(STACKED, 3)
    assert not is_stacked(STACKED, 1)
    assert not is_stacked(STACKED[:999], 3)
    ordinary = Classifier(Architecture((3, 8, 8), 4, STACKED[:10]))
    assert ordinary.to_features[0].weight.shape[1] == 3
    assert "digit_accuracy" not in classifier.accuracies(ordinary.eval(), two_kinds(shape=(3, 8, 8)).heldout)


def test_a_network_of_a_thousand_classes_is_no_longer_taken_for_one_of_digits(tmp_path: Path) -> None:
    old = Classifier(Architecture((3, 8, 8), 4, ("a", "b")))
    classifier.save_classifier(tmp_path, old, data_digest="")
    description = json.loads((tmp_path / classifier.DESCRIPTION).read_text())
    (tmp_path / classifier.DESCRIPTION).write_text(json.dumps({**description, "classes": STACKED}))
    with pytest.raises(UserError, match="train it again"):
        ClassifierLoader().load(tmp_path)


def test_training_a_classifier_does_not_wait_for_torch_fidelity() -> None:
    program = "import sys, ganlib.features.classifier; print({'torch_fidelity', 'torchvision'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "set()"
