"""Where a training left off: whole files or none, the last two kept, readable without pickle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from . import files

KEPT = 2


@dataclass(frozen=True)
class Snapshot:
    """Tensors and plain values of one moment."""

    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]
    """What JSON can hold; floats survive it exactly."""


class CheckpointFolder:
    """The checkpoints of one training. The folder's name must be a digest of all that decides the training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, images_seen: int, snapshot: Snapshot) -> Path:
        """Writes the snapshot aside, syncs, renames; then drops all but the last two."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in snapshot.tensors.items()}
        path = self.folder / f"{images_seen:012d}.safetensors"
        files.write_bytes(path, save(tensors, metadata={"values": json.dumps(snapshot.values)}))
        for old in self._paths()[KEPT:]:
            old.unlink()
        return path

    def latest(self) -> Snapshot | None:
        """The newest checkpoint that can be read, or none. A damaged one is passed over."""
        for path in self._paths():
            try:
                return _read(path)
            except (SafetensorError, KeyError, json.JSONDecodeError):
                continue
        return None

    def latest_path(self) -> Path | None:
        """The newest checkpoint's file, or none."""
        return next(iter(self._paths()), None)

    def _paths(self) -> list[Path]:
        """Newest first. Names are zero-padded, so their order is the order of training."""
        return sorted(self.folder.glob("[0-9]*.safetensors"), reverse=True)


def _read(path: Path) -> Snapshot:
    with safe_open(path, framework="pt") as file:
        values = json.loads(file.metadata()["values"])
        return Snapshot({name: file.get_tensor(name) for name in file.keys()}, values)  # noqa: SIM118
