"""Slots that several machines share: Prefect's global concurrency limits, where somebody has made them.

`prefect gcl create gpu --limit 1` makes one; without it nobody waits. A slot is lent for a minute at a time, so that
of a process or machine that is gone it is free again soon.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from pipelines.stage import EXIT_RESUMABLE

from .stages import Failure

GPU = "gpu"
"""Of whatever trains or evaluates."""
RETRAIN = "retrain"
"""Of a whole retraining, for a team whose workers have checkouts of their own."""
LEASE_SECONDS = 60.0
"""Prefect's least."""
ASK_SECONDS = 2.0
ON_THE_DEVICE = frozenset({"train", "classifier", "sample", "evaluate"})
"""Stages that work on the GPU where there is one."""


def device_slot(stage: str, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """The `gpu` slot, for a stage that works on the device; nothing for one that does not."""
    return slot(GPU, say) if stage in ON_THE_DEVICE else nullcontext()


@contextmanager
def slot(name: str, say: Callable[[str], None]) -> Iterator[None]:
    """Holds a place of this limit while the block lasts, waiting for it where there is none; no limit, no wait.

    Failure that may pass where Prefect's server is away at the beginning. Later the work is worth more than the order:
    it goes on without the server.
    """
    from httpx import HTTPError

    place = _place(name, say)
    try:
        yield
    finally:
        with suppress(HTTPError):  # the place is free again when what it was lent for is over
            place.__exit__(None, None, None)


def _place(name: str, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """A place of the limit, entered."""
    from httpx import TransportError
    from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError
    from prefect.concurrency.sync import concurrency

    told = False
    while True:
        try:
            taken = _taken(name)
            if taken is None:
                return nullcontext()
            # Asked for only once it is free: Prefect logs an error for each time that nothing comes of asking.
            if not taken:
                place = concurrency(
                    name, timeout_seconds=LEASE_SECONDS, lease_duration=LEASE_SECONDS,
                    raise_on_lease_renewal_failure=False,
                )  # fmt: skip
                place.__enter__()
                return place
        except TransportError as error:
            sentence = f"The Prefect server does not answer ({type(error).__name__}); start it, or wait for it."
            raise Failure(sentence, EXIT_RESUMABLE) from error
        except AcquireConcurrencySlotTimeoutError:
            pass  # somebody was quicker: it is waited for like any other
        if not told:
            told = True
            say(f"Waits for a slot of '{name}', which others have.")
        time.sleep(ASK_SECONDS)


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
