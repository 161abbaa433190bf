import hashlib
import pickle
from pathlib import Path

import pytest
import torch

from ganlib.errors import UserError
from ganlib.features import inception
from ganlib.features.inception import InceptionLoader


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torch-fidelity publishes it, with random numbers: the real ones are a download."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = FeatureExtractorInceptionV3("inception-v3-compat", inception.LAYERS)
    for part in network.modules():  # nothing dies out on its way, and normalisations do something
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        if isinstance(part, torch.nn.BatchNorm2d):
            for tensor in (part.running_mean, part.bias):
                tensor.normal_(0, 0.1)
            for tensor in (part.running_var, part.weight):
                tensor.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(network.state_dict(), path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_sees_what_torch_fidelitys_own_extractor_sees(random_weights: Path, tmp_path: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    digest = sha256(random_weights)
    ours = InceptionLoader(weights=str(random_weights), weights_sha256=digest).load(tmp_path).eval()
    theirs = FeatureExtractorInceptionV3(
        "inception-v3-compat", inception.LAYERS, feature_extractor_weights_path=str(random_weights)
    )
    grey = torch.randint(0, 256, (2, 1, 9, 12), dtype=torch.uint8)
    with torch.no_grad():
        features, logits = ours(grey)
        expected = theirs(grey.repeat(1, 3, 1, 1))
    # As much as float32 forgets in a hundred layers; of the largest number.
    for seen, theirs_saw in ((features, expected[0]), (logits, expected[1])):
        assert (seen - theirs_saw).abs().max() < 1e-5 * theirs_saw.abs().max()
        assert theirs_saw.std(dim=0).max() > 1e-3 * theirs_saw.abs().max()  # the pictures do differ
    assert features.shape == (2, 2048)
    assert ours.digest == digest
    assert "grey repeated" in ours.preprocessing
    with pytest.raises(UserError, match="got 2 channels"):
        ours(torch.zeros(1, 2, 8, 8, dtype=torch.uint8))


def test_weights_with_another_digest_are_not_opened(random_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"but 6726825d.* is expected"):
        InceptionLoader(weights=str(random_weights)).load(tmp_path)
    with pytest.raises(UserError, match=r"set evaluate\.weights_sha256"):
        InceptionLoader(weights=str(random_weights), weights_sha256="0" * 64).load(tmp_path)


class Intruder:
    """Runs code where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.trace,)


def test_no_code_in_a_weights_file_is_run(tmp_path: Path) -> None:
    trace, weights = tmp_path / "trace", tmp_path / "evil.pth"
    torch.save({"fc.weight": Intruder(trace)}, weights)
    with pytest.raises(UserError, match="does not hold Inception's weights"):
        InceptionLoader(weights=str(weights), weights_sha256=sha256(weights)).load(tmp_path)
    assert not trace.exists()
    torch.load(weights, weights_only=False)
    assert trace.exists()  # the trap itself works


@pytest.mark.parametrize(
    "content", [b"", b"no tensors", pickle.dumps([1, 2], protocol=2), pickle.dumps({}, protocol=2)]
)
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    weights = tmp_path / "other.pth"
    weights.write_bytes(content)
    with pytest.raises(UserError, match="does not hold Inception's weights"):
        InceptionLoader(weights=str(weights), weights_sha256=sha256(weights)).load(tmp_path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pth is no file; set evaluate\.weights"):
        InceptionLoader(weights=str(tmp_path / "none.pth")).load(tmp_path)
