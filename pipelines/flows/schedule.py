"""What Prefect's server knows: whether a later run than this one is due, and which run's process is gone."""

from collections.abc import Callable
from datetime import UTC, datetime

AT_WORK = frozenset({"RUNNING", "PENDING", "CANCELLING"})


def superseded() -> str | None:
    """Why the current run may be skipped: it was scheduled, and a later one of the same schedule is due.

    After a time without a worker all missed runs are started one after another; only the newest is worth it.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    mine = context.flow_run if context is not None else None
    if mine is None or not mine.auto_scheduled or mine.deployment_id is None or mine.expected_start_time is None:
        return None
    due = {"after_": mine.expected_start_time, "before_": datetime.now(UTC)}
    wanted = FlowRunFilter.model_validate({"deployment_id": {"any_": [mine.deployment_id]}, "expected_start_time": due})
    with get_client(sync_client=True) as client:
        later = [
            run.expected_start_time
            for run in client.read_flow_runs(flow_run_filter=wanted)
            if run.id != mine.id
            and run.auto_scheduled
            and run.expected_start_time
            and run.parameters == mine.parameters
        ]
    later = [at for at in later if at > mine.expected_start_time]
    if not later:
        return None
    return f"Skipped: it was due at {mine.expected_start_time:%F %T} UTC, and another at {max(later):%F %T} UTC."


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
