"""MLflow, DVC and Prefect: are they there, and do they answer?"""

import os
from collections.abc import Iterator
from pathlib import Path

from pipelines import tracking
from pipelines.flows.address import why_no_answer
from pipelines.tracking import health

from . import Circumstances, Finding, State

DVC = Path(".dvc")


def check_mlflow(circumstances: Circumstances) -> Iterator[Finding]:
    """The store answers, with tables that this MLflow knows; whose process is gone does not stay RUNNING.

    StoreError where the store is away.
    """
    group, address = "MLflow", tracking.shown(tracking.tracking_uri())
    if not tracking.exists():
        yield Finding(group, State.OK, f"nothing yet at {address}; the first stage makes it")
        return
    with tracking.opened() as store:
        count = health.experiments(store)
        yield Finding(group, State.OK, f"{address} answers, {count} experiment{'' if count == 1 else 's'}")
        if (settings := circumstances.known_settings) is None:
            return
        for run in health.left_runs(store, settings.publish.experiment, end=circumstances.fix):
            heard = "" if run.silent is None else f", last heard of {run.silent / 3600:.1f} h ago"
            whose = f"run {run.name} says RUNNING but its process on {run.host} is gone{heard}"
            if circumstances.fix:
                yield Finding(group, State.MENDED, f"{whose}: marked KILLED")
            else:
                yield Finding(group, State.MENDABLE, f"{whose}.")


def check_dvc(_: Circumstances) -> Iterator[Finding]:
    """The project is one of DVC's; whether its outputs are kept anywhere else."""
    if not DVC.is_dir():
        yield Finding("DVC", State.WRONG, f"{Path.cwd()} is no DVC project.", "Go to the project's folder.")
        return
    from dvc.config import Config

    remote = Config(str(DVC))["core"].get("remote")
    elsewhere = f"remote {remote}" if remote else "no remote: outputs are on this machine alone (dvc remote add -d ...)"
    yield Finding("DVC", State.OK, f"cache {dvc_cache()}, {elsewhere}")


def dvc_cache() -> Path | None:
    """Where DVC keeps outputs; None outside a project."""
    if not DVC.is_dir():
        return None
    from dvc.config import Config

    return Path(Config(str(DVC))["cache"].get("dir") or DVC / "cache")


def check_prefect(_: Circumstances) -> Iterator[Finding]:
    """The server that PREFECT_API_URL names answers; without one, flows bring their own."""
    group, address = "Prefect", os.environ.get("PREFECT_API_URL")
    if not address:
        yield Finding(group, State.OK, "PREFECT_API_URL is not set: each flow starts a server of its own")
        return
    shown = tracking.shown(address)
    problem = why_no_answer(address)
    if problem is None:
        yield Finding(group, State.OK, f"{shown} answers")
    else:
        says, way_out = problem
        yield Finding(group, State.WRONG, f"{shown} {says}.", way_out)
