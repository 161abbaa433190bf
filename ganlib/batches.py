"""Real images for the discriminator: batch k is the same whoever asks, however often the training was resumed."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from .errors import UserError
from .prepared import PixelArray, PointArray, Split
from .randomness import Purpose, stream
from .shapes import Labels, Stored

UPLOADED_AT_ONCE = 1 << 26
"""Bytes of the memory map that are copied at a time on their way to the device."""

Rows = Int64[np.ndarray, " count"]


def order(seed: int, purpose: Purpose, n: int, start: int, count: int) -> Rows:
    """Which of n images stand at positions start .. start + count of an endless series of shuffled epochs."""
    parts = []
    while count > 0:
        epoch, within = divmod(start, n)
        part = _shuffled(seed, purpose, n, epoch)[within : within + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts)


@lru_cache(maxsize=4)  # two orders, each at most in two epochs at once
def _shuffled(seed: int, purpose: Purpose, n: int, epoch: int) -> Int64[np.ndarray, " n"]:
    return stream(seed, purpose, epoch).permutation(n)


class RealImages:
    """The training pictures in two shuffled orders, one for each player's steps. Closing it ends its thread.

    Pixels of at most `cache_bytes` are uploaded to a CUDA device once and batches gathered there; on a CPU they are
    read from the memory map as they are asked for, because the system keeps so much in memory by itself (a batch of
    256 CIFAR pictures takes 0.1 ms then, and handing it from thread to thread would save nothing). More are read ahead
    of time by a thread. Where a batch comes from changes no bit of it. Labels are none where the players see none.
    """

    def __init__(self, data: Split, *, seed: int, conditional: bool, device: torch.device, cache_bytes: int) -> None:
        self.data, self.seed, self.device = data, seed, device
        self.labels = torch.from_numpy(data.labels).to(device) if conditional else None
        small = data.pixels.nbytes <= cache_bytes
        self.on_device = _uploaded(data.pixels, device) if small and device.type == "cuda" else None
        self.ahead = None if small else Ahead(data.pixels, seed, device)

    def __enter__(self) -> "RealImages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.ahead is not None:
            self.ahead.close()

    def batch(
        self, purpose: Purpose, start: int, count: int, *, pixels: bool = True
    ) -> tuple[Stored | None, Labels | None]:
        """The images at `count` positions of the purpose's order, as files hold them, and their labels.

        No images where `pixels` is false, for a player that is told of labels alone.
        """
        if not pixels and self.labels is None:
            return None, None
        stored: Stored | None = None
        if pixels and self.ahead is not None:
            rows, stored = self.ahead.take(Request(purpose, start, count))
        else:
            rows = order(self.seed, purpose, len(self.data), start, count)
            if pixels:
                stored = self._stored(rows)
        return stored, None if self.labels is None else self.labels[self._there(rows)]

    def _stored(self, rows: Rows) -> Stored:
        if self.on_device is not None:
            return self.on_device[self._there(rows)]
        return torch.from_numpy(self.data.pixels[rows]).to(self.device)

    def _there(self, rows: Rows) -> Tensor:
        here = torch.from_numpy(rows)
        return here.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else here


def _uploaded(pixels: PixelArray | PointArray, device: torch.device) -> Stored:
    """All of it on the device, through little host memory; UserError where the device has not that much."""
    try:
        whole = torch.empty(pixels.shape, dtype=torch.from_numpy(pixels[:0].copy()).dtype, device=device)
        step = max(1, UPLOADED_AT_ONCE // max(1, pixels[:1].nbytes))
        for first in range(0, len(pixels), step):
            whole[first : first + step] = torch.from_numpy(np.array(pixels[first : first + step]))
    except torch.OutOfMemoryError:
        raise UserError(
            f"{device} has no room for the {pixels.nbytes / 1e9:.1f} GB of pixels; lower train.device_cache_gb, so "
            f"that they are read from disk instead."
        ) from None
    return whole


@dataclass(frozen=True)
class Request:
    """A batch as a player's step asks for it."""

    purpose: Purpose
    start: int
    count: int


class Landing:
    """Page-locked host memory: a batch is gathered into it and copied to a CUDA device without anyone waiting."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        self.pixels = torch.empty(shape, dtype=dtype, pin_memory=True)
        self.copied = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def fill(self, pixels: PixelArray | PointArray, rows: Rows) -> None:
        """Gathers the rows, once the device has read what lay here before."""
        self.copied.synchronize()
        # `clip` lets numpy write straight into `out`; no row lies outside.
        np.take(pixels, rows, axis=0, out=self.pixels.numpy(), mode="clip")

    def send(self, device: torch.device) -> Stored:
        """Starts the copy and returns what it fills: work on the current stream comes after it by itself."""
        there = self.pixels.to(device, non_blocking=True)
        self.copied.record(torch.cuda.current_stream(device))
        return there


@dataclass
class Lane:
    """One player's batches: the last one handed out, and the next one as it is expected."""

    start: int
    stride: int
    expected: Request | None = None
    gathered: "Future[tuple[Rows, Stored | Landing]] | None" = None
    landings: list[Landing] = field(default_factory=list)
    """Two of them on a CUDA device, in turn: while the device reads one, the thread fills the other. `Landing.fill`
    waits for the copy of two batches ago, which has long ended where the device keeps up."""

    def foresee(self, request: Request) -> Request:
        """The batch after this one: positions advance by a fixed stride, but for a jump after a rollback."""
        if request.start > self.start:
            self.stride = request.start - self.start
        self.start = request.start
        return Request(request.purpose, request.start + self.stride, request.count)


class Ahead:
    """Gathers from the memory map, in a thread of its own, the batch that each player will ask for next.

    A batch that nobody foresaw is gathered on the spot. What goes wrong in the thread is raised where the batch is
    taken. The thread ends with `close`, and with this object.
    """

    def __init__(self, pixels: PixelArray | PointArray, seed: int, device: torch.device) -> None:
        self.pixels, self.seed, self.device = pixels, seed, device
        self.lanes: dict[Purpose, Lane] = {}
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ganlib-batches")

    def take(self, request: Request) -> tuple[Rows, Stored]:
        """The rows of the batch and their pixels on the device; starts on the next one."""
        lane = self.lanes.setdefault(request.purpose, Lane(start=request.start, stride=request.count))
        if lane.gathered is not None and lane.expected == request:
            rows, gathered = lane.gathered.result()
            if isinstance(gathered, Landing):
                pixels = gathered.send(self.device)
                lane.landings.reverse()
            else:
                pixels = gathered
        else:
            rows = order(self.seed, request.purpose, len(self.pixels), request.start, request.count)
            pixels = torch.from_numpy(self.pixels[rows]).to(self.device)
        lane.expected = lane.foresee(request)
        # The thread is one, so a landing that a batch nobody took still goes to is filled anew only after that.
        lane.gathered = self.thread.submit(gather, self.pixels, self.seed, lane.expected, self._landing(lane))
        return rows, pixels

    def close(self) -> None:
        """Waits for the batch that is being gathered, if one is, and ends the thread."""
        self.thread.shutdown(wait=True, cancel_futures=True)

    def _landing(self, lane: Lane) -> Landing | None:
        """Where the thread is to gather; none on a CPU, which computes on what was gathered itself."""
        if self.device.type != "cuda":
            return None
        assert lane.expected is not None
        shape = (lane.expected.count, *self.pixels.shape[1:])
        if not lane.landings or lane.landings[0].pixels.shape != shape:
            dtype = torch.from_numpy(self.pixels[:0].copy()).dtype
            lane.landings = [Landing(shape, dtype), Landing(shape, dtype)]
        return lane.landings[0]


def gather(
    pixels: PixelArray | PointArray, seed: int, request: Request, landing: Landing | None
) -> tuple[Rows, Stored | Landing]:
    """The rows of a batch, and their pixels in `landing` or in memory of their own."""
    rows = order(seed, request.purpose, len(pixels), request.start, request.count)
    if landing is None:
        return rows, torch.from_numpy(pixels[rows])
    landing.fill(pixels, rows)
    return rows, landing
