"""Weights are found, fetched and trusted only where they hash to what was promised."""

import hashlib
from pathlib import Path

import pytest

from ganlib.errors import UserError
from ganlib.features import Published, check_weights
from ganlib.features._weights import downloaded, trusted_digest, weights_of

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch"


@pytest.fixture
def served(tmp_path: Path) -> Published:
    (tmp_path / "served.pth").write_bytes(CONTENT)
    return Published((tmp_path / "served.pth").as_uri(), DIGEST)


@pytest.fixture
def in_folder(torch_home: Path, tmp_path: Path, served: Published, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `served.pth` lies."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_network_both_ways_out_are_named(torch_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    nowhere = Published("http://127.0.0.1:9/weights.pth", DIGEST)
    with pytest.raises(UserError, match=r"refused.*set evaluate\.weights to a file .* evaluate\.extractor to classif"):
        downloaded("vgg16", nowhere, DIGEST)
    assert not list(torch_home.rglob("*.pth*"))


def test_a_download_of_something_else_is_thrown_away(torch_home: Path, served: Published) -> None:
    with pytest.raises(UserError, match="the weights of vgg16 could not be fetched"):
        downloaded("vgg16", served, "0" * 64)
    assert not [path for path in torch_home.rglob("*") if path.is_file()]


def test_a_download_is_checked_and_kept(torch_home: Path, tmp_path: Path, served: Published) -> None:
    assert weights_of("vgg16", served, None, None)[1:] == (CONTENT, DIGEST)
    (tmp_path / "served.pth").unlink()
    assert weights_of("vgg16", served, None, None)[1:] == (CONTENT, DIGEST)


def test_a_kept_download_that_changed_is_not_used(torch_home: Path, served: Published) -> None:
    path, _, _ = weights_of("vgg16", served, None, None)
    path.write_bytes(b"others")
    with pytest.raises(UserError, match=f"but {DIGEST} is expected"):
        weights_of("vgg16", served, None, None)


def test_weights_that_nobody_vouches_for_need_a_digest() -> None:
    unknown = Published("https://example.org/weights.pth", None)
    assert trusted_digest("dinov2 vit-g-14", unknown, "ab") == "ab"
    with pytest.raises(UserError, match=r"hash to; set evaluate\.weights_sha256"):
        trusted_digest("dinov2 vit-g-14", unknown, None)


@pytest.mark.parametrize(
    ("name", "variant", "weights", "sha256", "sentence"),
    [
        ("vgg16", None, "none.pth", None, "none.pth is no file"),
        ("vgg16", None, "served.pth", None, "but 397923af.* is expected"),
        ("clip", "vit-b-16", "served.pth", None, "but 5806e77c.* is expected"),
        ("classifier", None, "served.pth", "0" * 64, f"but {'0' * 64} is expected"),
        ("dinov2", "vit-g-14", None, None, "nobody has published"),
        ("dinov2", "vit-x-14", None, None, r"evaluate\.variant is 'vit-x-14'.*choose one of: vit-s-14, vit-b-14"),
        ("inception", "vit-s-14", None, None, "inception has no variants; leave it empty"),
        ("random", None, "served.pth", None, "random has none; leave them empty"),
        ("coordinates", None, None, "ab", "coordinates has none; leave them empty"),
        ("vgg", None, None, None, r"evaluate\.extractor is 'vgg'; choose one of"),
    ],
)
def test_what_cannot_work_is_said_before_a_long_training(
    in_folder: Path, name: str, variant: str | None, weights: str | None, sha256: str | None, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        check_weights(name, variant, weights, sha256)


def test_what_can_work_is_let_through_and_nothing_is_fetched(in_folder: Path, torch_home: Path) -> None:
    for name in ("classifier", "clip", "coordinates", "dinov2", "inception", "random", "vgg16"):
        check_weights(name, None, None, None)
    check_weights("dinov2", "vit-g-14", "served.pth", DIGEST.upper())
    check_weights("dinov2", "vit-g-14", None, DIGEST)
    assert not torch_home.exists()


def test_a_kept_download_is_checked_too(torch_home: Path) -> None:
    place = torch_home / "hub/checkpoints/vgg16-397923af.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    with pytest.raises(UserError, match=r"but 397923af.* is expected"):
        check_weights("vgg16", None, None, None)
