"""Logging while it trains: one thread does all of MLflow, the training only puts numbers into a bounded buffer."""

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from ganlib.settings import Settings

from .. import lineage as lineages
from .. import origin, trainings
from ..stage import Resumable
from . import contents, origins, runs
from .store import Store, StoreError, opened

if TYPE_CHECKING:
    from mlflow.entities import Run

ROWS = 10_000
PICTURES = 20
SEND_EVERY_SECONDS = 2.0
BEAT_EVERY_SECONDS = 60.0
"""How often the run's tag says to other hosts that the training is alive."""
RETRY_EVERY_SECONDS = 30.0
FLUSH_SECONDS = 15.0
LATER = "`ganlib sync` completes the run"

Row = tuple[int, dict[str, float]]
Picture = tuple[int, "np.ndarray[Any, Any]"]


@contextmanager
def live(settings: Settings, lineage: lineages.Lineage, *, device: str) -> Iterator["Live"]:
    """The run of this lineage while it trains, found or made in the background; entering and leaving never fail.

    The run ends FINISHED after `finished()`, KILLED after a stop that can be resumed, else FAILED. Leaving waits a
    few seconds for what is still to be sent; `ganlib sync` completes a run that was cut short. Meanwhile the folder of
    checkpoints says who is at it.
    """
    recorder = Live(settings, lineage, device)
    recorder.start()
    signed = trainings.Signed(settings, lineage, runs.name_of(lineage))
    status = "FAILED"
    try:
        yield recorder
        status = "KILLED"
    except (Resumable, KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        signed.end("finished" if recorder.is_finished else "stopped")
        recorder.close(status)


class Live:
    """What the training says of itself. No method blocks and none raises."""

    def __init__(self, settings: Settings, lineage: lineages.Lineage, device: str) -> None:
        self._settings, self._lineage = settings, lineage
        self._machine = lineages.machine(device)
        # The oldest fall out: a store that is away for hours must not fill the memory, and the sync has them all.
        self._rows: deque[Row] = deque(maxlen=ROWS)
        self._pictures: deque[Picture] = deque(maxlen=PICTURES)
        self._buffers = threading.Lock()
        self._closing = threading.Event()
        self._status: str | None = None
        self._warned = False
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)

    def log(self, images_seen: int, values: Mapping[str, float]) -> None:
        """A row of the training's history; images_seen is the step of its numbers and no metric of its own."""
        metrics = {name: value for name, value in values.items() if name != "images_seen"}
        with self._buffers:
            self._rows.append((images_seen, metrics))

    def picture(self, images_seen: int, pixels: "np.ndarray[Any, Any]") -> None:
        """A sample grid, HxW or HxWx3 uint8, at this point."""
        with self._buffers:
            self._pictures.append((images_seen, np.array(pixels)))

    def finished(self) -> None:
        """The training has ended well."""
        self._status = "FINISHED"

    @property
    def is_finished(self) -> bool:
        """Whether it has."""
        return self._status == "FINISHED"

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def close(self, status: str) -> None:
        """Sends the rest and ends the run with `status`, or as finished; waits some seconds at most."""
        self._status = self._status or status
        self._closing.set()
        self._thread.join(FLUSH_SECONDS)
        if self._thread.is_alive():
            self._warn(f"MLflow did not take everything within {FLUSH_SECONDS:.0f} s; {LATER}")

    def _work(self) -> None:
        """The thread: sends, and where the store is away tries again later, until closed."""
        wait = 0.0
        while not self._closing.wait(wait) or wait == 0.0:
            try:
                # First of all: commit and dvc.lock may be others when a store that is away comes back.
                environment, texts = self._origin
                with opened() as store:
                    self._serve(store, environment, texts)
                return
            except StoreError as error:
                self._warn(str(error).rstrip("."))
            except Exception as error:  # whatever it is, the training goes on
                self._warn(f"logging to MLflow failed ({type(error).__name__}: {error}); {LATER}")
            wait = RETRY_EVERY_SECONDS

    @cached_property
    def _origin(self) -> tuple[dict[str, str], dict[str, str]]:
        """Tags and files that say where the generator comes from."""
        environment = {**lineages.environment(self._settings), **self._machine}
        return environment, origin.texts(self._settings, self._lineage)

    def _serve(self, store: Store, environment: Mapping[str, str], texts: Mapping[str, str]) -> None:
        experiment = store.experiment(self._settings.publish.experiment)
        run = runs.claim(store, experiment, self._lineage, environment, training=True)
        origins.keep(store, run, texts, overwrite=True)
        runs.reap(store, experiment)
        have = contents.picture_steps(store, run)
        beaten = time.monotonic()  # by the claim
        while True:
            last = self._closing.wait(SEND_EVERY_SECONDS)
            if time.monotonic() - beaten >= BEAT_EVERY_SECONDS:
                with suppress(Exception):  # a store that is away shows when there is something to send
                    runs.beat(store, run)
                beaten = time.monotonic()
            self._send(store, run, have)
            if last:
                store.client.set_terminated(run.info.run_id, self._status, end_time=runs.now_ms())
                return

    def _send(self, store: Store, run: "Run", have: set[int]) -> None:
        with self._buffers:
            rows, pictures = list(self._rows), list(self._pictures)
        metrics = [contents.point(run, name, step, float(value)) for step, row in rows for name, value in row.items()]
        for first in range(0, len(metrics), contents.PER_BATCH):
            store.client.log_batch(run.info.run_id, metrics=metrics[first : first + contents.PER_BATCH])
        self._forget(self._rows, rows)
        for sent in pictures:
            step, pixels = sent
            if step not in have:
                contents.add_picture(store, run, step, pixels)
                have.add(step)
            self._forget(self._pictures, [sent])

    def _forget(self, buffer: "deque[Any]", sent: list[Any]) -> None:
        """Takes away what was sent; some of it may have fallen out already."""
        with self._buffers:
            for item in sent:
                if buffer and buffer[0] is item:
                    buffer.popleft()

    def _warn(self, reason: str) -> None:
        """One line, once: the training goes on."""
        if not self._warned:
            self._warned = True
            with suppress(Exception):
                tqdm.write(f"warning: {reason}; the training is not affected.", file=sys.stderr)
