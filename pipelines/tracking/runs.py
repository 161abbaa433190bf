"""One run for one lineage key: found, made, taken up again, ended; whose process is gone does not stay RUNNING."""

import json
import os
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import psutil

from .. import processes
from ..lineage import Lineage
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

KEY = "ganlib.key"
HOST, PID, STARTED = "ganlib.host", "ganlib.pid", "ganlib.process_started"
RECORDED_BY = "ganlib.recorded_by"
"""train: the tags about code, versions and device are those of the training; sync: those of whoever rebuilt the run."""
HEARTBEAT = "ganlib.heartbeat"
"""When the process that is at a run was last heard of, in milliseconds since 1970: what other hosts know it by."""
GENERATOR = "ganlib.generator"
"""sha256 of the weights that the run's numbers and files are of."""
SILENT_SECONDS = 15 * 60.0
"""A process on another host that has not been heard of for so long is gone. Hosts' clocks differ by less."""


def find(store: Store, experiment: str, key: str) -> "Run | None":
    """The run of this key. Of several, made by hosts that could not see each other, the oldest for everybody."""
    runs = store.client.search_runs([experiment], f"tags.`{KEY}` = '{key}'")
    return min(runs, key=lambda run: (run.info.start_time, run.info.run_id), default=None)


def claim(store: Store, experiment: str, lineage: Lineage, environment: Mapping[str, str], *, training: bool) -> "Run":
    """The run of this lineage, found or made, with its parameters and tags.

    training: this process trains; it becomes the run's owner and the run is RUNNING (again). Otherwise only
    what is missing is added, and a run that is made is not RUNNING on anybody's account but this process'.
    """
    owner = {**environment, RECORDED_BY: "train" if training else "sync", **this_process()}
    if training:
        owner[HEARTBEAT] = str(now_ms())
    with store.lock:
        run = find(store, experiment, lineage.key) or _create(store, experiment, lineage, owner)
    tags = {**facts(lineage), **(owner if training else environment)}
    _complete(store, run, lineage, tags, overwrite=training)
    if training:
        store.client.update_run(run.info.run_id, status="RUNNING")
    return store.client.get_run(run.info.run_id)


def _create(store: Store, experiment: str, lineage: Lineage, owner: Mapping[str, str]) -> "Run":
    run = store.client.create_run(
        experiment,
        start_time=now_ms(),
        tags={KEY: lineage.key, **owner},
        run_name=name_of(lineage),
    )
    # Another host holds another lock: whoever lost takes its own run back and uses the winner's.
    winner = find(store, experiment, lineage.key) or run
    if winner.info.run_id != run.info.run_id:
        store.client.delete_run(run.info.run_id)
    return winner


def name_of(lineage: Lineage) -> str:
    """What the run of this lineage is called: `dcgan-hinge-0123abcd`."""
    return f"{lineage.settings['network']['name']}-{lineage.settings['loss']['name']}-{lineage.key[:8]}"


def _complete(store: Store, run: "Run", lineage: Lineage, tags: Mapping[str, str], *, overwrite: bool) -> None:
    """Parameters and tags that are missing; with `overwrite` also tags that say something else."""
    from mlflow.entities import Param, RunTag

    have = run.data.tags
    stale = [RunTag(k, v) for k, v in tags.items() if (k not in have or overwrite) and have.get(k) != v]
    parameters = flattened(lineage.settings)
    missing = [Param(name, str(value)) for name, value in parameters.items() if name not in run.data.params]
    for first in range(0, max(len(missing), len(stale)), 100):
        store.client.log_batch(run.info.run_id, params=missing[first : first + 100], tags=stale[first : first + 100])


def facts(lineage: Lineage) -> dict[str, str]:
    """The tags that the lineage alone decides."""
    return {
        "ganlib.data": lineage.data,
        "ganlib.params": lineage.params_digest,
        "ganlib.code": lineage.code_digest,
        "ganlib.train_seed": str(lineage.settings["train"]["seed"]),
    }


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"train": {"lr": 1}}` as `{"train.lr": 1}`; what is no number and no text as JSON."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            plain = isinstance(value, str | int | float) and not isinstance(value, bool)
            flat[prefix + name] = value if plain else json.dumps(value)
    return flat


def tag(store: Store, run_id: str, name: str) -> str | None:
    """What the run's tag says; None where it has none of this name."""
    value: str | None = store.client.get_run(run_id).data.tags.get(name)
    return value


def set_tags(store: Store, run: "Run", tags: Mapping[str, str]) -> None:
    """Sets the tags that are missing or say something else."""
    from mlflow.entities import RunTag

    stale = [RunTag(name, value) for name, value in tags.items() if run.data.tags.get(name) != value]
    if stale:
        store.client.log_batch(run.info.run_id, tags=stale)


def finish(store: Store, run: "Run") -> None:
    """FINISHED, unless it is so already or somebody alive on this host is at it."""
    if run.info.status == "FINISHED":
        return
    tags = run.data.tags
    if run.info.status == "RUNNING" and tags.get(HOST) == socket.gethostname() and _others_at_work(tags):
        return
    store.client.set_terminated(run.info.run_id, "FINISHED", end_time=now_ms())


def reap(store: Store, experiment: str) -> "list[Run]":
    """Marks runs KILLED that say RUNNING but whose process is gone; those runs, as they were."""
    left = [run for run in running(store, experiment) if is_left(run)]
    for run in left:
        store.client.set_terminated(run.info.run_id, "KILLED", end_time=now_ms())
    return left


def running(store: Store, experiment: str) -> "list[Run]":
    """The runs that say RUNNING."""
    return list(store.client.search_runs([experiment], "attributes.status = 'RUNNING'"))


def is_left(run: "Run") -> bool:
    """Whether nobody is at the run any more: its process on this host is gone, or one elsewhere has fallen silent.

    Of a run of another host that never had a heartbeat nobody here can tell.
    """
    tags = run.data.tags
    if tags.get(HOST) == socket.gethostname():
        return not _is_alive(tags)
    silent = silent_seconds(run)
    return silent is not None and silent > SILENT_SECONDS


def silent_seconds(run: "Run") -> float | None:
    """Since the run's process was last heard of; None where it never was."""
    try:
        return (now_ms() - int(run.data.tags.get(HEARTBEAT, ""))) / 1000
    except ValueError:
        return None


def beat(store: Store, run: "Run") -> None:
    """Says that this process is still at the run."""
    store.client.set_tag(run.info.run_id, HEARTBEAT, str(now_ms()))


def this_process() -> dict[str, str]:
    """The tags that say who is at a run; the start time tells a process from a later one with its number."""
    started = psutil.Process().create_time()
    return {HOST: socket.gethostname(), PID: str(os.getpid()), STARTED: f"{started:.3f}"}


def _is_alive(tags: Mapping[str, str]) -> bool:
    try:
        return processes.is_alive(int(tags.get(PID, "")), float(tags.get(STARTED, "")))
    except ValueError:
        return False


def _others_at_work(tags: Mapping[str, str]) -> bool:
    return _is_alive(tags) and tags.get(PID) != str(os.getpid())


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
