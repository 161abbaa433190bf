"""What is done with each picture of a job, in whichever process that runs: digest, side of the split, shape, hash."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from . import duplicates
from .datasets import OTHER_SIZE, TOO_SMALL, Batch, Job, Refused
from .fitting import Recipe, channels_needed, fit, join

Mask = Bool[np.ndarray, " n"]
Picture = UInt8[np.ndarray, "channels height width"] | Float32[np.ndarray, "dimensions 1 1"]

PIECE_PICTURES, PIECE_BYTES = 4096, 1 << 22
"""A piece of work is handed on when it has so many pictures or bytes."""
SMALL_BYTES, JOINED_BYTES = 1 << 16, 1 << 19
"""Batches of at most so many bytes are joined, up to so many."""


@dataclass(frozen=True)
class Orders:
    """What a process is told to do with every picture."""

    recipe: Recipe
    widen: bool
    """Whether to stop at a picture that needs more channels than the recipe has, and to say so."""
    min_side: int
    share: float
    """Held-out share."""
    seed: int
    """Of the split."""
    points: bool
    """Whether they are points, which are taken as they are."""
    like_first: str | None = None
    """Name of the picture whose size all must have, where that is why other sizes are refused."""


@dataclass
class Work:
    """Consecutive input files, done with: a column for each thing known of them."""

    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Position in the columns, with reason and sentence; the others are the pictures below, in order."""
    digests: list[bytes] = field(default_factory=list)
    heldout: list[bool] = field(default_factory=list)
    pixels: list[np.ndarray] = field(default_factory=list)
    """Fitted; blocks of n x C x H x W."""
    hashes: duplicates.Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Perceptual ones; zeros for points."""
    n_bytes: int = 0
    """Of `pixels`."""
    wider: int = 0
    """Channels that a picture needs which the recipe does not have; the work stopped before it."""

    def refuse(self, refused: Refused, batch: Batch | None = None) -> None:
        """Takes in a file that gives no picture; `batch` is what it was decoded to, where it was."""
        self.refused[len(self.names)] = refused.reason, refused.sentence
        self.names.append(refused.name)
        self.labels.append(refused.label)
        self.heights.append(batch.pixels.shape[2] if batch else 0)
        self.widths.append(batch.pixels.shape[3] if batch else 0)
        self.modes.append(batch.mode if batch else "")
        self.done.append("")

    def finish(self) -> "Work":
        """As one block of pixels, with their hashes."""
        if self.pixels:
            block = self.pixels[0] if len(self.pixels) == 1 else np.concatenate(self.pixels)
            self.pixels = [np.ascontiguousarray(block)]
            points = block.dtype != np.uint8
            self.hashes = np.zeros(len(block), np.uint64) if points else duplicates.hashes(block)
        return self

    @property
    def is_full(self) -> bool:
        """Whether to hand it on."""
        return len(self.names) >= PIECE_PICTURES or self.n_bytes >= PIECE_BYTES


def work(job: Job, orders: Orders) -> Iterator[Work]:
    """The job, a few megabytes at a time; ends early where `wider` is set."""
    piece = Work()
    for item in _together(job.run()):
        if isinstance(item, Refused):
            piece.refuse(item)
        elif (reason := _why_refused(item, orders)) is not None:
            for name, label in zip(item.names, item.labels.tolist(), strict=True):
                piece.refuse(Refused(name, reason[0], f"{name} {reason[1]}", label), item)
        elif orders.widen and (wider := _wider(item, orders.recipe)):
            piece.wider = wider
            break
        else:
            _add(piece, item, orders)
        if piece.is_full:
            yield piece.finish()
            piece = Work()
    if piece.names or piece.wider:
        yield piece.finish()


def _together(items: Iterable[Batch | Refused]) -> Iterator[Batch | Refused]:
    """The same, with small pictures of one kind in one batch where they follow each other: what is done to a batch
    costs as much for one small picture as for many."""
    alike: list[Batch] = []
    for item in items:
        joins = item if isinstance(item, Batch) and item.pixels.nbytes <= SMALL_BYTES else None
        if alike and not (joins and _alike(alike, joins)):
            yield _joined(alike)
            alike = []
        if joins:
            alike.append(joins)
        else:
            yield item
    if alike:
        yield _joined(alike)


def _alike(batches: list[Batch], following: Batch) -> bool:
    first = batches[0]
    same = first.pixels.shape[1:] == following.pixels.shape[1:] and first.pixels.dtype == following.pixels.dtype
    room = (len(batches) + 1) * first.pixels.nbytes <= JOINED_BYTES
    return same and room and first.mode == following.mode and first.done == following.done


def _joined(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(
        np.concatenate([batch.pixels for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
        [name for batch in batches for name in batch.names],
        batches[0].mode,
        batches[0].done,
    )


def _why_refused(batch: Batch, orders: Orders) -> tuple[str, str] | None:
    """(reason, rest of the sentence) where pictures of this size are not wanted."""
    if batch.pixels.dtype != np.uint8:
        return None
    if (complaint := why_too_small(batch, orders.min_side)) is not None:
        return TOO_SMALL, complaint
    height, width = batch.pixels.shape[2:]
    if orders.recipe.fit != "none" or (height, width) == orders.recipe.shape[1:]:
        return None
    wanted = "{}x{}".format(*orders.recipe.shape[1:])
    if orders.like_first is not None:
        return OTHER_SIZE, (
            f"is {height}x{width} pixels (height x width) and {orders.like_first} {wanted}; set data.resolution to "
            f"the size that all shall have."
        )
    return OTHER_SIZE, (
        f"is {height}x{width} pixels (height x width), data.resolution {wanted}, and data.fit none; set data.fit to "
        f"center_crop, pad or stretch."
    )


def why_too_small(batch: Batch, min_side: int) -> str | None:
    """The rest of a sentence that begins with the picture's name; none for points and for pictures large enough."""
    height, width = batch.pixels.shape[2:]
    if batch.pixels.dtype != np.uint8 or min(height, width) >= min_side:
        return None
    return (
        f"is {height}x{width} pixels (height x width) and data.min_side {min_side}; remove it, or lower data.min_side."
    )


def _wider(batch: Batch, recipe: Recipe) -> int:
    """The channels that these pictures and the recipe's need together, where the recipe has fewer; else 0."""
    if batch.pixels.dtype != np.uint8:
        return 0
    channels, height, width = batch.pixels.shape[1:]
    together = join(recipe.shape[0], channels_needed(channels, (height, width), recipe))
    return together if together != recipe.shape[0] else 0


def _add(piece: Work, batch: Batch, orders: Orders) -> None:
    count, height, width = len(batch.pixels), *batch.pixels.shape[2:]
    if batch.pixels.dtype == np.uint8:
        digests = pixel_digests(batch.pixels)
        fitted, changes = fit(batch.pixels, orders.recipe)
    else:
        digests = [sha256(point.tobytes()).digest() for point in batch.pixels]
        fitted, changes = batch.pixels, ()
    piece.names.extend(batch.names)
    piece.labels.extend(batch.labels.tolist())
    piece.heights.extend([height] * count)
    piece.widths.extend([width] * count)
    piece.modes.extend([batch.mode] * count)
    piece.done.extend(["; ".join(batch.done + changes)] * count)
    piece.digests.extend(digests)
    piece.heldout.extend(are_heldout(digests, seed=orders.seed, share=orders.share))
    piece.pixels.append(fitted)
    piece.n_bytes += fitted.nbytes


def pixel_digest(picture: UInt8[np.ndarray, "channels height width"]) -> bytes:
    """sha256 over shape and pixels of a decoded picture. RGB without colour counts as the grey picture it shows."""
    # One pixel tells most coloured pictures; looking at all of them costs as much as the digest.
    if len(picture) >= 3 and picture[0, 0, 0] == picture[1, 0, 0] == picture[2, 0, 0]:
        red, green, blue = picture[:3]
        if (red == green).all() and (green == blue).all():
            picture = np.delete(picture, (1, 2), axis=0)
    digest = sha256(f"{picture.shape}".encode())
    digest.update(np.ascontiguousarray(picture).data)
    return digest.digest()


def pixel_digests(pixels: UInt8[np.ndarray, "n channels height width"]) -> list[bytes]:
    """`pixel_digest` of each."""
    if len(pixels) == 1:
        return [pixel_digest(pixels[0])]
    # Many small pictures: in one call each, what would take longer to prepare than to compute.
    shape, content = f"{pixels.shape[1:]}".encode(), pixels.tobytes()
    size = pixels[0].nbytes
    digests = [sha256(shape + content[start : start + size]).digest() for start in range(0, len(content), size)]
    if pixels.shape[1] >= 3:
        corner = pixels[:, :3, 0, 0]
        for number in np.nonzero((corner == corner[:, :1]).all(axis=1))[0].tolist():
            digests[number] = pixel_digest(pixels[number])
    return digests


def are_heldout(digests: list[bytes], *, seed: int, share: float) -> list[bool]:
    """Which pictures are held out: each by its own content, whatever else there is.

    So more pictures move no old one across the split, a larger share only adds to the held-out side, and
    duplicates lie on one side.
    """
    prefix, limit = f"heldout {seed} ".encode(), share * 2**64
    return [int.from_bytes(sha256(prefix + digest).digest()[:8], "big") < limit for digest in digests]
