"""What dataset.json says, in the form that the card needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """The data set as it was written."""

    kind: str
    """pictures or points."""
    source: str
    notes: tuple[str, ...]
    shape: tuple[int, int, int]
    """(channels, height, width); points have their dimensions as channels."""
    classes: tuple[str, ...]
    train: int
    heldout: int
    class_counts: Mapping[str, Mapping[str, int]]
    digest: str
    preparation: Mapping[str, Any]

    @property
    def noun(self) -> str:
        """Of one of them."""
        return "point" if self.kind == "points" else "picture"

    @property
    def item(self) -> str:
        """Of one thing that the source holds: only folders and archives hold a file for each picture."""
        return "file" if self.source == "image_folder" else self.noun

    @property
    def total(self) -> int:
        """Training and held-out ones."""
        return self.train + self.heldout

    @property
    def got_share(self) -> float:
        """Of the held-out ones."""
        return self.heldout / self.total if self.total else 0.0

    @property
    def asked_share(self) -> float | None:
        """data.heldout_share, where dataset.json has it."""
        share = self.preparation.get("heldout_share")
        return float(share) if share is not None else None

    @property
    def fit(self) -> str | None:
        """data.fit, where dataset.json has it."""
        return self.preparation.get("fit")

    @property
    def near(self) -> Mapping[str, Any]:
        """What the search for near duplicates found: `pairs`, `straddling`, `complete`."""
        return self.preparation.get("near_duplicates") or {}


def summary_of(description: Mapping[str, Any]) -> Summary:
    """From the content of dataset.json."""
    source, (channels, height, width) = description["source"], description["shape"]
    return Summary(
        kind=description["kind"],
        source=source["name"],
        notes=tuple(source.get("notes", ())),
        shape=(channels, height, width),
        classes=tuple(description["classes"]),
        train=description["counts"]["train"],
        heldout=description["counts"]["heldout"],
        class_counts=description["class_counts"],
        digest=description["digest"],
        preparation=description.get("preparation", {}),
    )
