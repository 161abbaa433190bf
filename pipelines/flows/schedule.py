"""What Prefect's server knows: whether a later run than this one is due, and which run's process is gone."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

SKIPPED = "Skipped"
AT_WORK = frozenset({"RUNNING", "PENDING", "CANCELLING"})


def superseded() -> str | None:
    """Why the current run may be skipped: it was scheduled, and a later one of the same schedule is running.

    After a time without a worker all missed runs come at once, and one is enough: of those that were started the last.
    It skips what is due and was not started yet, so that each does not take a process to find that out. No run makes
    room for one that is not running yet: where they come faster than they start, none would ever be made.
    """
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    mine = context.flow_run if context is not None else None
    if mine is None or not mine.auto_scheduled or mine.deployment_id is None or mine.expected_start_time is None:
        return None
    with get_client(sync_client=True) as client:
        alike = _due(client, mine)
        started = [_due_at(run) for run in alike if run.id == mine.id or run.state_type == StateType.RUNNING]
        newest = max([mine.expected_start_time, *started])
        for run in alike:
            if run.state_type == StateType.SCHEDULED:
                skipped = State(type=StateType.CANCELLED, name=SKIPPED, message=_why(run, newest))
                client.set_flow_run_state(run.id, skipped)
    return None if mine.expected_start_time >= newest else _why(mine, newest)


def _due(client: "SyncPrefectClient", mine: "FlowRun") -> "list[FlowRun]":
    """The runs of the same schedule whose time has come, the latest first."""
    due = {"before_": datetime.now(UTC)}
    wanted = FlowRunFilter.model_validate({"deployment_id": {"any_": [mine.deployment_id]}, "expected_start_time": due})
    found = client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
    return [run for run in found if run.auto_scheduled and run.parameters == mine.parameters]


def _due_at(run: "FlowRun") -> datetime:
    assert run.expected_start_time is not None, "it was asked for by this time"
    return run.expected_start_time


def _why(run: "FlowRun", newest: datetime) -> str:
    return f"Skipped: it was due at {_due_at(run):%F %T} UTC, and the run of {newest:%F %T} UTC makes up for it."


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
