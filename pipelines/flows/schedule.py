"""What Prefect's server knows: whether a later run than this one is due, and which run's process is gone."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

SKIPPED = "Skipped"
AT_WORK = frozenset({"RUNNING", "PENDING", "CANCELLING"})


def superseded() -> str | None:
    """Why the current run may be skipped: it was scheduled, and a later one of the same schedule is due.

    After a time without a worker all missed runs are started at once; only the newest is worth it. Those that have not
    been started yet are skipped from here, so that each does not take a process to find that out.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    mine = context.flow_run if context is not None else None
    if mine is None or not mine.auto_scheduled or mine.deployment_id is None:
        return None
    due = {"before_": datetime.now(UTC)}
    wanted = FlowRunFilter.model_validate({"deployment_id": {"any_": [mine.deployment_id]}, "expected_start_time": due})
    with get_client(sync_client=True) as client:
        alike = [
            run
            for run in client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
            if run.auto_scheduled and run.parameters == mine.parameters
        ]
        newest = max((run.expected_start_time for run in alike if run.expected_start_time), default=None)
        for run in alike:
            if run.state_type == StateType.SCHEDULED and run.expected_start_time != newest:
                skipped = State(type=StateType.CANCELLED, name=SKIPPED, message=_why(run, newest))
                client.set_flow_run_state(run.id, skipped)
    if newest is None or mine.expected_start_time is None or mine.expected_start_time >= newest:
        return None
    return _why(mine, newest)


def _why(run: "FlowRun", newest: datetime | None) -> str:
    return f"Skipped: it was due at {run.expected_start_time:%F %T} UTC, and another at {newest:%F %T} UTC."


def bury(run_id: str, say: Callable[[str], None]) -> None:
    """Ends the run of a process that is gone in Prefect's eyes, where the server still takes it to be at work."""
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Cancelled, Crashed

    with get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(UUID(run_id))
        except ObjectNotFound:  # another server, or a temporary one
            return
        if run.state is None or run.state.type.value not in AT_WORK:
            return
        reason = "Its process was killed; a later run has cleared up after it."
        wanted = run.state.type.value == "CANCELLING"
        client.set_flow_run_state(run.id, Cancelled(message=reason) if wanted else Crashed(message=reason), force=True)
    say(f"The run {run.name} was killed at work; what it left is cleared away, and its training goes on where it was.")
