"""Slots that several machines share: Prefect's global concurrency limits, where somebody has made them.

`prefect gcl create gpu --limit 1` makes one; without it nobody waits. A slot is lent for a minute at a time, so that
of a process or machine that is gone it is free again soon.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

GPU = "gpu"
"""Of whatever trains or evaluates."""
RETRAIN = "retrain"
"""Of a whole retraining, for a team whose workers have checkouts of their own."""
LEASE_SECONDS = 60.0
"""Prefect's least."""
ON_THE_DEVICE = frozenset({"train", "classifier", "sample", "evaluate"})
"""Stages that work on the GPU where there is one."""


@contextmanager
def slot(name: str, say: Callable[[str], None]) -> Iterator[None]:
    """Holds a place of this limit while the block lasts, waiting for it where there is none; no limit, no wait."""
    from prefect.concurrency.sync import concurrency

    taken = _taken(name)
    if taken is None:
        yield
        return
    if taken:
        say(f"Waits for a slot of '{name}', which others have.")
    # Where the server is away for longer than the lease the work goes on: it is worth more than the order.
    with concurrency(name, lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False):
        yield


def _taken(name: str) -> bool | None:
    """Whether all places are taken; None where there is no such limit."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            limit = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return None
    return limit.active_slots >= limit.limit
