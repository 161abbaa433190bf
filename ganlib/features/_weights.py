"""Files of weights: found or fetched, and checked by their sha256 before a byte of them is used."""

import io
import pickle
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn

from .. import files
from ..errors import UserError


@dataclass(frozen=True)
class Published:
    """Where an extractor's authors put its weights."""

    url: str
    sha256: str | None
    """What the file hashes to, in hexadecimal; none where nobody has said so."""

    @property
    def place(self) -> Path:
        """Where torch, too, keeps a download of it."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.url.rsplit("/", 1)[-1]


def checked_weights(path: Path, expected: str | None) -> tuple[bytes, str]:
    """The file's content and its sha256, read once so that what was checked is what gets used.

    `expected` is a sha256 or its beginning; UserError where the content has another.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise missing(path) from None
    digest = sha256(content).hexdigest()
    check_digest(path, digest, expected)
    return content, digest


def missing(path: Path) -> UserError:
    """What is raised where the file is not there."""
    return UserError(f"{path} is no file; set evaluate.weights to a file of the extractor's weights.")


def check_digest(path: Path, digest: str, expected: str | None) -> None:
    """UserError where the file's digest does not begin with what is expected."""
    if expected is not None and not (expected and digest.startswith(expected.lower())):
        raise UserError(
            f"{path} has the sha256 {digest} but {expected} is expected; fetch the file again, or set "
            f"evaluate.weights_sha256 to the digest of weights that you trust."
        )


def check_file(path: Path, expected: str | None) -> None:
    """As `checked_weights`, without holding the content in memory."""
    if not path.is_file():
        raise missing(path)
    check_digest(path, files.sha256_of(path), expected)


def trusted_digest(name: str, published: Published, weights_sha256: str | None) -> str:
    """What the extractor's file must hash to; UserError where neither its authors nor the settings say."""
    expected = published.sha256 if weights_sha256 is None else weights_sha256
    if expected is None:
        raise UserError(
            f"nobody has published what the weights of {name} hash to; set evaluate.weights_sha256 to the sha256 of a "
            f"file that you trust ({published.url})."
        )
    return expected


def weights_of(
    name: str, published: Published, weights: str | None, weights_sha256: str | None
) -> tuple[Path, bytes, str]:
    """(path, content, sha256) of the file that the settings name, or else of the published one, fetched once."""
    expected = trusted_digest(name, published, weights_sha256)
    path = downloaded(name, published, expected) if weights is None else Path(weights)
    return path, *checked_weights(path, expected)


def downloaded(name: str, published: Published, expected: str) -> Path:
    """The published file in torch's own download folder, fetched there on first use.

    UserError where there is no network, or where what came does not hash to what is expected.
    """
    path = published.place
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(published.url, str(path), hash_prefix=expected.lower())
    except (OSError, RuntimeError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise UserError(
            f"the weights of {name} could not be fetched from {published.url} ({reason}); set evaluate.weights to a "
            f"file of them, or evaluate.extractor to classifier."
        ) from None
    return path


def tensors_of(content: bytes) -> dict[str, Tensor]:
    """What `torch.save` wrote of tensors by name, and nothing else: no code of the file is run.

    ValueError where it holds anything but that.
    """
    try:
        tensors = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError, AttributeError) as error:
        raise ValueError("no tensors") from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise ValueError("no tensors by name")
    return tensors


def filled(network: nn.Module, tensors: dict[str, Tensor]) -> nn.Module:
    """The network, which may be on torch's `meta` device, with these weights in float32.

    ValueError where they are those of another network.
    """
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise ValueError("weights of another network") from error
    return network.float()
