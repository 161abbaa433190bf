"""Small networks of CLIP's kind, in files as CLIP is published: the real ones are downloads."""

import hashlib
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import CLIPVisual

from ganlib.errors import UserError
from ganlib.features import FeatureExtractor, open_extractor
from ganlib.features.clip import ClipLoader

CPU = torch.device("cpu")
SIDE, EMBEDDED = 32, 24


class Published(nn.Module):
    """What else such a file holds matters to nobody, but `text_projection` says how wide the embedding is."""

    def __init__(self, layers: int | tuple[int, ...]) -> None:
        super().__init__()
        self.visual = CLIPVisual(EMBEDDED, SIDE, layers, 64, 8).visual
        self.text_projection = nn.Parameter(torch.zeros(5, EMBEDDED))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.visual(x)


def saved(folder: Path, layers: int | tuple[int, ...], *, archive: bool) -> tuple[Path, str]:
    torch.manual_seed(0)
    model, path = Published(layers).eval(), folder / "clip.pt"
    if archive:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.trace(model, torch.zeros(1, 3, SIDE, SIDE)), str(path))
    else:
        torch.save(model.state_dict(), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def opened(file: tuple[Path, str]) -> FeatureExtractor:
    path, digest = file
    return open_extractor(
        "clip", "pictures", variant=None, weights=str(path), weights_sha256=digest, trained=path, device=CPU
    )


def pictures(channels: int = 1) -> Tensor:
    return torch.randint(0, 256, (2, channels, 9, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.mark.parametrize("layers", [2, (1, 1, 1, 1)])
def test_it_sees_what_torch_fidelitys_own_extractor_sees(tmp_path: Path, layers: int | tuple[int, ...]) -> None:
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

    file = saved(tmp_path, layers, archive=True)
    ours = opened(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = FeatureExtractorCLIP("clip-vit-b-32", ["clip"], feature_extractor_weights_path=str(file[0]))
    with torch.no_grad():
        features, logits = ours(pictures())
        (expected,) = theirs(pictures().repeat(1, 3, 1, 1))
    assert features.shape == (2, EMBEDDED)
    assert logits.shape == (2, 0)
    assert (features - expected).abs().max() < 1e-5 * expected.abs().max()
    assert (expected[0] - expected[1]).abs().max() > 1e-3 * expected.abs().max()  # the pictures do differ
    assert f"{SIDE}x{SIDE}" in ours.preprocessing


def test_a_file_of_tensors_alone_is_read_without_running_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.jit, "load", None)
    with torch.no_grad():
        assert opened(saved(tmp_path, 2, archive=False))(pictures())[0].shape == (2, EMBEDDED)


def test_nothing_is_opened_that_has_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = saved(tmp_path, 2, archive=True)
    monkeypatch.setattr(torch.jit, "load", None)
    monkeypatch.setattr(torch, "load", None)
    with pytest.raises(UserError, match=r"but 40d36571.* is expected"):
        ClipLoader(weights=str(path)).load(tmp_path)
    with pytest.raises(UserError, match=r"but 5806e77c.* is expected"):
        ClipLoader(variant="vit-b-16", weights=str(path)).load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tensors", b"PK\x05\x06" + bytes(18)])
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match="does not hold CLIP's weights; fetch https://openaipublic"):
        opened((path, hashlib.sha256(content).hexdigest()))


def test_tensors_of_something_else_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="does not hold CLIP's weights"):
        opened((path, hashlib.sha256(path.read_bytes()).hexdigest()))


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_one_sentence(tmp_path: Path, channels: int) -> None:
    extractor = opened(saved(tmp_path, 2, archive=False))
    with pytest.raises(UserError, match=f"clip looks at grey or RGB pictures and got {channels} channels"):
        extractor(pictures(channels))
