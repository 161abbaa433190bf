"""Small prepared folders, as `prepare` leaves them, to make data cards of; and the cards as a browser reads them."""

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ganlib import data_card
from ganlib.data_card import NearPair

COLUMNS = {
    "source": pa.string(), "kept": pa.bool_(), "reason": pa.string(), "detail": pa.string(), "index": pa.int64(),
    "split": pa.string(), "sha256": pa.string(), "phash": pa.string(), "label": pa.int64(), "class_name": pa.string(),
    "width": pa.int32(), "height": pa.int32(), "mode": pa.string(), "duplicate_of": pa.string(), "done": pa.string(),
}  # fmt: skip


def some(count: int, channels: int = 3, side: int = 8, seed: int = 0) -> np.ndarray:
    """Pictures of noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, channels, side, side), dtype=np.uint8)


class Folder:
    """Rows of input files, then the folder that they make; the first pictures are for training."""

    def __init__(self, path: Path, classes: Sequence[str] = ("cat", "dog")) -> None:
        self.path, self.classes = path, list(classes)
        self.rows: list[dict[str, Any]] = []
        self.source = "image_folder"
        self.notes: list[str] = []
        self.preparation: dict[str, Any] = {"fit": "center_crop", "heldout_share": 0.2}

    def keep(self, count: int, *, split: str = "train", label: int = 0, **more: Any) -> "Folder":
        """Files that became pictures."""
        for _ in range(count):
            self._add(kept=True, split=split, label=label, **more)
        return self

    def refuse(self, reason: str, count: int = 1, *, label: int = -1, **more: Any) -> "Folder":
        """Files that did not."""
        for _ in range(count):
            self._add(kept=False, split=None, reason=reason, label=label, **{"width": None, "height": None, **more})
        return self

    def _add(self, **row: Any) -> None:
        name = f"{len(self.rows)}.png"
        known = {"source": name, "width": 8, "height": 8, "mode": "RGB", "done": ""}
        label = row["label"]
        self.rows.append({**known, "class_name": self.classes[label] if label >= 0 else None, **row})

    def write(self, pixels: np.ndarray, *, kind: str = "pictures", doubled: int = 1) -> dict[str, Any]:
        """The files of the folder; returns dataset.json."""
        self.path.mkdir(parents=True, exist_ok=True)
        sides = [[row for row in self.rows if row["kept"] and row["split"] == side] for side in ("train", "heldout")]
        start = 0
        for side in sides:
            for place, row in enumerate(side, start):
                row["index"] = place
            start += doubled * len(side)
        labels = [np.tile(np.array([row["label"] for row in side], np.int64), doubled) for side in sides]
        assert len(pixels) == sum(map(len, labels))
        np.save(self.path / "images.npy", pixels)
        np.save(self.path / "labels.npy", np.concatenate(labels))
        table = {name: [row.get(name) for row in self.rows] for name in COLUMNS}
        pq.write_table(pa.table(table, schema=pa.schema(COLUMNS)), self.path / "manifest.parquet")
        description = {
            "kind": kind,
            "shape": list(pixels.shape[1:]),
            "classes": self.classes,
            "counts": {"train": len(labels[0]), "heldout": len(labels[1])},
            "class_counts": {
                side: {name: int((values == number).sum()) for number, name in enumerate(self.classes)}
                for side, values in zip(("train", "heldout"), labels, strict=True)
            },
            "digest": "d" * 64,
            "source": {"name": self.source, "files": len(self.rows), "notes": self.notes},
            "preparation": self.preparation,
        }
        (self.path / "dataset.json").write_text(json.dumps(description))
        return description

    def card(
        self, pixels: np.ndarray, pairs: Sequence[data_card.NearPair] = (), **more: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page and the facts."""
        description = self.write(pixels, **more)
        html, facts = self.path / "data.html", self.path / "data.json"
        data_card.write(self.path, description, pairs, html=html, facts=facts)
        return html.read_text(encoding="utf-8"), json.loads(facts.read_text(encoding="utf-8"))


def mixed(folder: Folder, name: str = "1.png") -> list[NearPair]:
    """Something of everything: 12 + 4 pictures."""
    folder.keep(7).keep(5, label=1, width=30, height=20, mode="P", done="cropped to 20x20; resized to 8x8")
    folder.keep(3, split="heldout").keep(1, split="heldout", label=1, duplicate_of=name)
    folder.refuse("broken", 13, detail="It is broken.").refuse("not an image", 2, source="notes.txt")
    folder.refuse("exact duplicate", 2, duplicate_of="1.png", label=0, width=8, height=8)
    folder.refuse("exact duplicate", 1, duplicate_of="2.png", label=1, width=8, height=8)
    return [NearPair("1.png", name, some(1)[0], some(1)[0], 3, 0.98, True)]


VOID = {"meta", "link", "img", "br", "rect", "line", "path", "circle"}


class Page(HTMLParser):
    """What a browser would make of the page: elements with their attributes, and the text outside the style."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        assert tag in VOID
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def sections(self) -> list[str]:
        return [attributes["id"] for attributes in self.all("section")]
